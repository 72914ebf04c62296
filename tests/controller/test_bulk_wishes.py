"""What a user may ask of a bulk while it lives, and how several of them get along."""

from collections.abc import Callable

import pytest

from support.controller.api_server import ApiServer, Raw, await_until
from support.controller.controller_process import Controller
from support.controller.fake_kubelet import FakeKubelet
from support.controller.manifests import DESTINATION, THREE, bulk
from support.controller.namespace_state import finished

Start = Callable[..., Controller]
GOOD = ["https://example.com/a.mp4", "https://example.com/b.mp4", "https://example.com/c.mp4"]


@pytest.fixture(autouse=True)
def controller_leads(started: Start) -> Controller:
    return started()


def status(api: ApiServer, namespace: str, name: str = "many") -> Raw:
    found: Raw = api.get("BulkImport", namespace, name).get("status", {})
    return found


def await_phase(api: ApiServer, namespace: str, phase: str, name: str = "many") -> Raw:
    await_until(
        f"{name} to be {phase}",
        lambda: status(api, namespace, name).get("phase") == phase,
        explain=lambda: str(status(api, namespace, name)),
    )
    return status(api, namespace, name)


def workers(api: ApiServer, namespace: str) -> list[str]:
    return [pod["metadata"]["name"] for pod in api.all_of("Pod", namespace)]


def phases(api: ApiServer, namespace: str) -> list[str]:
    return [pod["status"].get("phase", "") for pod in api.all_of("Pod", namespace)]


def results(api: ApiServer, namespace: str) -> int:
    shards = api.all_of("ConfigMap", namespace, "videoimport.io/shard")
    return sum(len(shard["data"]) for shard in shards)


def test_a_suspended_bulk_has_no_worker_and_goes_on_uncharged(
    api: ApiServer, namespace: str, kubelet: FakeKubelet
) -> None:
    kubelet.hold.set()
    api.create(bulk(namespace, GOOD, parallelism=2))
    await_until("the workers", lambda: len(workers(api, namespace)) == 2)
    api.merge("BulkImport", namespace, "many", {"spec": {"suspend": True}})
    await_phase(api, namespace, "Suspended")
    await_until("no worker to be left", lambda: not workers(api, namespace) and not api.all_of("Job", namespace))
    assert {video["spec"]["suspend"] for video in api.all_of("VideoImport", namespace)} == {True}
    kubelet.hold.clear()
    api.merge("BulkImport", namespace, "many", {"spec": {"suspend": False}})
    ended = finished(api, "BulkImport", namespace, "many")["status"]
    assert (ended["phase"], ended["completed"]) == ("Completed", 3)
    assert {result["attempts"] for result in ended["results"]} == {1}


def test_of_two_with_the_same_way_one_waits(api: ApiServer, namespace: str, kubelet: FakeKubelet) -> None:
    kubelet.hold.set()
    api.create(bulk(namespace, GOOD))
    await_phase(api, namespace, "Processing")
    api.create(bulk(namespace, GOOD, name="next"))
    assert await_phase(api, namespace, "Queued", "next")["queuePosition"] == 1
    assert len(api.all_of("VideoImport", namespace)) == 3
    await_until("the workers", lambda: phases(api, namespace) == ["Running"] * 3)
    kubelet.finish_all()
    assert finished(api, "BulkImport", namespace, "next")["status"]["completed"] == 3
    assert finished(api, "BulkImport", namespace, "many")["status"]["completed"] == 3


def test_a_suspended_one_holds_nobody_up(api: ApiServer, namespace: str, kubelet: FakeKubelet) -> None:
    api.create(bulk(namespace, GOOD, suspend=True))
    await_phase(api, namespace, "Suspended")
    api.create(bulk(namespace, GOOD, name="next"))
    assert finished(api, "BulkImport", namespace, "next")["status"]["phase"] == "Completed"
    assert status(api, namespace)["phase"] == "Suspended"


def test_a_hopeless_bulk_is_given_up_and_goes_on_with_a_higher_bound(
    api: ApiServer, namespace: str, kubelet: FakeKubelet
) -> None:
    api.create(bulk(namespace, [THREE[1], *GOOD], parallelism=1, failurePolicy={"maxFailed": 0}))
    ended = finished(api, "BulkImport", namespace, "many")["status"]
    reasons = {condition["type"]: condition["reason"] for condition in ended["conditions"]}
    assert (ended["phase"], reasons["Stalled"]) == ("Failed", "FailurePolicyExceeded")
    assert len(api.all_of("VideoImport", namespace)) == 1
    api.merge("BulkImport", namespace, "many", {"spec": {"failurePolicy": {"maxFailed": 1}}})
    assert await_phase(api, namespace, "Completed")["completed"] == 3


def test_pruned_children_leave_their_results_and_come_back_when_tried_again(
    api: ApiServer, namespace: str, kubelet: FakeKubelet
) -> None:
    api.create(bulk(namespace, THREE, childHistoryLimit=0))
    ended = finished(api, "BulkImport", namespace, "many")["status"]
    assert (ended["completed"], ended["failed"], results(api, namespace)) == (2, 1, 3)
    await_until("the children to go", lambda: not api.all_of("VideoImport", namespace))
    kubelet.fate = lambda task: None
    api.merge("BulkImport", namespace, "many", {"spec": {"retryToken": "again"}})
    await_until("three successes", lambda: status(api, namespace).get("completed") == 3)
    await_until("the child to go", lambda: not api.all_of("VideoImport", namespace))
    assert results(api, namespace) == 3


def test_a_dry_run_imports_nothing_until_it_is_none(api: ApiServer, namespace: str, kubelet: FakeKubelet) -> None:
    api.create(bulk(namespace, [*GOOD, "https://example.com/cover.jpg"], dryRun=True))
    dry = finished(api, "BulkImport", namespace, "many")["status"]
    assert dry["message"] == "Dry run: 3 would be imported, 1 rejected."
    assert [line["reason"] for line in dry["rejected"]] == ["NotVideo"]
    assert api.all_of("VideoImport", namespace) == []
    api.merge("BulkImport", namespace, "many", {"spec": {"dryRun": False}})
    await_until("three successes", lambda: status(api, namespace).get("completed") == 3)


def test_what_an_earlier_bulk_left_failed_is_taken_up_and_outlives_it(
    api: ApiServer, namespace: str, kubelet: FakeKubelet
) -> None:
    manifest = bulk(namespace, THREE)
    api.create(manifest)
    assert finished(api, "BulkImport", namespace, "many")["status"]["failed"] == 1
    kubelet.fate = lambda task: None
    api.create(bulk(namespace, THREE, name="next", retryFailed=True, template={"destination": DESTINATION}))
    assert finished(api, "BulkImport", namespace, "next")["status"]["completed"] == 3
    pages = api.all_of("ConfigMap", namespace, "videoimport.io/listing=earlier")
    assert [page["metadata"]["name"] for page in pages] == ["next-earlier-0"]
    assert "gone.mp4" in pages[0]["data"]["items.jsonl"]
