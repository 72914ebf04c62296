"""Whatever is killed when: every item of a bulk gets its one result, and the bulk says so only when it stands."""

import random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from support.core.simulated_cluster import SURE, SimulatedCluster
from support.examples import examples
from videoimport.api.bulkimport_status import BulkImportStatus, BulkPhase
from videoimport.core.bulk.status import FINISHED_PHASES
from videoimport.core.observed_parsers import parse_shard

ITEMS = 5
seeds = st.integers(0, 2**32)


def spec(items: int = ITEMS, **more: Any) -> dict[str, Any]:
    urls = [{"url": f"https://video.example/{number}.mp4"} for number in range(items)]
    template = {"destination": {"s3": {"bucket": "media"}}, "maxAttempts": 2}
    return {"source": {"items": urls}, "template": template, "parallelism": 2} | more


def a_cluster(seed: int) -> SimulatedCluster:
    cluster = SimulatedCluster(random.Random(seed))
    cluster.put({"kind": "BulkImport", "metadata": {"name": "talks", "namespace": "films"}, "spec": spec()})
    return cluster


def status_in(cluster: SimulatedCluster) -> BulkImportStatus:
    return BulkImportStatus.model_validate(cluster.objects["BulkImport", "talks"].get("status") or {})


def children(cluster: SimulatedCluster) -> list[str]:
    return [raw["metadata"]["name"] for raw in cluster.of_kind("VideoImport")]


def stormy_step(cluster: SimulatedCluster) -> None:
    cluster.sync_bulk("talks", cluster.dice.choice((0, 1, 2, 3, SURE, SURE)))
    for name in children(cluster):
        cluster.sync_video(name, cluster.dice.choice((1, SURE, SURE)))
    cluster.run_jobs()
    cluster.wait(cluster.dice.choice((0, 1, 60, 900)))


def calm_down(cluster: SimulatedCluster) -> None:
    for _ in range(150):
        plan = cluster.sync_bulk("talks")
        if plan.status is None and not plan.actions and status_in(cluster).phase in FINISHED_PHASES:
            return
        for name in children(cluster):
            cluster.sync_video(name)
        cluster.run_jobs("succeeds")
        cluster.wait(60)
    raise AssertionError(f"no end: {status_in(cluster)}")


def ledger(cluster: SimulatedCluster) -> dict[str, bool]:
    shards = map(parse_shard, cluster.of_kind("ConfigMap"))
    return {key: entry.success for shard in shards for key, entry in shard.entries.items()}


@examples(8)
@given(seeds)
def test_every_item_gets_its_one_result_and_then_nothing_is_left_to_do(seed):
    cluster = a_cluster(seed)
    for _ in range(12):
        stormy_step(cluster)
    calm_down(cluster)
    status, entries = status_in(cluster), ledger(cluster)
    assert len(entries) == status.total == ITEMS
    assert (status.completed, status.failed) == (sum(entries.values()), ITEMS - sum(entries.values()))
    assert status.progress_percent == 100
    assert sum(cluster.uploads.values()) == status.completed
    assert max(cluster.uploads.values(), default=0) <= 1
    writes = cluster.writes
    cluster.wait(1000)
    cluster.sync_bulk("talks")
    assert cluster.writes == writes


@examples(8)
@given(seeds)
def test_window_and_percent_hold_at_every_moment(seed):
    cluster = a_cluster(seed)
    percents = [0]
    for _ in range(20):
        stormy_step(cluster)
        status = status_in(cluster)
        assert (status.active or 0) <= 2
        percents.append(status.progress_percent or 0)
        if status.phase in (BulkPhase.COMPLETED, BulkPhase.FAILED):
            assert len(ledger(cluster)) == ITEMS
        else:
            assert percents[-1] <= 99
    assert percents == sorted(percents)


@examples(8)
@given(seeds)
def test_cancelled_bulk_comes_to_rest_and_a_new_token_brings_the_others_home(seed):
    cluster = a_cluster(seed)
    for _ in range(cluster.dice.randint(0, 6)):
        stormy_step(cluster)
    cluster.change("BulkImport", "talks", {"spec": {"cancel": True}})
    stormy_step(cluster)
    calm_down(cluster)
    done = {key for key, success in ledger(cluster).items() if success}
    cluster.change("BulkImport", "talks", {"spec": {"cancel": False}})
    calm_down(cluster)
    assert {key for key, success in ledger(cluster).items() if success} == done
    cluster.change("BulkImport", "talks", {"spec": {"retryToken": "again"}})
    calm_down(cluster)
    assert status_in(cluster).phase is BulkPhase.COMPLETED
    assert sum(ledger(cluster).values()) == ITEMS
    assert sum(cluster.uploads.values()) == ITEMS


@examples(8)
@given(seeds)
def test_edited_list_is_followed_at_any_moment(seed):
    cluster = a_cluster(seed)
    for _ in range(cluster.dice.randint(0, 8)):
        stormy_step(cluster)
    cluster.change("BulkImport", "talks", {"spec": {"source": spec(items=7)["source"]}})
    stormy_step(cluster)
    cluster.change("BulkImport", "talks", {"spec": {"source": spec(items=3)["source"]}})
    calm_down(cluster)
    status = status_in(cluster)
    assert status.total == 3
    assert (status.completed or 0) + (status.failed or 0) == 3
