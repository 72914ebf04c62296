"""What a status write leaves in the store, and how many Events are posted."""

from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

import pytest

from videoimport.api.videoimport import VideoImport
from videoimport.api.videoimport_status import VideoImportStatus, VideoPhase
from videoimport.controller.cache.store import Store
from videoimport.controller.reconcile.apply import BURST, PER_SECOND, EventRecorder, Writer
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


SPEC = {"source": {"url": "https://example.com/a.mp4"}, "destination": {"s3": {"bucket": "videos"}}}


@pytest.mark.parametrize("change", [{}, {"message": "another"}, {"message": None}], ids=["same", "changed", "pruned"])
async def test_after_a_status_write_the_store_has_what_the_api_server_answered(
    cluster: Any, thing: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, change: dict[str, Any]
):
    video = thing("VideoImport", "one", 5, spec=SPEC, meta={"generation": 1})
    cluster.objects["VideoImport", "one"] = video
    store = Store(lambda _: None)
    store.put("VideoImport", deepcopy(video))
    entry = store.find("VideoImport", "ns", "one")
    assert entry is not None
    answers: list[Any] = []
    write = cluster.replace_status

    async def replace_status(kind: str, raw: Any) -> Any:
        answer = await write(kind, raw)
        merged = answer["status"] | change
        answers.append(answer | {"status": {name: value for name, value in merged.items() if value is not None}})
        return deepcopy(answers[-1])

    monkeypatch.setattr(cluster, "replace_status", replace_status)
    status = VideoImportStatus(phase=VideoPhase.PENDING, run=1, message="The worker is starting.", start_time=NOW)
    await Writer(cluster, store).status("VideoImport", entry, status)
    known = store.find("VideoImport", "ns", "one")
    assert known is not None
    assert known.of(VideoImport) == VideoImport.parse(answers[0])
    assert known.version == int(answers[0]["metadata"]["resourceVersion"])
