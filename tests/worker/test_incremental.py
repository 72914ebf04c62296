"""A video that the destination has is not stored again, whoever brought it, also when two bring it at once."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.fake_source_site import FakeSourceSite, file
from support.worker.object_store import Bucket
from support.worker.worker_harness import FinishedRun, WorkerHarness
from videoimport.api.reasons import Reason

Footage = Callable[[str], Path]


@pytest.fixture
def other(bucket: Bucket, tmp_path: Path) -> WorkerHarness:
    """Another import's pod, at the same bucket."""
    (tmp_path / "other").mkdir()
    return WorkerHarness(bucket, tmp_path / "other")


def videos(bucket: Bucket) -> list[str]:
    return [key for key in bucket.keys if key.endswith("video.mp4")]


def named(name: str, **more: Any) -> dict[str, Any]:
    return {"uid": f"uid-{name}", "destination": {"name": name}, **more}


def is_duplicate(ended: FinishedRun, uri: str) -> None:
    assert ended.code == 0, ended.everything
    assert ended.report.duplicate_of == uri
    assert ended.report.outputs.video.uri == uri
    assert ended.report.video_id


def test_two_at_once_store_one(
    desk: WorkerHarness, other: WorkerHarness, site: FakeSourceSite, footage: Footage
) -> None:
    """Two processes, from two addresses: only the bytes tell that it is the same video."""
    urls = [site.add(path, file(footage("silent.mp4"))) for path in ("/a.mp4", "/b.mp4")]
    running = [
        one.start(one.task(url, **named(f"n{n}"))) for n, (one, url) in enumerate(zip((desk, other), urls, strict=True))
    ]
    ended = [one.ended() for one in running]
    assert [one.code for one in ended] == [0, 0], ended[0].everything + ended[1].everything
    (stored,) = videos(desk.bucket)
    duplicates = [one for one in ended if one.report.duplicate_of]
    assert len(duplicates) == 1
    is_duplicate(duplicates[0], f"s3://{desk.bucket.name}/{stored}")
    assert desk.bucket.unfinished == []


def test_later_again_is_a_duplicate_and_moves_nothing(
    desk: WorkerHarness, site: FakeSourceSite, footage: Footage
) -> None:
    url = site.add("/a.mp4", file(footage("silent.mp4")))
    first = desk.bring(url, **named("first"))
    assert first.code == 0, first.everything
    is_duplicate(desk.bring(url, **named("second")), first.report.outputs.video.uri)
    assert len(videos(desk.bucket)) == 1


def test_another_wish_is_stored_too_and_so_is_one_that_is_not_incremental(
    desk: WorkerHarness, site: FakeSourceSite, footage: Footage
) -> None:
    url = site.add("/a.mp4", file(footage("silent.mp4")))
    assert desk.bring(url, **named("first")).code == 0
    small = {"video": {"maxHeight": 144, "preset": "ultrafast"}}
    assert desk.bring(url, **named("small", output=small)).report.duplicate_of is None
    assert desk.bring(url, **named("again", incremental=False)).report.duplicate_of is None
    assert len(videos(desk.bucket)) == 3


def test_what_was_deleted_is_stored_again(desk: WorkerHarness, site: FakeSourceSite, footage: Footage) -> None:
    url = site.add("/a.mp4", file(footage("silent.mp4")))
    assert desk.bring(url, **named("first")).code == 0
    desk.bucket.delete("in/first/video.mp4")
    again = desk.bring(url, **named("second"))
    assert again.report.duplicate_of is None
    assert videos(desk.bucket) == ["in/second/video.mp4"]


@pytest.mark.parametrize(
    ("wish", "reason"),
    [
        ({"source": {"checksum": "sha256:" + "0" * 64}}, Reason.CHECKSUM_MISMATCH),
        ({"requirements": {"minHeight": 1, "formats": ["mkv"]}}, Reason.UNSUPPORTED_FORMAT),
        ({"requirements": {"minHeight": 1, "maxDurationSeconds": 1}}, Reason.UNSUPPORTED_DURATION),
    ],
)
@pytest.mark.full(but=["wish1-*"])
def test_a_hit_is_no_way_around_what_is_wanted_of_the_source(
    desk: WorkerHarness, site: FakeSourceSite, footage: Footage, wish: dict[str, Any], reason: Reason
) -> None:
    """The source tells its version, so it is found before a byte is fetched."""
    url = site.add("/a.mp4", file(footage("silent.mp4")))
    assert desk.bring(url, **named("first")).code == 0
    task = desk.task(url, **named("second", **{name: value for name, value in wish.items() if name != "source"}))
    changed = task.spec.source.model_copy(update=wish.get("source", {}))
    task = task.model_copy(update={"spec": task.spec.model_copy(update={"source": changed})})
    assert desk.run(task).reason == reason


def test_one_that_is_not_incremental_is_found_by_one_that_is(
    desk: WorkerHarness, site: FakeSourceSite, footage: Footage
) -> None:
    url = site.add("/a.mp4", file(footage("silent.mp4")))
    first = desk.bring(url, **named("first", incremental=False))
    is_duplicate(desk.bring(url, **named("second")), first.report.outputs.video.uri)
