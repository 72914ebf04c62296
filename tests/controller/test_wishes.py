"""What a user may ask for while an import lives: to cancel, to delete, to try again, to mend, and what not."""

from collections.abc import Callable

import pytest

from support.controller.api_server import ApiServer, Refused, await_until
from support.controller.controller_process import Controller
from support.controller.fake_kubelet import FakeKubelet
from support.controller.manifests import THREE, bulk, video
from support.controller.namespace_state import finished, its_worker_runs, phase
from videoimport.api.reasons import Reason
from videoimport.api.tasks.import_task import Task

Start = Callable[..., Controller]


@pytest.fixture(autouse=True)
def controller_leads(started: Start) -> Controller:
    return started()


def test_deleting_an_import_leaves_nothing(api: ApiServer, namespace: str, kubelet: FakeKubelet) -> None:
    kubelet.hold.set()
    api.create(video(namespace))
    await_until("its worker", lambda: its_worker_runs(api, namespace))
    api.delete("VideoImport", namespace, "one")
    await_until("nothing to be left", lambda: left(api, namespace) == {})


def test_deleting_a_bulk_leaves_nothing(api: ApiServer, namespace: str, kubelet: FakeKubelet) -> None:
    api.create(bulk(namespace, THREE))
    finished(api, "BulkImport", namespace, "many")
    assert left(api, namespace).keys() == {"BulkImport", "VideoImport", "Job", "Pod", "ConfigMap"}
    api.delete("BulkImport", namespace, "many")
    await_until("nothing to be left", lambda: left(api, namespace) == {}, explain=lambda: str(left(api, namespace)))


def test_deleting_a_bulk_under_way_leaves_nothing(api: ApiServer, namespace: str, kubelet: FakeKubelet) -> None:
    kubelet.hold.set()
    api.create(bulk(namespace, THREE))
    await_until("the workers", lambda: len(api.all_of("Pod", namespace)) == len(THREE))
    api.delete("BulkImport", namespace, "many")
    await_until("nothing to be left", lambda: left(api, namespace) == {}, explain=lambda: str(left(api, namespace)))


def test_a_cancelled_bulk_ends_and_keeps_no_worker(api: ApiServer, namespace: str, kubelet: FakeKubelet) -> None:
    kubelet.hold.set()
    api.create(bulk(namespace, THREE, parallelism=2))
    await_until("the workers", lambda: len(api.all_of("Pod", namespace)) == 2)
    api.merge("BulkImport", namespace, "many", {"spec": {"cancel": True}})
    assert finished(api, "BulkImport", namespace, "many")["status"]["phase"] == "Cancelled"
    await_until("no worker to be left", lambda: not api.all_of("Pod", namespace) and not api.all_of("Job", namespace))


def test_a_new_retry_token_tries_a_failed_import_again(api: ApiServer, namespace: str, kubelet: FakeKubelet) -> None:
    kubelet.fate = fails_in_run(1)
    api.create(video(namespace))
    assert finished(api, "VideoImport", namespace, "one")["status"]["phase"] == "Failed"
    api.merge("VideoImport", namespace, "one", {"spec": {"retryToken": "again"}})
    await_until("its success", lambda: phase(api, namespace) == "Completed")
    status = api.get("VideoImport", namespace, "one")["status"]
    assert (status["run"], status["attempts"]["count"], status["observedRetryToken"]) == (2, 1, "again")


def test_a_new_retry_token_of_a_bulk_tries_the_failed_again(
    api: ApiServer, namespace: str, kubelet: FakeKubelet
) -> None:
    kubelet.fate = fails_in_run(1, "gone")
    api.create(bulk(namespace, THREE))
    assert finished(api, "BulkImport", namespace, "many")["status"]["failed"] == 1
    api.merge("BulkImport", namespace, "many", {"spec": {"retryToken": "again"}})
    await_until("three successes", lambda: api.get("BulkImport", namespace, "many")["status"].get("completed") == 3)
    assert sorted(video["status"]["run"] for video in api.all_of("VideoImport", namespace)) == [1, 1, 2]


def test_a_mended_spec_starts_a_failed_import_again(api: ApiServer, namespace: str, kubelet: FakeKubelet) -> None:
    api.create(video(namespace, url="https://example.com/gone.mp4"))
    assert finished(api, "VideoImport", namespace, "one")["status"]["reason"] == "SourceNotFound"
    api.merge("VideoImport", namespace, "one", {"spec": {"source": {"url": "https://example.com/there.mp4"}}})
    await_until("its success", lambda: phase(api, namespace) == "Completed")


def test_a_transient_failure_is_tried_again(api: ApiServer, namespace: str, kubelet: FakeKubelet) -> None:
    kubelet.fate = fails_in_run(1, reason=Reason.SOURCE_UNAVAILABLE)
    api.create(video(namespace))
    await_until("its success", lambda: phase(api, namespace) == "Completed")
    attempts = api.get("VideoImport", namespace, "one")["status"]["attempts"]
    assert (attempts["count"], attempts["reasons"]) == (2, ["SourceUnavailable"])


@pytest.mark.full(but=["running-source", "completed-destination"])
@pytest.mark.parametrize("part", ["source", "destination", "output"])
@pytest.mark.parametrize("when", ["running", "completed"])
def test_what_is_being_made_or_was_made_cannot_be_changed(
    api: ApiServer, namespace: str, kubelet: FakeKubelet, part: str, when: str
) -> None:
    if when == "running":
        kubelet.hold.set()
    api.create(video(namespace))
    await_until(
        "its worker",
        lambda: its_worker_runs(api, namespace) if when == "running" else phase(api, namespace) == "Completed",
    )
    changes = {
        "source": {"url": "https://example.com/other.mp4"},
        "destination": {"folder": "other"},
        "output": {"mode": "Encode"},
    }
    with pytest.raises(Refused, match="immutable") as refused:
        api.merge("VideoImport", namespace, "one", {"spec": {part: changes[part]}})
    assert refused.value.status == 422


def fails_in_run(
    run: int, where: str = "", reason: Reason = Reason.SOURCE_NOT_FOUND
) -> Callable[[Task], Reason | None]:
    """Fails in that run only, and only for sources with this in their address."""
    return lambda task: reason if task.run == run and where in task.spec.source.url else None


def left(api: ApiServer, namespace: str) -> dict[str, list[str]]:
    """Names of everything of ours by kind; kinds of which nothing is left are absent."""
    ours = {"ConfigMap": "app.kubernetes.io/managed-by=videoimport"}
    kinds = ("BulkImport", "VideoImport", "Job", "Pod", "ConfigMap")
    found = {
        kind: [one["metadata"]["name"] for one in api.all_of(kind, namespace, ours.get(kind, ""))] for kind in kinds
    }
    return {kind: names for kind, names in found.items() if names}
