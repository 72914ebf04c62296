"""What else a video can be asked for: smaller copies, its sound, still pictures, its very bytes."""

import hashlib
from pathlib import Path
from typing import Any

import pytest

from support.fake_source_site import FakeSourceSite, file
from support.worker.corpus.files import Corpus
from support.worker.worker_harness import FinishedRun, WorkerHarness, probe
from videoimport.api.reasons import Reason

QUICK = {"preset": "ultrafast"}


@pytest.fixture(scope="module")
def kitchen() -> Corpus:
    return Corpus.open()


def bring(desk: WorkerHarness, site: FakeSourceSite, path: Path, **output: Any) -> FinishedRun:
    ended = desk.bring(site.add(f"/{path.name}", file(path)), output={"video": QUICK, **output})
    assert ended.code == 0, ended.everything
    return ended


def named(desk: WorkerHarness) -> set[str]:
    """What lies in the video's folder."""
    return {key.removeprefix("in/clip/") for key in desk.bucket.keys if key.startswith("in/clip/")}


def saved(desk: WorkerHarness, name: str, tmp_path: Path) -> Path:
    return desk.bucket.save(f"in/clip/{name}", tmp_path / name.replace("/", "-"))


def streams(path: Path) -> list[tuple[str, Any, Any]]:
    return [(one["codec_name"], one.get("width"), one.get("height")) for one in probe(path)["streams"]]


def test_renditions_an_audio_file_and_stills_come_of_one_run(
    desk: WorkerHarness, site: FakeSourceSite, kitchen: Corpus, tmp_path: Path
) -> None:
    renditions = [{"name": "low", "height": 144, "crf": 30}, {"name": "same", "height": 720}]
    ended = bring(desk, site, kitchen.obtain("variable.webm"), renditions=renditions, audioFile={"format": "mp3"},
                  thumbnails={"count": 3})  # fmt: skip
    assert named(desk) == {
        "video.mp4", "renditions/low.mp4", "renditions/same.mp4", "audio.mp3", "thumbnails/001.jpg",
        "thumbnails/002.jpg", "thumbnails/003.jpg", "result.json",
    }  # fmt: skip
    assert streams(saved(desk, "renditions/low.mp4", tmp_path)) == [("h264", 256, 144), ("aac", None, None)]
    assert streams(saved(desk, "renditions/same.mp4", tmp_path)) == [("h264", 320, 180), ("aac", None, None)]
    assert streams(saved(desk, "audio.mp3", tmp_path)) == [("mp3", None, None)]
    assert streams(saved(desk, "thumbnails/002.jpg", tmp_path)) == [("mjpeg", 320, 180)]
    outputs = ended.report.outputs
    assert outputs is not None
    assert [one.name for one in outputs.renditions] == ["low", "same"]
    assert outputs.thumbnails is not None
    assert outputs.thumbnails.count == 3


def test_an_m4a_has_the_sources_own_sound(
    desk: WorkerHarness, site: FakeSourceSite, kitchen: Corpus, tmp_path: Path
) -> None:
    bring(desk, site, kitchen.obtain("matroska.mkv"), audioFile={"format": "m4a"})
    path = saved(desk, "audio.m4a", tmp_path)
    assert streams(path) == [("aac", None, None)]
    assert desk.bucket.head("in/clip/audio.m4a")["ContentType"] == "audio/mp4"


@pytest.mark.parametrize(
    ("name", "extension", "content_type"),
    [
        ("matroska.mkv", "mkv", "video/x-matroska"),
        ("program.mpg", "mpg", "video/mpeg"),
        ("wrong.mp4", "mkv", "video/x-matroska"),
    ],
)
def test_an_original_is_the_sources_very_bytes(
    desk: WorkerHarness, site: FakeSourceSite, kitchen: Corpus, name: str, extension: str, content_type: str
) -> None:
    path = kitchen.obtain(name)
    ended = bring(desk, site, path, mode="Original")
    assert named(desk) == {f"original.{extension}", "result.json"}
    assert desk.bucket.read(f"in/clip/original.{extension}") == path.read_bytes()
    assert desk.bucket.head(f"in/clip/original.{extension}")["ContentType"] == content_type
    assert ended.stage("Transcode").mode == "Original"
    assert ended.report.outputs is not None
    assert ended.report.outputs.original is not None
    assert ended.report.outputs.original.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_damaged_original_is_refused(desk: WorkerHarness, site: FakeSourceSite, kitchen: Corpus) -> None:
    path = kitchen.obtain("scrambled.mp4")
    ended = desk.bring(site.add("/v.mp4", file(path)), output={"mode": "Original"})
    assert ended.reason == Reason.SOURCE_CORRUPT
    assert named(desk) == set()


def test_the_original_may_be_kept_beside_the_video(desk: WorkerHarness, site: FakeSourceSite, kitchen: Corpus) -> None:
    path = kitchen.obtain("vp9.webm")
    bring(desk, site, path, keepOriginal=True)
    assert named(desk) == {"video.mp4", "original.webm", "result.json"}
    assert desk.bucket.read("in/clip/original.webm") == path.read_bytes()


@pytest.mark.parametrize("codec", ["hevc", "av1"])
def test_an_encoder_that_the_image_lacks_is_told_before_the_fetch(
    desk: WorkerHarness, site: FakeSourceSite, tmp_path: Path, codec: str
) -> None:
    """The real ffmpeg, whose list of encoders lacks two lines."""
    folder = tmp_path / "bin"
    folder.mkdir()
    real = next(path for entry in desk.path.split(":") if (path := Path(entry) / "ffmpeg").exists())
    (folder / "ffmpeg").write_text(f'#!/bin/sh\n{real} "$@" | grep -v -e libx265 -e libsvtav1\n')
    (folder / "ffmpeg").chmod(0o755)
    desk.path = f"{folder}:{desk.path}"
    ended = desk.bring(site.url("/v.mp4"), output={"video": {"codec": codec}})
    assert ended.reason == Reason.ENCODER_UNAVAILABLE
    assert site.requests == []
