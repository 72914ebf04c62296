"""Damage between keyframes: a copy of it is refused as an encode of it would be."""

import json
import subprocess
from pathlib import Path

import pytest

from support.fake_source_site import FakeSourceSite, file
from support.worker.transcode_runs import job, made
from support.worker.worker_harness import WorkerHarness
from videoimport.api.reasons import Reason
from videoimport.media.transcode import command
from videoimport.worker.runtime.errors import ImportFailure
from videoimport.worker.runtime.subprocesses import Children

CODECS = {
    "h264": ("-c:v", "libx264", "-preset", "ultrafast"),
    "hevc": ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", "log-level=none"),
    "mpeg4": ("-c:v", "mpeg4", "-q:v", "3"),
}


def clip(path: Path, *codec: str, seconds: int = 4) -> Path:
    """One keyframe at the start, and none after it."""
    shown = ("-f", "lavfi", "-i", f"testsrc2=size=640x360:rate=25:duration={seconds}")
    sound = ("-f", "lavfi", "-i", f"sine=duration={seconds}", "-c:a", "aac")
    words = ("ffmpeg", "-v", "error", "-y", *shown, *sound, "-pix_fmt", "yuv420p", "-g", "1000", *codec, path)
    subprocess.run(words, check=True)
    return path


def damage(path: Path, numbers: tuple[int, ...], *, head: bool = False) -> None:
    """Overwrite a half of some pictures."""
    shown = ("-select_streams", "v", "-show_entries", "packet=pos,size", "-of", "json")
    found = json.loads(subprocess.run(("ffprobe", "-v", "error", *shown, path), check=True, capture_output=True).stdout)
    content = bytearray(path.read_bytes())
    for number in numbers:
        start, size = (int(found["packets"][number][name]) for name in ("pos", "size"))
        begin = 5 if head else size // 3
        content[start + begin : start + begin + size // 2] = b"\x55" * (size // 2)
    path.write_bytes(content)


@pytest.mark.full(but=["h264-Remux", "hevc-Encode", "mpeg4-Original"])
@pytest.mark.parametrize("mode", ["Remux", "Encode", "Original"])
@pytest.mark.parametrize("codec", CODECS)
def test_damage_between_keyframes_is_found_whatever_is_done(tmp_path: Path, codec: str, mode: str) -> None:
    path = clip(tmp_path / "v.mp4", *CODECS[codec])
    made(job(path, mode=mode), tmp_path / "whole")
    damage(path, (30, 31, 60), head=codec == "hevc")  # its decoder sees nothing wrong with what follows a head
    with pytest.raises(ImportFailure) as caught:
        made(job(path, mode=mode), tmp_path / "damaged")
    assert caught.value.reason is Reason.SOURCE_CORRUPT, caught.value.message


def test_a_sample_finds_what_lies_within_it(tmp_path: Path) -> None:
    path = clip(tmp_path / "v.mp4", *CODECS["h264"])
    damage(path, (60, 61), head=True)
    decoded = [Children().run(command.sample_argv(str(path), start, 1.0, "0:v:0")).clean for start in (0.0, 2.0)]
    assert decoded == [True, False]


def test_result_json_says_how_much_was_decoded(desk: WorkerHarness, site: FakeSourceSite, tmp_path: Path) -> None:
    ended = desk.bring(site.add("/v.mp4", file(clip(tmp_path / "v.mp4", *CODECS["h264"]))))
    assert ended.code == 0, ended.everything
    found = json.loads(desk.bucket.save("in/clip/result.json", tmp_path / "result.json").read_text())
    assert found["verification"] == {"decoded": "Complete", "decodedSeconds": 4.0, "seconds": 4.0}
