from datetime import UTC, datetime
from typing import Any

import pytest

from videoimport.controller.reconcile.apply import BURST, PER_SECOND, EventRecorder
from videoimport.core.plan import PlannedEvent

NOW = datetime(2026, 1, 1, tzinfo=UTC)
FAILED = PlannedEvent("Warning", "Failed", "SourceNotFound: it is not there.")


def about(kind: str, namespace: str = "ns") -> dict[str, Any]:
    metadata = {"namespace": namespace, "name": "one", "uid": "one-uid", "resourceVersion": "5"}
    return {"apiVersion": "videoimport.io/v1alpha1", "kind": kind, "metadata": metadata}


@pytest.fixture
def announcer(cluster: Any, clock: Any) -> EventRecorder:
    return EventRecorder(cluster, clock)


async def flood(announcer: EventRecorder, kind: str = "VideoImport", count: int = 3 * BURST) -> None:
    for _ in range(count):
        await announcer.announce(about(kind), [FAILED], NOW)


async def test_a_flood_of_events_is_cut_short(announcer: EventRecorder, cluster: Any):
    await flood(announcer)
    assert len(cluster.called("post_event")) == BURST


async def test_after_a_flood_events_come_again_but_slowly(announcer: EventRecorder, cluster: Any, clock: Any):
    await flood(announcer)
    clock.now += 10
    await flood(announcer)
    assert len(cluster.called("post_event")) == BURST + 10 * PER_SECOND


async def test_a_flood_in_one_namespace_leaves_room_for_another(announcer: EventRecorder, cluster: Any):
    await flood(announcer)
    await announcer.announce(about("VideoImport", "other"), [FAILED], NOW)
    assert cluster.called("post_event")[-1]["involvedObject"]["namespace"] == "other"


async def test_a_bulk_is_heard_although_its_children_flood(announcer: EventRecorder, cluster: Any):
    await flood(announcer)
    await flood(announcer, "BulkImport", count=1)
    assert cluster.called("post_event")[-1]["involvedObject"]["kind"] == "BulkImport"
