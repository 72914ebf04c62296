"""Lists become known on a real API server; a page's log is read from a node. Where what is listed matters, the worker
runs for real."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.controller.api_server import ApiServer, Raw, await_until, background
from support.controller.controller_process import Controller
from support.controller.fake_listing_worker import FakeListingWorker
from support.controller.listing_node import PER_PAGE, await_discovery, in_manifest, listing_node, manifest, urls
from support.controller.manifests import bulk
from support.controller.namespace_state import finished
from videoimport.api.bulkimport import BulkImport
from videoimport.api.tasks.listing_log import packed, unpacked
from videoimport.core.discovery.pages import hash_listing

Start = Callable[..., Controller]
PLAYLIST = {"playlist": {"url": "https://example.com/list"}}
"""Listed by one who acts: three videos on two pages, one of them on both."""
OURS = "app.kubernetes.io/managed-by=videoimport"


@pytest.fixture
def task_kubelet(api: ApiServer, namespace: str, tmp_path: Path) -> Iterator[None]:
    with listing_node(api, namespace, tmp_path):
        yield


@pytest.fixture
def lister(api: ApiServer, namespace: str) -> Iterator[FakeListingWorker]:
    acting = FakeListingWorker(api, namespace, pages=(tuple(urls(2)), tuple(urls(3)[1:])))
    with background("lister", acting.run):
        yield acting


@pytest.fixture(autouse=True)
def controller_leads(started: Start) -> Controller:
    return started(VIDEOIMPORT_PATIENCE_SECONDS="0.5")


def listed(namespace: str, source: Raw | None = None, **spec: object) -> Raw:
    """A bulk whose list is to be found out, and no more than that unless it is told otherwise."""
    made = bulk(namespace, [], **{"dryRun": True, "incremental": False, **spec})
    made["spec"]["source"] = source or in_manifest()
    return made


def known(api: ApiServer, namespace: str) -> Raw:
    """The status once the list is known and nothing else is wanted."""
    status: Raw = finished(api, "BulkImport", namespace, "many")["status"]
    assert status["phase"] == "Completed", status
    assert status["discovery"]["done"], status
    return status


def status_of(api: ApiServer, namespace: str) -> Raw:
    found: Raw = api.get("BulkImport", namespace, "many").get("status", {})
    return found


def names(api: ApiServer, kind: str, namespace: str) -> list[str]:
    return sorted(item["metadata"]["name"] for item in api.all_of(kind, namespace, OURS))


def wish(api: ApiServer, namespace: str, **spec: object) -> None:
    api.merge("BulkImport", namespace, "many", {"spec": spec})


@pytest.mark.usefixtures("task_kubelet", "kubelet")
def test_a_list_is_found_out_and_imported(api: ApiServer, namespace: str) -> None:
    api.create(manifest(namespace, [*urls(3), "no address at all", urls(1)[0], "https://video.example/gone.mp4"]))
    api.create(listed(namespace, dryRun=False))
    status = finished(api, "BulkImport", namespace, "many")["status"]
    counts = {key: status[key] for key in ("phase", "total", "completed", "failed", "rejectedCount")}
    assert counts == {"phase": "Completed", "total": 4, "completed": 3, "failed": 1, "rejectedCount": 1}, status
    assert "Line 4" in status["rejected"][0]["message"]
    (page,) = status["itemsRef"]
    assert page["count"] == 5
    children = {child["spec"]["source"]["url"] for child in api.all_of("VideoImport", namespace)}
    assert children == {*urls(3), "https://video.example/gone.mp4"}
    await_until("the listing's Job to go", lambda: "many-list-r1" not in names(api, "Job", namespace))


@pytest.mark.usefixtures("task_kubelet")
def test_a_long_list_comes_in_pages(api: ApiServer, namespace: str) -> None:
    api.create(manifest(namespace, urls(2 * PER_PAGE + 100)))
    api.create(listed(namespace))
    status = known(api, namespace)
    assert (status["total"], status["discovery"]["pages"], status["discovery"]["run"]) == (2 * PER_PAGE + 100, 3, 3)
    assert status["discovery"]["attempts"]["uncharged"] == 0
    assert len(names(api, "ConfigMap", namespace)) == 3
    assert api.all_of("VideoImport", namespace) == []
    await_until("the Jobs to go", lambda: names(api, "Job", namespace) == [])


@pytest.mark.usefixtures("kubelet")
def test_the_first_videos_start_before_the_list_is_known(
    api: ApiServer, namespace: str, lister: FakeListingWorker
) -> None:
    lister.held.add(1)
    api.create(listed(namespace, PLAYLIST, dryRun=False))
    await_until(
        "an imported video", lambda: api.get("BulkImport", namespace, "many").get("status", {}).get("completed")
    )
    status = status_of(api, namespace)
    assert (status["phase"], status["discovery"]["done"]) == ("Processing", False)
    lister.held.clear()
    assert finished(api, "BulkImport", namespace, "many")["status"]["completed"] == 3


def test_a_page_whose_log_is_not_whole_is_listed_again_uncharged(
    api: ApiServer, namespace: str, lister: FakeListingWorker
) -> None:
    spoiled: list[Callable[[str], str | None]] = [
        lambda text: text[: len(text) // 2],
        lambda text: None,
        lambda text: packed(unpacked(text).replace("video", "vidio")),
    ]
    lister.spoil = lambda run, text: spoiled[run - 1](text) if run <= len(spoiled) else text
    api.create(listed(namespace, PLAYLIST))
    status = known(api, namespace)
    assert (status["total"], status["discovery"]["run"]) == (3, 5)
    assert {item["url"] for item in status["accepted"]} == set(urls(3))


def test_a_pod_deleted_after_it_finished_loses_nothing(
    api: ApiServer, namespace: str, lister: FakeListingWorker, controller_leads: Controller
) -> None:
    lister.held.add(0)
    api.create(listed(namespace, PLAYLIST))
    await_until("the pod", lambda: names(api, "Pod", namespace))
    controller_leads.kill()
    lister.held.clear()
    await_until("its end", lambda: [p["status"]["phase"] for p in api.all_of("Pod", namespace)] == ["Succeeded"])
    (pod,) = names(api, "Pod", namespace)
    await_until("the Job's end", lambda: api.get("Job", namespace, "many-list-r1")["status"].get("completionTime"))
    api.delete("Pod", namespace, pod)
    await_until("it to be gone", lambda: not api.all_of("Pod", namespace))
    controller_leads.start().ready()
    status = known(api, namespace)
    assert (status["total"], status["discovery"]["run"]) == (3, 3)


def test_a_job_deleted_while_it_lists_is_made_again(api: ApiServer, namespace: str, lister: FakeListingWorker) -> None:
    lister.held.add(0)
    api.create(listed(namespace, PLAYLIST))
    await_until("the Job", lambda: names(api, "Pod", namespace))
    uid = api.get("Job", namespace, "many-list-r1")["metadata"]["uid"]
    api.delete("Job", namespace, "many-list-r1")
    await_until("another", lambda: [job["metadata"]["uid"] for job in api.all_of("Job", namespace)] not in ([], [uid]))
    lister.held.clear()
    assert known(api, namespace)["total"] == 3


@pytest.mark.usefixtures("lister")
def test_a_page_whose_name_is_taken_says_so_and_waits(api: ApiServer, namespace: str) -> None:
    api.create(listed(namespace, PLAYLIST, suspend=True))
    name = f"many-{hash_listing(BulkImport.parse(api.get('BulkImport', namespace, 'many')))}-0"
    api.create(manifest(namespace, ["mine"], name))
    wish(api, namespace, suspend=False)
    found = await_discovery(api, namespace, "the refusal", lambda found: "message" in found)
    assert found["reason"] == "JobRejected"
    assert f"{name} is there and belongs to another" in found["message"]
    api.delete("ConfigMap", namespace, name)
    status = known(api, namespace)
    assert (status["total"], status["discovery"]["run"]) == (3, 2)
    assert "reason" not in status["discovery"]


def test_another_source_takes_the_place_of_one_under_way(
    api: ApiServer, namespace: str, lister: FakeListingWorker
) -> None:
    lister.held.add(1)
    api.create(listed(namespace, PLAYLIST))
    await_discovery(api, namespace, "the second page's Job", lambda found: found.get("run") == 2)
    lister.pages = (tuple(urls(7, "other.example")),)
    wish(api, namespace, source={"playlist": {"url": "https://example.com/other"}})
    status = known(api, namespace)
    assert (status["total"], status["discovery"]["pages"]) == (7, 1)
    assert {item["url"] for item in status["accepted"]} == set(urls(7, "other.example"))
    await_until("the old pages to go", lambda: len(names(api, "ConfigMap", namespace)) == 1)
    await_until("the Jobs to go", lambda: names(api, "Job", namespace) == [])


@pytest.mark.usefixtures("task_kubelet")
def test_a_list_that_is_not_there_fails_with_its_reason(api: ApiServer, namespace: str) -> None:
    api.create(listed(namespace))
    status = finished(api, "BulkImport", namespace, "many")["status"]
    assert (status["phase"], status["discovery"]["reason"]) == ("Failed", "SourceNotFound")
    api.create(manifest(namespace, urls(2)))
    wish(api, namespace, retryToken="again")
    await_discovery(api, namespace, "another run", lambda found: found["run"] == 2)
    assert known(api, namespace)["total"] == 2


@pytest.mark.usefixtures("task_kubelet")
def test_a_missing_secret_is_a_reason_and_not_a_pod_that_hangs(api: ApiServer, namespace: str) -> None:
    stored = {"endpoint": "http://127.0.0.1:9", "bucket": "tapes"}
    api.create(listed(namespace, {"s3": stored, "credentialsSecretRef": {"name": "nowhere"}}))
    status = finished(api, "BulkImport", namespace, "many")["status"]
    assert (status["phase"], status["discovery"]["reason"]) == ("Failed", "CredentialsNotFound")
    assert "nowhere" in status["discovery"]["message"] or "Secret" in status["discovery"]["message"]


def test_a_pod_that_fits_no_node_says_why_and_goes_on(
    api: ApiServer, namespace: str, lister: FakeListingWorker
) -> None:
    lister.held.add(0)
    api.create(listed(namespace, PLAYLIST))
    (pod,) = await_until("the pod", lambda: names(api, "Pod", namespace))
    full = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/9 nodes fit"}
    api.merge("Pod", namespace, pod, {"status": {"conditions": [full]}}, "status")
    found = await_discovery(api, namespace, "the reason", lambda found: found.get("reason") == "Unschedulable")
    assert "0/9 nodes fit" in found["message"]
    lister.held.clear()
    status = known(api, namespace)
    assert (status["discovery"]["run"], status["discovery"].get("reason")) == (2, None)


def test_a_suspended_list_stops_and_goes_on_where_it_was(
    api: ApiServer, namespace: str, lister: FakeListingWorker
) -> None:
    lister.held.add(1)
    api.create(listed(namespace, PLAYLIST))
    await_discovery(api, namespace, "the second page's Job", lambda found: found.get("run") == 2)
    wish(api, namespace, suspend=True)
    await_until("the Job to go", lambda: names(api, "Job", namespace) == names(api, "Pod", namespace) == [])
    assert status_of(api, namespace)["phase"] == "Suspended"
    lister.held.clear()
    wish(api, namespace, suspend=False)
    status = known(api, namespace)
    assert (status["total"], status["discovery"]["pages"]) == (3, 2)


def test_deleting_a_bulk_while_it_lists_leaves_nothing(
    api: ApiServer, namespace: str, lister: FakeListingWorker
) -> None:
    lister.held.add(1)
    api.create(listed(namespace, PLAYLIST))
    await_discovery(api, namespace, "the second page's Job", lambda found: found.get("run") == 2)
    api.delete("BulkImport", namespace, "many")
    await_until(
        "nothing to be left", lambda: not any(names(api, kind, namespace) for kind in ("Job", "Pod", "ConfigMap"))
    )
