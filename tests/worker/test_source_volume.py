"""A file in a volume: read in place, and no way out."""

import hashlib
import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from support.worker.fetch_harness import FetchHarness
from videoimport.api.reasons import Reason
from videoimport.worker.fetch.volume_source import open_beneath
from videoimport.worker.runtime.errors import ImportFailure

BODY = b"\0\0\0\x18ftypmp42" + bytes(range(256)) * 400


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    root = tmp_path / "volume"
    (root / "talks" / "deep").mkdir(parents=True)
    (root / "talks" / "clip.mp4").write_bytes(BODY)
    (tmp_path / "outside.mp4").write_bytes(BODY)
    return root


def test_it_is_read_in_place_and_hashed(bench: FetchHarness, volume: Path) -> None:
    under_way = bench.begin(mounted="talks/clip.mp4", volume=str(volume))
    fetched = under_way.finish()
    assert fetched.video.sha256 == hashlib.sha256(BODY).hexdigest()
    video = under_way.sources().video
    assert (video.finished, video.seekable) == (True, True)
    assert video.path.samefile(volume / "talks" / "clip.mp4")
    assert [path for path in (bench.folder / "scratch").iterdir() if path.stat().st_size >= len(BODY)] == []
    [found] = bench.found
    assert (found.type, found.filename, found.title) == ("PersistentVolumeClaim", "clip.mp4", "clip")


def test_it_stays_the_same_file_whoever_moves_it(bench: FetchHarness, volume: Path) -> None:
    under_way = bench.begin(mounted="talks/clip.mp4", volume=str(volume))
    under_way.finish()
    (volume / "talks" / "clip.mp4").unlink()
    (volume / "talks" / "clip.mp4").symlink_to("/etc/passwd")
    assert under_way.sources().video.path.read_bytes() == BODY


def test_a_file_that_another_one_replaces_is_refused(bench: FetchHarness, volume: Path) -> None:
    """The fetching process has opened it, and the worker has not: the hash would be that of the other file."""
    (volume / "other.mp4").write_bytes(BODY[:-1] + b"x")
    bench.on_found = lambda _: (volume / "other.mp4").replace(volume / "talks" / "clip.mp4") and None
    refusal = bench.refusal(mounted="talks/clip.mp4", volume=str(volume))
    assert refusal.reason is Reason.SOURCE_CHANGED


def link(volume: Path, target: str, name: str = "talks/link.mp4") -> str:
    (volume / name).symlink_to(target)
    return name


@pytest.mark.parametrize("target", ["clip.mp4", "../talks/clip.mp4", "deep/../clip.mp4", "deep/../../talks//clip.mp4"])
def test_links_within_are_followed(volume: Path, target: str) -> None:
    with os.fdopen(open_beneath(str(volume), link(volume, target)), "rb") as file:
        assert file.read() == BODY


@pytest.mark.parametrize(
    ("make", "path", "reason"),
    [
        (lambda v: link(v, "../../outside.mp4"), "talks/link.mp4", Reason.UNSUPPORTED_SOURCE),
        (lambda v: link(v, str(v.parent / "outside.mp4")), "talks/link.mp4", Reason.UNSUPPORTED_SOURCE),
        (lambda v: link(v, str(v / "talks/clip.mp4")), "talks/link.mp4", Reason.UNSUPPORTED_SOURCE),
        (lambda v: link(v, "/proc/self/environ"), "talks/link.mp4", Reason.UNSUPPORTED_SOURCE),
        (lambda v: link(v, "..", "up"), "up/outside.mp4", Reason.UNSUPPORTED_SOURCE),
        (lambda v: link(v, "link.mp4"), "talks/link.mp4", Reason.UNSUPPORTED_SOURCE),
        (lambda v: None, "../outside.mp4", Reason.UNSUPPORTED_SOURCE),
        (lambda v: None, "talks/../../outside.mp4", Reason.UNSUPPORTED_SOURCE),
        (lambda v: None, "talks", Reason.UNSUPPORTED_SOURCE),
        (lambda v: os.mkfifo(v / "pipe"), "pipe", Reason.UNSUPPORTED_SOURCE),
        (lambda v: socket.socket(socket.AF_UNIX).bind(str(v / "s")), "s", Reason.UNSUPPORTED_SOURCE),
        (lambda v: link(v, "/dev/zero", "zero"), "zero", Reason.UNSUPPORTED_SOURCE),
        (lambda v: None, "talks/none.mp4", Reason.SOURCE_NOT_FOUND),
        (lambda v: None, "talks/clip.mp4/x", Reason.SOURCE_NOT_FOUND),
        (lambda v: link(v, "gone.mp4"), "talks/link.mp4", Reason.SOURCE_NOT_FOUND),
    ],
)
def test_everything_else_is_refused(volume: Path, make: Callable[[Path], object], path: str, reason: Reason) -> None:
    make(volume)
    with pytest.raises(ImportFailure) as caught:
        open_beneath(str(volume), path)
    assert caught.value.reason is reason
    assert repr(path) in caught.value.message


def test_the_fetching_process_refuses_too(bench: FetchHarness, volume: Path) -> None:
    failure = bench.refusal(mounted=link(volume, "/etc/passwd"), volume=str(volume))
    assert failure.reason is Reason.UNSUPPORTED_SOURCE
    assert bench.refusal(mounted="none", volume=str(volume)).reason is Reason.SOURCE_NOT_FOUND


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"#EXTM3U\n/etc/passwd\n", Reason.UNSUPPORTED_SOURCE),
        (b"<!doctype html><html>", Reason.NOT_VIDEO),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), Reason.NOT_VIDEO),
    ],
)
def test_what_is_no_video_is_refused_at_once(bench: FetchHarness, volume: Path, content: bytes, reason: Reason) -> None:
    (volume / "x").write_bytes(content)
    assert bench.refusal(mounted="x", volume=str(volume)).reason is reason


def test_the_users_limit_holds_and_scratch_does_not_matter(bench: FetchHarness, volume: Path) -> None:
    wish = {"mounted": "talks/clip.mp4", "volume": str(volume)}
    assert bench.refusal(**wish, max_bytes=1000).reason is Reason.SOURCE_TOO_LARGE
    assert bench.fetch(**wish, room_bytes=1000).video.size == len(BODY)


@pytest.mark.parametrize("right", [True, False])
def test_a_checksum(bench: FetchHarness, volume: Path, right: bool) -> None:
    digest = hashlib.sha256(BODY if right else b"").hexdigest()
    wish = {"mounted": "talks/clip.mp4", "volume": str(volume), "checksum": digest}
    if right:
        assert bench.fetch(**wish).video.sha256 == digest
        return
    failure = bench.refusal(**wish)
    assert failure.reason is Reason.CHECKSUM_MISMATCH
    assert digest in failure.message
    assert hashlib.sha256(BODY).hexdigest() in failure.message
