"""Every write fails at first, in each of five ways, and what should be comes to be all the same."""

from collections.abc import Callable

import pytest

from support.controller.api_server import ApiServer, await_until, background, holds
from support.controller.api_server_proxy import ApiServerProxy
from support.controller.controller_process import Controller
from support.controller.fake_kubelet import FakeKubelet
from support.controller.manifests import SCRATCH, THREE, bulk, video
from support.controller.namespace_state import JobRecord, final_state, finished, its_worker_runs, phase
from support.controller.write_faults import WRITE_FAULTS

Start = Callable[..., Controller]
OF_A_BULK = {
    "PUT bulkimports/status",
    "POST videoimports",
    "PUT videoimports/status",
    "POST jobs",
    "PATCH jobs",
    "POST configmaps",
}


@pytest.mark.full(but=["conflict", "internal-error", "reset-after"])
@pytest.mark.parametrize("trouble", WRITE_FAULTS)
def test_a_bulk_ends_as_it_should(
    api: ApiServer, namespace: str, proxy: ApiServerProxy, started: Start, kubelet: FakeKubelet, trouble: str
) -> None:
    proxy.trouble = failing = WRITE_FAULTS[trouble]()
    controller = started()
    jobs = JobRecord(api, namespace)
    with background("job record", jobs.run):
        api.create(bulk(namespace, THREE))
        done = finished(api, "BulkImport", namespace, "many")
        await_until(
            "every Job to expire",
            lambda: all(state["expires"] for key, state in final_state(api, namespace).items() if "Job/" in key),
            explain=controller.tail,
        )
    assert (done["status"]["completed"], done["status"]["failed"]) == (2, 1)
    assert [len(uids) for uids in jobs.uids.values()] == [1, 1, 1], "a second Job for a run"
    assert set(failing.failed) >= OF_A_BULK, "not every kind of write was made to fail"


@pytest.mark.full(but=["conflict", "too-many-requests", "reset-before"])
@pytest.mark.parametrize("trouble", WRITE_FAULTS)
def test_a_cancelled_import_leaves_no_job(
    api: ApiServer, namespace: str, proxy: ApiServerProxy, started: Start, kubelet: FakeKubelet, trouble: str
) -> None:
    kubelet.hold.set()
    proxy.trouble = failing = WRITE_FAULTS[trouble]()
    controller = started()
    api.create(video(namespace))
    await_until("its worker", lambda: its_worker_runs(api, namespace), explain=controller.tail)
    api.merge("VideoImport", namespace, "one", {"spec": {"cancel": True}})
    assert finished(api, "VideoImport", namespace, "one")["status"]["phase"] == "Cancelled"
    await_until("the Job to go", lambda: not api.all_of("Job", namespace), explain=controller.tail)
    assert failing.failed["DELETE jobs"] >= 1


@pytest.mark.full(but=["internal-error", "reset-after"])
@pytest.mark.parametrize("trouble", WRITE_FAULTS)
def test_a_suspended_import_leaves_no_job_and_keeps_its_scratch_until_the_end(
    api: ApiServer, namespace: str, proxy: ApiServerProxy, started: Start, kubelet: FakeKubelet, trouble: str
) -> None:
    kubelet.hold.set()
    proxy.trouble = failing = WRITE_FAULTS[trouble]()
    controller = started()
    api.create(video(namespace, **SCRATCH))
    await_until("its worker", lambda: its_worker_runs(api, namespace), explain=controller.tail)
    api.merge("VideoImport", namespace, "one", {"spec": {"suspend": True}})
    await_until("the suspension", lambda: phase(api, namespace) == "Suspended", explain=controller.tail)
    await_until("the Job to go", lambda: not api.all_of("Job", namespace), explain=controller.tail)
    assert len(api.all_of("PersistentVolumeClaim", namespace)) == 1
    kubelet.hold.clear()
    api.merge("VideoImport", namespace, "one", {"spec": {"suspend": False}})
    done = finished(api, "VideoImport", namespace, "one")["status"]
    assert (done["phase"], done["run"], done["attempts"]["count"]) == ("Completed", 2, 1)
    await_until("the scratch to go", lambda: not api.all_of("PersistentVolumeClaim", namespace))
    assert {"POST persistentvolumeclaims", "DELETE jobs", "DELETE persistentvolumeclaims"} <= set(failing.failed)


def test_a_refused_job_is_shown_and_tried_again_when_the_quota_allows(
    api: ApiServer, namespace: str, proxy: ApiServerProxy, started: Start, kubelet: FakeKubelet
) -> None:
    quota = {"metadata": {"name": "none"}, "spec": {"hard": {"count/jobs.batch": "0"}}}
    quotas = f"/api/v1/namespaces/{namespace}/resourcequotas"
    api.call("POST", quotas, quota)
    await_until("the quota to count", lambda: "used" in api.call("GET", f"{quotas}/none").get("status", {}))
    controller = started(VIDEOIMPORT_PATIENCE_SECONDS="1")
    api.create(video(namespace))

    def status() -> dict[str, object]:
        return api.get("VideoImport", namespace, "one").get("status", {})  # type: ignore[no-any-return]

    await_until("the refusal to be shown", lambda: status().get("reason") == "JobRejected", explain=controller.tail)
    assert "exceeded quota" in str(status()["message"])
    events = api.call("GET", f"/api/v1/namespaces/{namespace}/events")["items"]
    assert [event["type"] for event in events if event["reason"] == "JobRejected"] == ["Warning"]

    api.call("DELETE", f"{quotas}/none")
    assert finished(api, "VideoImport", namespace, "one")["status"]["phase"] == "Completed"
    assert holds(api.get("VideoImport", namespace, "one"), "Ready")
