"""A status in each phase of both kinds, with the Events that its change brings."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from support import golden_files
from support.core import bulk_builders, video_builders
from support.core.bulk_builders import bad, bulk, cancelled, child, good, recorded
from support.core.discovery_builders import made, page, told
from support.core.page_digests import proven
from support.core.video_builders import (
    NOW,
    SETTINGS,
    after,
    failure,
    finished,
    job,
    plan,
    progress,
    running,
    success,
    video,
    working_pod,
)
from support.every_case import every_case
from videoimport.api.bulkimport_status import BulkPhase, HostStatus
from videoimport.api.identity import item_identity
from videoimport.api.reasons import Reason
from videoimport.api.tasks.listing_task import Known, Skipped
from videoimport.api.videoimport_status import (
    OutputFile,
    Outputs,
    RenditionFile,
    SourceStatus,
    ThumbnailSet,
    Usage,
    VideoMetadata,
    VideoPhase,
)
from videoimport.core.bulk.reconcile import reconcile_bulk
from videoimport.core.circuit_breaker import BreakerState
from videoimport.core.discovery.reconcile import reconcile_discovery
from videoimport.core.list_item import Listed, RefusedItem
from videoimport.core.observed import ObservedBulk
from videoimport.core.plan import Plan

SOURCE = SourceStatus(
    type="Youtube", url="https://video.example/talk.mp4", filename="talk.webm", source_id="abc", title="A talk",
    sha256="a" * 64, duration_ms=20_000,
)  # fmt: skip
METADATA = VideoMetadata(
    resolution="1280x720", width=1280, height=720, duration_ms=20_000, size_bytes=5_000_000, format="webm",
    video_codec="vp9", audio_codec="opus", frames_per_second="30000/1001",
)  # fmt: skip
PLACE = "s3://media/talk"
FILE = {"size_bytes": 5, "sha256": "b" * 64, "duration_ms": 20_000}
OUTPUTS = Outputs(
    video=OutputFile(uri=f"{PLACE}/video.mp4", url="https://cdn.example/talk/video.mp4", resolution="1280x720", **FILE),
    audio=OutputFile(uri=f"{PLACE}/audio.m4a", **FILE),
    renditions=(RenditionFile(name="360p", uri=f"{PLACE}/renditions/360p.mp4", resolution="640x360", **FILE),),
    thumbnails=ThumbnailSet(uri=f"{PLACE}/thumbnails/001.jpg", count=3),
    original=OutputFile(uri=f"{PLACE}/original.webm", **FILE),
    result=OutputFile(uri=f"{PLACE}/result.json", size_bytes=3, sha256="c" * 64),
)
KNOWN: dict[str, Any] = {"source": SOURCE, "metadata": METADATA}


def working(*percents: int) -> Plan[Any]:
    wish = running()
    seen = progress(*percents, bytes_per_second=1000, validated=True, **KNOWN)
    return plan(wish, after(20), jobs=(job(wish),), pods=(working_pod(job(wish)),), progress=seen)


def completed() -> Plan[Any]:
    wish = running()
    usage = Usage(cpu_seconds=7, bytes_in=5_000_000, bytes_out=13)
    stages = video_builders.stages(100, 100, 100)
    return plan(wish, after(40), **finished(wish, success(wish, outputs=OUTPUTS, usage=usage, stages=stages, **KNOWN)))


def failed() -> Plan[Any]:
    wish = running()
    report = failure(
        wish, Reason.UNSUPPORTED_RESOLUTION, "The video has 240 lines.", advice="Allow 240 lines.", **KNOWN
    )
    return plan(wish, after(40), **finished(wish, report))


def cancelling() -> Plan[Any]:
    return plan(video_builders.edited(video(), cancel=True), after(5))


def suspending() -> Plan[Any]:
    return plan(video(suspend=True), after(5))


def limited() -> Plan[Any]:
    wish = running()
    return plan(wish, after(9), **finished(wish, failure(wish, Reason.RATE_LIMITED, retry_after_seconds=60)))


def retrying() -> Plan[Any]:
    wish = running()
    return plan(wish, after(9), **finished(wish, failure(wish, Reason.SOURCE_UNAVAILABLE)))


VIDEOS: dict[VideoPhase, dict[str, Callable[[], Plan[Any]]]] = {
    VideoPhase.PENDING: {
        "started": lambda: plan(video()),
        "retrying": retrying,
        "rate-limited": limited,
        "host": lambda: plan(video(), host=BreakerState("video.example", 1, NOW, after(300))),
    },
    VideoPhase.QUEUED: {"limit": lambda: plan(video(), no_room="2 imports run in the cluster, as many as may.")},
    VideoPhase.SUSPENDED: {"new": suspending},
    VideoPhase.DOWNLOADING: {"run": lambda: working(40, 20, 10)},
    VideoPhase.TRANSCODING: {"run": lambda: working(100, 50, 30)},
    VideoPhase.UPLOADING: {"run": lambda: working(100, 100, 60)},
    VideoPhase.FINALIZING: {"run": lambda: working(100, 100, 100)},
    VideoPhase.COMPLETED: {"run": completed},
    VideoPhase.FAILED: {"run": failed},
    VideoPhase.CANCELLED: {"new": cancelling},
}


def shown(phase: Any, plans: dict[str, Callable[[], Plan[Any]]]) -> dict[str, Any]:
    """What each plan writes and announces; each must be in this phase."""
    found: dict[str, Any] = {}
    for name, make in plans.items():
        made_plan = make()
        assert made_plan.status is not None
        assert made_plan.status.phase is phase, f"{name} is in phase {made_plan.status.phase}"
        events = [f"{one.type} {one.reason}: {one.message}" for one in made_plan.planned_events]
        status = made_plan.status.wire()
        assert type(made_plan.status).model_validate(status).wire() == status, f"{name} is read as another status"
        found[name] = {"status": status, "events": events}
    return found


@every_case("phase", VideoPhase)
def test_status_of_a_video_import(phase: VideoPhase) -> None:
    golden_files.check(f"status-videoimport-{phase.lower()}", shown(phase, VIDEOS[phase]))


LIST: dict[str, Any] = {"source": {"manifest": {"url": "https://lists.example/all.txt"}}}
BUSY = HostStatus(host="video.example", state="Open", until=after(60), failures=2)
HOOK = {"url": "https://hooks.example/done", "secretRef": {"name": "hook-key"}}


def listed(number: int, **more: Any) -> Listed:
    address = bulk_builders.url(number)
    return Listed(item_identity(address), address, **more)


def discovered() -> Plan[Any]:
    """The first page of a list is known: one item is new, one is stored already, one is rejected."""
    wish = bulk_builders.written(bulk(**LIST))
    known = listed(1, known=Known(video_id="e" * 64, uri="s3://media/known/video.mp4"))
    items, refused = (listed(0, name="first"), known), RefusedItem("ab" * 5, Reason.NOT_VIDEO, "A picture.", "cover")
    first = replace(page(wish, 0), items=items, rejected=(refused,), skipped=Skipped(blank=1, comments=2))
    return bulk_builders.plan(wish, pages=(first,), at=after(9))


def processing() -> Plan[Any]:
    wish = bulk_builders.written(bulk(3))
    seen = (good(wish, 0), child(wish, 1, progress_percent=40))
    return bulk_builders.plan(wish, seen, recorded(seen[0]), after(30), hosts=(BUSY,))


def ended(*children: Any, **spec: Any) -> Plan[Any]:
    wish = bulk_builders.written(bulk(len(children), **spec))
    seen = tuple(make(wish, number) for number, make in enumerate(children))
    return bulk_builders.plan(wish, seen, recorded(*seen), after(90))


def list_failed() -> Plan[Any]:
    wish = bulk_builders.written(bulk(**LIST))
    job_of_list = made(reconcile_discovery(proven(ObservedBulk(bulk(**LIST))), NOW, SETTINGS, wanted=True))
    seen = told(job_of_list, reason=Reason.SOURCE_NOT_FOUND, message="The list answered 404.")
    return reconcile_bulk(ObservedBulk(wish, **seen), after(40), SETTINGS)


def cancelled_bulk() -> Plan[Any]:
    wish = bulk_builders.written(bulk_builders.edited(bulk(2), cancel=True))
    seen = (good(wish, 0), cancelled(wish, 1))
    return bulk_builders.plan(wish, seen, recorded(*seen), after(90))


BULKS: dict[BulkPhase, dict[str, Callable[[], Plan[Any]]]] = {
    BulkPhase.QUEUED: {"second": lambda: bulk_builders.plan(bulk(2), ahead=1)},
    BulkPhase.DISCOVERING: {"new": lambda: bulk_builders.plan(bulk(**LIST))},
    BulkPhase.PROCESSING: {"new": lambda: bulk_builders.plan(bulk(2)), "results": processing, "first-page": discovered},
    BulkPhase.SUSPENDED: {"new": lambda: bulk_builders.plan(bulk(2, suspend=True))},
    BulkPhase.COMPLETED: {
        "all": lambda: ended(good, good),
        "webhook": lambda: ended(good, webhook=HOOK),
        "some-failed": lambda: ended(good, bad),
    },
    BulkPhase.FAILED: {"all-failed": lambda: ended(bad, bad), "list": list_failed},
    BulkPhase.CANCELLED: {"ended": cancelled_bulk},
}


@pytest.mark.parametrize("phase", BulkPhase)
def test_status_of_a_bulk_import(phase: BulkPhase) -> None:
    golden_files.check(f"status-bulkimport-{phase.lower()}", shown(phase, BULKS[phase]))
