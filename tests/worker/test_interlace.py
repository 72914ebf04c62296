"""Fields without a flag are found and made whole pictures; whole pictures stay what they are."""

import subprocess
from pathlib import Path

import pytest

from support.fake_source_site import FakeSourceSite, file
from support.worker.worker_harness import WorkerHarness
from videoimport.media.source import interlace
from videoimport.media.source.interlace import Counts
from videoimport.worker.pipeline import interlace_scan as scanning
from videoimport.worker.runtime.subprocesses import Children
from videoimport.worker.source.probe import examine

FIELDS = "tinterlace=mode={},setfield=prog,scale=720:576:interl=1"
WHOLE = "framestep=2,scale=720:576"
DV = ("-pix_fmt", "yuv420p", "-c:v", "dvvideo", "-f", "avi")
X264 = ("-pix_fmt", "yuv420p", "-c:v", "libx264", "-preset", "ultrafast")
KINDS = {
    "DV": (FIELDS.format("interleave_bottom"), DV, "bb"),
    "MPEG-2": (FIELDS.format("interleave_top"), ("-c:v", "mpeg2video", "-q:v", "3", "-f", "mpegts"), "tt"),
    "H.264, flagged as whole": (FIELDS.format("interleave_top"), (*X264, "-f", "mp4"), "tt"),
    "whole DV": (WHOLE, DV, ""),
    "whole H.264": (WHOLE, (*X264, "-f", "mp4"), ""),
}


def clip(path: Path, filters: str, *codec: str) -> Path:
    """Three seconds of a ball that moves, at 25 frames a second."""
    moving = (
        "color=gray:size=720x576:rate=50:duration=3[a];color=white:size=120x300:rate=50:duration=3[b];"
        "[a][b]overlay=x='mod(n*7,600)':y=100,noise=alls=4:allf=t"
    )
    words = ("-filter_complex", f"{moving},{filters}", "-r", "25", *codec, path)
    subprocess.run(("ffmpeg", "-v", "error", "-y", *words), check=True)
    return path


@pytest.mark.parametrize("kind", KINDS)
def test_fields_are_found_by_the_pictures(tmp_path: Path, kind: str) -> None:
    filters, codec, wanted = KINDS[kind]
    source = examine(Children(), clip(tmp_path / "source", filters, *codec))
    assert source.media.video is not None
    assert scanning.field_order(Children(), source, source.media.video) == wanted


def counts(path: Path) -> Counts:
    video = examine(Children(), path).media.video
    assert video is not None
    return interlace.counted(Children().run(interlace.sample_argv(str(path), video, 0.5)).stderr)


def test_dv_in_avi_has_no_combs_afterwards(desk: WorkerHarness, site: FakeSourceSite, tmp_path: Path) -> None:
    path = clip(tmp_path / "v.avi", *(FIELDS.format("interleave_bottom"), *DV))
    assert interlace.field_order(counts(path)) == "bb"
    ended = desk.bring(site.add("/v.avi", file(path)), output={"video": {"preset": "ultrafast"}})
    assert ended.code == 0, ended.everything
    found = counts(desk.bucket.save("in/clip/video.mp4", tmp_path / "result.mp4"))
    assert found.top_first + found.bottom_first <= 1


def test_h264_that_calls_its_fields_whole_is_not_copied(
    desk: WorkerHarness, site: FakeSourceSite, tmp_path: Path
) -> None:
    filters, codec, _ = KINDS["H.264, flagged as whole"]
    path = clip(tmp_path / "v.mp4", filters, *codec)
    ended = desk.bring(site.add("/v.mp4", file(path)), output={"video": {"preset": "ultrafast"}})
    assert ended.code == 0, ended.everything
    assert ended.stage("Transcode").why == "video is interlaced, though no flag marks it"
