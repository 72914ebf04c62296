"""Whatever is killed when, a list of pages: each item is found once and brought once, whatever else is wished."""

import random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from support.core.simulated_cluster import SURE
from support.core.simulated_listing import SimulatedListingCluster
from support.examples import examples
from videoimport.api.bulkimport_status import BulkImportStatus, BulkPhase
from videoimport.api.identity import item_identity
from videoimport.api.tasks.listing_task import FoundItem, PageLine
from videoimport.core.bulk.phase import FINISHED_PHASES
from videoimport.core.bulk.snapshot import BulkSnapshot
from videoimport.core.list_item import LINES
from videoimport.core.observed_parsers import parse_page, parse_shard
from videoimport.core.video_status import has_active_run

LIST = "https://lists.example/all.txt"
VIDEOS, PICTURES = 7, 2
seeds = st.integers(0, 2**32)


def urls(count: int = VIDEOS) -> list[str]:
    videos = [f"https://video.example/{number}.mp4" for number in range(count)]
    return [*videos[:4], "https://video.example/a.jpg", videos[0], *videos[4:], "https://video.example/b.jpg"]


def spec(**more: Any) -> dict[str, Any]:
    template = {"destination": {"s3": {"bucket": "media"}}, "maxAttempts": 3}
    return {"source": {"manifest": {"url": LIST}}, "template": template, "parallelism": 2, "incremental": False} | more


def a_cluster(seed: int, *names: str, **more: Any) -> SimulatedListingCluster:
    cluster = SimulatedListingCluster(random.Random(seed), mesh=seed % 2 == 1, lists={LIST: urls()})
    for name in names or ("talks",):
        put(cluster, name, **more)
    return cluster


def put(cluster: SimulatedListingCluster, name: str, **more: Any) -> None:
    cluster.wait(1)
    cluster.put({"kind": "BulkImport", "metadata": {"name": name, "namespace": "films"}, "spec": spec(**more)})


def status_of(cluster: SimulatedListingCluster, name: str = "talks") -> BulkImportStatus:
    return BulkImportStatus.model_validate(cluster.objects["BulkImport", name].get("status") or {})


def bulks(cluster: SimulatedListingCluster) -> list[str]:
    return [raw["metadata"]["name"] for raw in cluster.of_kind("BulkImport")]


def sync_all(cluster: SimulatedListingCluster, storm: bool) -> None:
    for name in bulks(cluster):
        cluster.sync_bulk(name, cluster.dice.choice((0, 1, 2, 3, SURE, SURE)) if storm else SURE)
    for raw in cluster.of_kind("VideoImport"):
        cluster.sync_video(raw["metadata"]["name"], cluster.dice.choice((1, SURE, SURE)) if storm else SURE)


def stormy_step(cluster: SimulatedListingCluster) -> None:
    sync_all(cluster, storm=True)
    cluster.run_jobs()
    if cluster.dice.random() < 0.3:
        cluster.unkept.clear()
    cluster.wait(cluster.dice.choice((0, 1, 60, 900)))


def calm_down(cluster: SimulatedListingCluster) -> None:
    for _ in range(200):
        writes = cluster.writes
        sync_all(cluster, storm=False)
        if cluster.writes == writes and all(
            status_of(cluster, name).phase in FINISHED_PHASES for name in bulks(cluster)
        ):
            return
        cluster.run_jobs("succeeds")
        cluster.wait(60)
    raise AssertionError(f"no end: {[status_of(cluster, name) for name in bulks(cluster)]}")


def ledger(cluster: SimulatedListingCluster) -> dict[str, bool]:
    shards = [raw for raw in cluster.of_kind("ConfigMap") if "results" in raw["metadata"]["name"]]
    return {key: entry.success for shard in map(parse_shard, shards) for key, entry in shard.entries.items()}


def running(cluster: SimulatedListingCluster, bulk: str) -> list[str]:
    children = [raw for raw in cluster.of_kind("VideoImport") if raw["metadata"]["name"].startswith(f"{bulk}-")]
    live = [raw for raw in children if (raw.get("status") or {}).get("phase") not in (None, "Suspended", *ENDED)]
    return [raw["metadata"]["name"] for raw in live]


ENDED = ("Completed", "Failed", "Cancelled")


@examples(8)
@given(seeds)
def test_every_item_of_every_page_gets_its_one_result(seed):
    cluster = a_cluster(seed)
    for _ in range(15):
        stormy_step(cluster)
    calm_down(cluster)
    cluster.change("BulkImport", "talks", {"spec": {"retryToken": "again"}})
    calm_down(cluster)
    status = status_of(cluster)
    assert (status.phase, status.total, status.completed, status.rejected_count) == (
        BulkPhase.COMPLETED, VIDEOS, VIDEOS, PICTURES,
    )  # fmt: skip
    assert len(ledger(cluster)) == VIDEOS
    assert max(cluster.uploads.values()) == 1
    assert [page.number for page in map(parse_page, pages(cluster))] == [0, 1, 2, 3]
    assert not [raw for raw in cluster.of_kind("Job") if "-list-" in raw["metadata"]["name"]]


def pages(cluster: SimulatedListingCluster) -> list[dict[str, Any]]:
    return [raw for raw in cluster.of_kind("ConfigMap") if "results" not in raw["metadata"]["name"]]


@examples(8)
@given(seeds)
def test_suspended_at_any_moment_it_comes_to_rest_and_goes_on(seed):
    cluster = a_cluster(seed)
    for _ in range(cluster.dice.randint(0, 8)):
        stormy_step(cluster)
    cluster.change("BulkImport", "talks", {"spec": {"suspend": True}})
    for _ in range(6):
        stormy_step(cluster)
    for _ in range(6):
        sync_all(cluster, storm=False)
        cluster.run_jobs("goes on")
    if status_of(cluster).phase not in FINISHED_PHASES:
        assert status_of(cluster).phase is BulkPhase.SUSPENDED
        assert running(cluster, "talks") == []
        assert cluster.of_kind("Job") == [] or all("status" in raw for raw in cluster.of_kind("Job"))
    cluster.change("BulkImport", "talks", {"spec": {"suspend": False, "retryToken": "again"}})
    calm_down(cluster)
    assert status_of(cluster).completed == VIDEOS
    assert max(cluster.uploads.values()) == 1


@examples(8)
@given(seeds)
def test_of_two_with_the_same_way_the_older_goes_first(seed):
    cluster = a_cluster(seed, "older", "younger")
    for _ in range(25):
        stormy_step(cluster)
        if status_of(cluster, "older").phase not in FINISHED_PHASES:
            assert running(cluster, "younger") == []
            assert cluster.listed["younger"] == 0
            assert status_of(cluster, "younger").phase in (None, BulkPhase.QUEUED)
    calm_down(cluster)
    for name in bulks(cluster):
        cluster.change("BulkImport", name, {"spec": {"retryToken": "again"}})
    calm_down(cluster)
    assert {status_of(cluster, name).completed for name in ("older", "younger")} == {VIDEOS}


@examples(8)
@given(seeds)
def test_pruned_children_take_no_result_with_them(seed):
    cluster = a_cluster(seed, childHistoryLimit=1)
    for _ in range(15):
        stormy_step(cluster)
    calm_down(cluster)
    cluster.change("BulkImport", "talks", {"spec": {"retryToken": "again"}})
    calm_down(cluster)
    assert len(ledger(cluster)) == VIDEOS
    assert status_of(cluster).completed == VIDEOS
    assert len(cluster.of_kind("VideoImport")) <= 1
    assert max(cluster.uploads.values()) == 1


@examples(8)
@given(seeds)
def test_list_that_is_looked_through_anew_brings_nothing_twice_whatever_is_pruned(seed):
    cluster = a_cluster(seed, childHistoryLimit=0)
    for most in (100, 200):
        for _ in range(cluster.dice.randint(1, 8)):
            stormy_step(cluster)
        cluster.change("BulkImport", "talks", {"spec": {"template": {"requirements": {"maxDurationSeconds": most}}}})
        if (kept := pages(cluster)) and cluster.dice.random() < 0.5:
            cluster.remove("ConfigMap", cluster.dice.choice(kept)["metadata"]["name"])
    calm_down(cluster)
    cluster.change("BulkImport", "talks", {"spec": {"retryToken": "again"}})
    calm_down(cluster)
    assert status_of(cluster).completed == len(ledger(cluster)) == VIDEOS
    assert max(cluster.brought.values()) == 1


@examples(8)
@given(seeds, st.booleans())
def test_whatever_its_list_becomes_it_ends_only_once_nothing_runs(seed, dry):
    cluster = a_cluster(seed)
    for _ in range(cluster.dice.randint(1, 8)):
        stormy_step(cluster)
    gone = {"manifest": {"url": "https://lists.example/gone.txt"}}
    cluster.change("BulkImport", "talks", {"spec": {"source": gone, "dryRun": dry}})
    for _ in range(cluster.dice.randint(0, 4)):
        stormy_step(cluster)
    calm_down(cluster)
    assert status_of(cluster).phase is BulkPhase.FAILED
    cluster.change("BulkImport", "talks", {"spec": {"source": spec()["source"], "dryRun": False}})
    for _ in range(cluster.dice.randint(0, 6)):
        stormy_step(cluster)
    cluster.change("BulkImport", "talks", {"spec": {"cancel": True}})
    calm_down(cluster)
    cluster.change("BulkImport", "talks", {"spec": {"cancel": False, "retryToken": "again"}})
    calm_down(cluster)
    assert status_of(cluster).completed == VIDEOS


@examples(8)
@given(seeds)
def test_list_that_is_gone_half_way_ends_dry_or_not(seed):
    cluster = a_cluster(seed, dryRun=seed % 2 == 0)
    for _ in range(cluster.dice.randint(1, 6)):
        stormy_step(cluster)
    del cluster.lists[LIST]
    calm_down(cluster)
    known = [page for page in map(parse_page, pages(cluster)) if page.done]
    assert known or status_of(cluster).phase is BulkPhase.FAILED


@examples(8)
@given(seeds)
def test_one_that_is_told_after_its_end_takes_up_what_is_left_once_the_older_one_has_ended(seed):
    cluster = a_cluster(seed)
    calm_down(cluster)
    put(cluster, "later")
    calm_down(cluster)
    cluster.change("BulkImport", "talks", {"spec": {"template": {"requirements": {"maxDurationSeconds": 100}}}})
    cluster.sync_bulk("talks")
    cluster.change("BulkImport", "later", {"spec": {"retryFailed": True}})
    for _ in range(cluster.dice.randint(1, 6)):
        stormy_step(cluster)
    calm_down(cluster)
    assert ("ConfigMap", "later-earlier-0") in cluster.objects


@examples(8)
@given(seeds)
def test_hopeless_list_is_given_up_and_goes_on_when_the_bound_is_raised(seed):
    cluster = a_cluster(seed, failurePolicy={"maxFailed": 0}, parallelism=4)
    for _ in range(15):
        stormy_step(cluster)
        cluster.sync_bulk("talks")
        book = BulkSnapshot(cluster.observe_bulk("talks"))
        assert not book.policy_exceeded or all(has_active_run(child.status) for child in book.running.values())
        if status_of(cluster).phase is BulkPhase.FAILED:
            made = cluster.made.total()
            stormy_step(cluster)
            assert cluster.made.total() == made
    calm_down(cluster)
    cluster.change("BulkImport", "talks", {"spec": {"failurePolicy": None, "retryToken": "again"}})
    calm_down(cluster)
    assert status_of(cluster).completed == VIDEOS


@examples(8)
@given(seeds)
def test_what_an_earlier_bulk_left_failed_is_taken_up_and_outlives_it(seed):
    cluster = a_cluster(seed)
    for _ in range(10):
        stormy_step(cluster)
    calm_down(cluster)
    failed = {key for key, success in ledger(cluster).items() if not success}
    cluster.lists[LIST] = ["https://video.example/new.mp4"]
    put(cluster, "later", retryFailed=True)
    for _ in range(cluster.dice.randint(1, 6)):
        stormy_step(cluster)
    while not any("earlier" in raw["metadata"]["name"] for raw in cluster.of_kind("ConfigMap")):
        stormy_step(cluster)
    cluster.remove("BulkImport", "talks")
    calm_down(cluster)
    cluster.change("BulkImport", "later", {"spec": {"retryToken": "again"}})
    calm_down(cluster)
    assert status_of(cluster, "later").total == len(failed) + 1
    assert {key for key, success in ledger(cluster).items() if success} >= failed


EVIL = "https://mallory.example/evil.mp4"


@examples(16)
@given(seeds)
def test_pages_that_somebody_deletes_or_replaces_are_listed_again_and_never_taken(seed):
    cluster = a_cluster(seed)
    for _ in range(20):
        stormy_step(cluster)
        tamper(cluster)
    calm_down(cluster)
    cluster.change("BulkImport", "talks", {"spec": {"retryToken": "again"}})
    calm_down(cluster)
    status = status_of(cluster)
    assert (status.phase, status.total, status.completed) == (BulkPhase.COMPLETED, VIDEOS, VIDEOS)
    assert set(cluster.brought) == {url for url in urls() if url.endswith(".mp4")}
    assert [page.number for page in map(parse_page, pages(cluster))] == [0, 1, 2, 3]


def tamper(cluster: SimulatedListingCluster) -> None:
    """Somebody with rights in the same namespace deletes a page, or puts another in its place."""
    found = pages(cluster)
    if not found or cluster.dice.random() < 0.5:
        return
    page = cluster.dice.choice(found)
    if cluster.dice.random() < 0.5:
        cluster.remove("ConfigMap", page["metadata"]["name"])
        return
    line = PageLine(found=FoundItem(id=item_identity(EVIL), url=EVIL)).model_dump_json(by_alias=True, exclude_none=True)
    cluster.change("ConfigMap", page["metadata"]["name"], {"data": {LINES: f"{line}\n"}})
