"""Footage of many kinds: what comes out plays everywhere and is what went in. Most kinds are in test_corpus.py."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.fake_source_site import FakeSourceSite, file
from support.worker.worker_harness import FinishedRun, WorkerHarness, probe
from videoimport.media.source.packet_scan import walk, walk_argv
from videoimport.worker.runtime.subprocesses import Children

Footage = Callable[[str], Path]
QUICK = {"video": {"preset": "ultrafast"}}


@pytest.fixture
def brought(
    desk: WorkerHarness, site: FakeSourceSite, footage: Footage, tmp_path: Path
) -> Callable[..., tuple[FinishedRun, Path]]:
    """Import a clip; the run and the result."""

    def bring(name: str, **more: Any) -> tuple[FinishedRun, Path]:
        ended = desk.bring(site.add(f"/{name}", file(footage(name))), output=QUICK, **more)
        assert ended.code == 0, ended.everything
        return ended, desk.bucket.save("in/clip/video.mp4", tmp_path / "result.mp4")

    return bring


def frames(path: Path) -> int:
    """Video packets of a file."""
    found = walk(Children().run(walk_argv(str(path))).stdout.splitlines())
    return found[next(stream["index"] for stream in probe(path)["streams"] if stream["codec_type"] == "video")].packets


def video(path: Path) -> Any:
    return next(stream for stream in probe(path)["streams"] if stream["codec_type"] == "video")


def test_hdr_becomes_ordinary_colours(brought: Callable[..., tuple[FinishedRun, Path]]) -> None:
    ended, result = brought("hdr.mp4")
    assert ended.stage("Transcode").mode == "Encode"
    found = video(result)
    assert (found["pix_fmt"], found["color_transfer"], found["color_primaries"]) == ("yuv420p", "bt709", "bt709")


def test_interlaced_becomes_progressive_square_pixels(brought: Callable[..., tuple[FinishedRun, Path]]) -> None:
    ended, result = brought("interlaced.mp4")
    assert ended.stage("Transcode").why == "video is interlaced"
    found = video(result)
    assert (found["field_order"], found["sample_aspect_ratio"]) == ("progressive", "1:1")
    assert (found["width"], found["height"]) == (1024, 576)


def test_uneven_frames_are_neither_doubled_nor_dropped(
    brought: Callable[..., tuple[FinishedRun, Path]], footage: Footage
) -> None:
    _, result = brought("uneven.webm")
    assert frames(result) == frames(footage("uneven.webm"))


def test_pauses_survive_encoding(desk: WorkerHarness, site: FakeSourceSite, footage: Footage, tmp_path: Path) -> None:
    output = {"mode": "Encode", **QUICK}
    ended = desk.bring(site.add("/p.mp4", file(footage("pauses.mp4"))), output=output)
    assert ended.code == 0, ended.everything
    result = desk.bucket.save("in/clip/video.mp4", tmp_path / "v.mp4")
    assert frames(result) == frames(footage("pauses.mp4"))


def test_a_tall_source_is_scaled_down(brought: Callable[..., tuple[FinishedRun, Path]]) -> None:
    ended, result = brought("tall.mp4")
    assert ended.report.metadata.resolution == "2560x1440"
    assert (video(result)["width"], video(result)["height"]) == (1920, 1080)


def test_a_portrait_stays_upright_when_copied(brought: Callable[..., tuple[FinishedRun, Path]]) -> None:
    ended, result = brought("portrait.mp4", requirements={"minHeight": 720, "maxHeight": 720})
    assert ended.stage("Transcode").mode == "Remux"
    assert ended.report.outputs.video.resolution == "720x1280"
    assert {abs(data.get("rotation", 0)) for data in video(result)["side_data_list"]} == {90}


def test_a_portrait_is_turned_when_encoded(
    desk: WorkerHarness, site: FakeSourceSite, footage: Footage, tmp_path: Path
) -> None:
    output = {"mode": "Encode", "video": {"preset": "ultrafast", "maxHeight": 240}}
    assert desk.bring(site.add("/p.mp4", file(footage("portrait.mp4"))), output=output).code == 0
    found = video(desk.bucket.save("in/clip/video.mp4", tmp_path / "v.mp4"))
    assert (found["width"], found["height"]) == (240, 426)
    assert "side_data_list" not in found


def test_reordered_frames_of_avi_are_there(brought: Callable[..., tuple[FinishedRun, Path]], footage: Footage) -> None:
    ended, result = brought("reordered.avi")
    assert ended.stage("Transcode").why == "video packets lack timestamps"
    assert abs(frames(result) - frames(footage("reordered.avi"))) <= 2
