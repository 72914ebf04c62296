"""Suspended imports, scratch that outlives pods, and what must not start a second run."""

from collections.abc import Callable

import pytest

from support.controller.api_server import ApiServer, Raw, await_until, background
from support.controller.controller_process import Controller
from support.controller.fake_kubelet import FakeKubelet
from support.controller.manifests import SCRATCH, bulk, video
from support.controller.namespace_state import JobRecord, finished, its_worker_runs, phase
from videoimport.api.reasons import Reason

Start = Callable[..., Controller]


@pytest.fixture(autouse=True)
def controller_leads(started: Start) -> Controller:
    return started(VIDEOIMPORT_PATIENCE_SECONDS="1", VIDEOIMPORT_HOST_BACKOFF_SECONDS="5")


def wish(api: ApiServer, namespace: str, **spec: object) -> None:
    api.merge("VideoImport", namespace, "one", {"spec": spec})


def status(api: ApiServer, namespace: str) -> Raw:
    found: Raw = api.get("VideoImport", namespace, "one").get("status", {})
    return found


def jobs(api: ApiServer, namespace: str) -> list[str]:
    return [job["metadata"]["name"] for job in api.all_of("Job", namespace)]


def claims(api: ApiServer, namespace: str) -> list[str]:
    return [claim["metadata"]["name"] for claim in api.all_of("PersistentVolumeClaim", namespace)]


def suspend(api: ApiServer, namespace: str) -> None:
    wish(api, namespace, suspend=True)
    await_until("the suspension", lambda: phase(api, namespace) == "Suspended")
    await_until("its pod to go", lambda: not jobs(api, namespace) and not api.all_of("Pod", namespace))


def test_suspend_frees_the_pod_and_resume_goes_on_uncharged(
    api: ApiServer, namespace: str, kubelet: FakeKubelet
) -> None:
    kubelet.hold.set()
    api.create(video(namespace))
    await_until("its worker", lambda: its_worker_runs(api, namespace))
    suspend(api, namespace)
    kubelet.hold.clear()
    wish(api, namespace, suspend=False)
    done = finished(api, "VideoImport", namespace, "one")["status"]
    assert (done["phase"], done["run"]) == ("Completed", 2)
    assert (done["attempts"]["count"], done["attempts"]["uncharged"]) == (1, 0)


def test_an_import_that_begins_suspended_makes_nothing(api: ApiServer, namespace: str, kubelet: FakeKubelet) -> None:
    api.create(video(namespace, suspend=True, **SCRATCH))
    await_until("the suspension", lambda: phase(api, namespace) == "Suspended")
    assert jobs(api, namespace) == claims(api, namespace) == []
    wish(api, namespace, suspend=False)
    assert finished(api, "VideoImport", namespace, "one")["status"]["run"] == 1


def test_cancel_ends_a_suspended_import(api: ApiServer, namespace: str, kubelet: FakeKubelet) -> None:
    kubelet.hold.set()
    api.create(video(namespace, **SCRATCH))
    await_until("its worker", lambda: its_worker_runs(api, namespace))
    suspend(api, namespace)
    assert claims(api, namespace) == ["one-scratch"]
    wish(api, namespace, cancel=True)
    assert finished(api, "VideoImport", namespace, "one")["status"]["phase"] == "Cancelled"
    await_until("its scratch to go", lambda: not claims(api, namespace))


def test_scratch_is_kept_from_run_to_run_and_gone_at_the_end(
    api: ApiServer, namespace: str, kubelet: FakeKubelet
) -> None:
    seen: list[str] = []

    def fate(task: object) -> Reason | None:
        seen.extend(claim["metadata"]["uid"] for claim in api.all_of("PersistentVolumeClaim", namespace))
        return Reason.SOURCE_UNAVAILABLE if len(seen) == 1 else None

    kubelet.fate = fate
    api.create(video(namespace, **SCRATCH))
    assert finished(api, "VideoImport", namespace, "one")["status"]["run"] == 2
    assert len(seen) == 2
    assert len(set(seen)) == 1
    await_until("its scratch to go", lambda: not claims(api, namespace))


def test_scratch_that_gets_no_volume_says_why(api: ApiServer, namespace: str) -> None:
    api.create(video(namespace, **SCRATCH))
    await_until("the reason", lambda: status(api, namespace).get("reason") == "MountFailed")
    assert '"nowhere" not found' in status(api, namespace)["message"]


@pytest.mark.parametrize("scratch", [{"storageClassName": None}, {"storageClassName": "elsewhere"}])
def test_scratch_that_gets_no_volume_can_be_mended(api: ApiServer, namespace: str, scratch: Raw) -> None:
    api.create(video(namespace, **SCRATCH))
    await_until("the reason", lambda: status(api, namespace).get("reason") == "MountFailed")
    wish(api, namespace, worker={"scratch": scratch})
    await_until("another run", lambda: jobs(api, namespace) == ["one-2"])
    with background("fake kubelet", FakeKubelet(api, namespace).run):
        assert finished(api, "VideoImport", namespace, "one")["status"]["run"] == 2
    await_until("its scratch to go", lambda: not claims(api, namespace))


def test_scratch_goes_with_its_import(api: ApiServer, namespace: str, kubelet: FakeKubelet) -> None:
    kubelet.hold.set()
    api.create(video(namespace, **SCRATCH))
    await_until("its worker", lambda: its_worker_runs(api, namespace))
    api.delete("VideoImport", namespace, "one")
    await_until("nothing to be left", lambda: not claims(api, namespace) and not jobs(api, namespace))


def test_a_job_that_its_queue_holds_back_is_queued(api: ApiServer, namespace: str, kubelet: FakeKubelet) -> None:
    kubelet.hold.set()
    api.create(video(namespace))
    await_until("its worker", lambda: its_worker_runs(api, namespace))
    api.merge("Job", namespace, "one-1", {"spec": {"suspend": True}})
    await_until("the queue to show", lambda: phase(api, namespace) == "Queued")
    kubelet.hold.clear()
    api.merge("Job", namespace, "one-1", {"spec": {"suspend": False}})
    assert finished(api, "VideoImport", namespace, "one")["status"]["run"] == 1


def test_a_cancel_that_is_taken_back_does_not_start_a_failed_import(
    api: ApiServer, namespace: str, kubelet: FakeKubelet
) -> None:
    api.create(video(namespace, url="https://example.com/gone.mp4"))
    finished(api, "VideoImport", namespace, "one")
    for taken in (True, False):
        wish(api, namespace, cancel=taken)
        generation = api.get("VideoImport", namespace, "one")["metadata"]["generation"]
        await_until("it to be noted", lambda g=generation: status(api, namespace)["observedGeneration"] == g)
    assert (phase(api, namespace), status(api, namespace)["run"]) == ("Failed", 1)


def test_a_running_job_that_loses_our_label_gets_it_back(api: ApiServer, namespace: str, kubelet: FakeKubelet) -> None:
    kubelet.hold.set()
    record = JobRecord(api, namespace)
    with background("job record", record.run):
        api.create(video(namespace))
        await_until("its worker", lambda: its_worker_runs(api, namespace))
        label = "app.kubernetes.io/managed-by"
        api.merge("Job", namespace, "one-1", {"metadata": {"labels": {label: None}}})
        await_until("the label", lambda: label in api.get("Job", namespace, "one-1")["metadata"]["labels"])
        kubelet.finish_all()
        assert finished(api, "VideoImport", namespace, "one")["status"]["run"] == 1
    assert list(record.uids) == ["one-1"]


def test_a_bulk_says_that_its_children_are_refused(api: ApiServer, namespace: str, kubelet: FakeKubelet) -> None:
    quotas = f"/api/v1/namespaces/{namespace}/resourcequotas"
    hard = {"count/videoimports.videoimport.io": "0"}
    api.call("POST", quotas, {"metadata": {"name": "none"}, "spec": {"hard": hard}})
    await_until("the quota to count", lambda: "used" in api.call("GET", f"{quotas}/none").get("status", {}))
    api.create(bulk(namespace, ["https://example.com/a.mp4"]))
    await_until(
        "the refusal",
        lambda: "exceeded quota" in api.get("BulkImport", namespace, "many").get("status", {}).get("message", ""),
    )
    api.call("DELETE", f"{quotas}/none")
    assert finished(api, "BulkImport", namespace, "many")["status"]["completed"] == 1


def test_a_host_that_asks_for_fewer_requests_is_left_alone_by_all(
    api: ApiServer, namespace: str, kubelet: FakeKubelet, controller_leads: Controller
) -> None:
    kubelet.fate = lambda task: Reason.RATE_LIMITED if (task.name, task.run) == ("one", 1) else None
    api.create(video(namespace))
    await_until("the rest", lambda: status(api, namespace).get("reason") == "RateLimited")
    api.create(video(namespace, name="two"))
    api.create(video(namespace, name="elsewhere", url="https://other.example/one.mp4"))
    waiting = await_until("it to wait", lambda: api.get("VideoImport", namespace, "two").get("status"))
    assert (waiting["reason"], waiting["run"], waiting["attempts"]["reasons"]) == ("RateLimited", 0, [])
    assert finished(api, "VideoImport", namespace, "elsewhere")["status"]["attempts"]["count"] == 1
    done = finished(api, "VideoImport", namespace, "two")["status"]
    assert (done["phase"], done["attempts"]["count"], done["attempts"]["uncharged"]) == ("Completed", 1, 0)


@pytest.mark.usefixtures("kubelet")
def test_what_no_worker_is_at_may_be_mended(api: ApiServer, namespace: str) -> None:
    api.create(video(namespace, suspend=True))
    await_until("the suspension", lambda: phase(api, namespace) == "Suspended")
    wish(api, namespace, suspend=False, source={"url": "https://example.com/mended.mp4"})
    done = finished(api, "VideoImport", namespace, "one")["status"]
    assert (done["phase"], done["source"]["url"]) == ("Completed", "https://example.com/mended.mp4")
