"""Sources whose clock starts again, or that begin between keyframes: every picture that can be seen, in time."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.fake_source_site import FakeSourceSite, file
from support.worker import numbered_footage
from support.worker.numbered_footage import Seen, watch
from support.worker.worker_harness import FinishedRun, WorkerHarness
from videoimport.api.reasons import Reason

MPEG2 = ("-c:v", "mpeg2video", "-q:v", "3", "-c:a", "mp2")
IN_STEP = 0.07
"""Seconds: the parts themselves are 0.06 apart, by the frames that they reorder; half a moment of the grid is 0.008."""
STANDS = 0.065
"""Seconds that a picture stands longer at a join: a part's sound is two frames of AAC longer (0.043), two sounds are
0.01 apart, and a picture may move by half a moment."""
Bring = Callable[..., tuple[FinishedRun, Seen | None]]


@pytest.fixture
def bring(desk: WorkerHarness, site: FakeSourceSite, tmp_path: Path) -> Bring:
    """Import a file, and watch the result if there is one."""

    def bring(source: Path, mode: str = "Auto", **more: Any) -> tuple[FinishedRun, Seen | None]:
        output = {"mode": mode, "video": {"preset": "ultrafast"}}
        ended = desk.bring(site.add(f"/{source.name}", file(source)), output=output, **more)
        if ended.code:
            return ended, None
        return ended, watch(desk.bucket.save("in/clip/video.mp4", tmp_path / "result.mp4"))

    return bring


def joined(folder: Path, name: str, parts: list[tuple[int, int, tuple[str, ...]]]) -> Path:
    """Recordings of one file each, put one behind the other."""
    made = [numbered_footage.make(folder / f"{at}-{name}", *part[:2], *part[2]) for at, part in enumerate(parts)]
    whole = folder / name
    whole.write_bytes(b"".join(path.read_bytes() for path in made))
    return whole


def later(seconds: float) -> tuple[str, ...]:
    return ("-output_ts_offset", str(seconds))


@pytest.mark.parametrize("mode", ["Auto", "Encode"])
@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("twice.ts", [(0, 75, ()), (75, 75, ())]),
        ("three-times.ts", [(0, 50, ()), (50, 50, ("-bf", "0")), (100, 50, ())]),
        ("back.ts", [(0, 75, later(500)), (75, 75, ())]),
        ("an-hour-later.ts", [(0, 75, ()), (75, 75, later(3600))]),
        ("a-little-back.ts", [(0, 75, ()), (75, 75, later(2.5))]),
        ("a-picture-back.ts", [(0, 75, ("-bf", "0")), (75, 75, (*later(2.96), "-bf", "0"))]),
        ("three-times-a-picture-back.ts", [(0, 50, ()), (50, 50, later(1.96)), (100, 50, later(3.92))]),
        ("reordered-and-then-not.ts", [(0, 75, ("-bf", "3")), (75, 75, (*later(3), "-bf", "0"))]),
        ("joined.vob", [(0, 75, MPEG2), (75, 75, MPEG2)]),
        ("joined.mpg", [(0, 75, (*MPEG2, "-bf", "0")), (75, 75, MPEG2)]),
        ("joined.mkv", [(0, 75, later(20)), (75, 75, ("-bf", "3"))]),
    ],
)
@pytest.mark.full(
    but=[
        "twice.ts-*-Auto",
        "back.ts-*-Encode",
        "an-hour-later.ts-*-Auto",
        "joined.vob-*-Encode",
    ]
)
def test_a_clock_that_starts_again_loses_nothing(
    bring: Bring, tmp_path: Path, name: str, parts: list[tuple[int, int, tuple[str, ...]]], mode: str
) -> None:
    ended, seen = bring(joined(tmp_path, name, parts), mode)
    assert seen is not None, ended.everything
    assert seen.numbers == list(range(150))
    assert seen.pictures == sorted(seen.pictures)
    assert seen.pictures[-1][0] - seen.pictures[0][0] == pytest.approx(149 / 25, abs=STANDS * (len(parts) - 1))
    assert len(seen.beeps) == 6
    assert seen.drift() < IN_STEP
    why = ended.stage("Transcode").why
    assert "the clock starts again" in why or "each with a clock or streams of its own" in why


LOSING = """#!{python}
import os, sys
words = sys.argv[1:]
if "-enc_time_base:v" in words:
    at = words.index("-enc_time_base:v")
    words[at:at] = ["-bsf:v", "noise=drop='eq(n,75)'"]
os.execv("{ffmpeg}", ["ffmpeg", *words])
"""
"""An ffmpeg that loses the first picture of the second part."""


def test_one_picture_that_is_lost_at_a_join_is_missed(bring: Bring, desk: WorkerHarness, tmp_path: Path) -> None:
    program = tmp_path / "losing" / "ffmpeg"
    program.parent.mkdir()
    program.write_text(LOSING.format(python=sys.executable, ffmpeg=shutil.which("ffmpeg")))
    program.chmod(0o755)
    desk.path = f"{program.parent}:{desk.path}"
    ended, _ = bring(joined(tmp_path, "lost.ts", [(0, 75, ()), (75, 75, ())]))
    assert ended.reason == "VerificationFailed", ended.everything
    assert "its video has 149 frames, but the source's has 150" in ended.report.message


def tuned_in(folder: Path, name: str, *options: str) -> Path:
    """A recording without the first packets of its first keyframe's group."""
    whole = numbered_footage.make(folder / f"whole-{name}", 0, 150, "-g", "40", "-keyint_min", "40", *options)
    cut = folder / name
    if name.endswith(".ts"):
        content = whole.read_bytes()
        begin = len(content) // 10 // 188 * 188
        cut.write_bytes(content[:564] + content[begin:])
    else:
        run = ["ffmpeg", "-v", "error", "-i", whole, "-c", "copy", "-copyinkf", "-bsf:v", "noise=drop='lt(n,10)'", cut]
        subprocess.run(run, check=True)
    return cut


@pytest.mark.parametrize("mode", ["Auto", "Encode"])
@pytest.mark.parametrize(
    ("name", "requirements"),
    [
        ("tuned-in.ts", None),
        ("cut.flv", None),
        ("cut.mkv", None),
        ("cut.mp4", None),
        ("cut.mkv", {"minHeight": 1, "damage": "Tolerate"}),
        ("cut.mp4", {"minHeight": 1, "damage": "Tolerate"}),
    ],
)
@pytest.mark.full(but=["tuned-in.ts-*-Auto", "cut.flv-*-Encode", "cut.mkv-None-Auto", "cut.mp4-requirements5-Encode"])
def test_a_start_between_keyframes_is_cut(
    bring: Bring, tmp_path: Path, name: str, requirements: dict[str, Any] | None, mode: str
) -> None:
    ended, seen = bring(tuned_in(tmp_path, name), mode, **({"requirements": requirements} if requirements else {}))
    assert seen is not None, ended.everything
    assert seen.numbers == list(range(40, 150))
    assert seen.drift() < IN_STEP
    assert "before a keyframe are cut" in ended.stage("Transcode").why


def test_a_mended_source_is_told_by_its_own_streams(bring: Bring, desk: WorkerHarness, tmp_path: Path) -> None:
    """A radio program comes first; the copy that is read has neither it nor the source's numbers."""
    film, both = tuned_in(tmp_path, "tuned-in.ts"), tmp_path / "radio.ts"
    programs = ("-program", "title=radio:st=0", "-program", "title=film:st=1:st=2")
    maps = ("-map", "1:a", "-map", "0:v", "-map", "0:a", "-c:v", "copy", "-copyinkf", "-c:a", "mp2")
    radio = ("-f", "lavfi", "-i", "sine=duration=6")
    subprocess.run(["ffmpeg", "-v", "fatal", "-i", film, *radio, *maps, *programs, both], check=True)
    ended, _ = bring(both)
    assert "before a keyframe are cut" in ended.stage("Transcode").why
    told = desk.bucket.json("in/clip/result.json")["streams"]
    assert [(one["index"], one["kind"]) for one in told["taken"]] == [(1, "video"), (2, "audio")]
    assert [(one["index"], one["why"]) for one in told["leftOut"]] == [(0, "another program")]


def test_sound_that_begins_in_a_later_part_stays_there(bring: Bring, tmp_path: Path) -> None:
    ended, seen = bring(joined(tmp_path, "late-sound.ts", [(0, 50, ("-an",)), (50, 100, ())]))
    assert seen is not None, ended.everything
    assert seen.numbers == list(range(150))
    assert seen.beeps == pytest.approx([2, 3, 4, 5], abs=0.1)


def test_a_long_pause_is_no_new_clock(bring: Bring, tmp_path: Path) -> None:
    times = "setpts='if(lt(N,25),N/25,(N-24)*12)/TB'"
    slow = ("-vf", times, "-fps_mode", "passthrough", "-bf", "0", "-af", "apad", "-t", "37")
    ended, seen = bring(numbered_footage.make(tmp_path / "slow.ts", 0, 28, *slow), "Encode")
    assert seen is not None, ended.everything
    begin = seen.pictures[0][0]
    assert [round(time - begin) for time, _ in seen.pictures[-3:]] == [12, 24, 36]
    assert len(seen.pictures) == 28


def test_sound_whose_rate_is_wrong_is_never_lost_silently(bring: Bring, tmp_path: Path) -> None:
    """An AVI has no timestamps: a rate in its header makes all of them."""
    source = numbered_footage.make(tmp_path / "rate.avi", 0, 50, "-c:v", "mpeg4", "-c:a", "libmp3lame")
    content = bytearray(source.read_bytes())
    place = content.index(b"auds") + 24
    rate = int.from_bytes(content[place : place + 4], "little")
    content[place : place + 4] = (rate * 14).to_bytes(4, "little")
    source.write_bytes(content)
    ended, _ = bring(source)
    assert ended.report.reason is Reason.VERIFICATION_FAILED
    assert "can be decoded" in ended.report.message


def test_raw_dv_is_a_video(bring: Bring, tmp_path: Path) -> None:
    options = ("-c:v", "dvvideo", "-bf", "0", "-s", "720x576", "-c:a", "pcm_s16le", "-ac", "2")
    source = numbered_footage.make(tmp_path / "tape.dv", 0, 25, *options)
    ended, seen = bring(source)
    assert seen is not None, ended.everything
    assert len(seen.pictures) == 25


def with_late_tracks(content: bytes) -> bytes:
    """A Matroska file whose tracks are described after the media, where a SeekHead finds them."""

    def number(place: int, *, is_length: bool) -> tuple[int, int]:
        wide = 9 - content[place].bit_length()
        value = int.from_bytes(content[place : place + wide], "big")
        return (value & ((1 << 7 * wide) - 1) if is_length else value), place + wide

    def elements(place: int) -> dict[int, bytes]:
        found: dict[int, bytes] = {}
        while place < len(content):
            identity, after = number(place, is_length=False)
            length, after = number(after, is_length=True)
            end = after if identity == 0x18538067 else after + length
            found[identity] = found.get(identity, b"") + content[place:end]
            place = end
        return found

    all_of = elements(0)
    head, info, media, tracks = (all_of[name] for name in (0x1A45DFA3, 0x1549A966, 0x1F43B675, 0x1654AE6B))
    place = 22 + len(info) + len(media)
    entry = bytes.fromhex("53ab841654ae6b53ac84") + place.to_bytes(4, "big")
    seek = bytes.fromhex("4dbb") + bytes([0x80 | len(entry)]) + entry
    body = bytes.fromhex("114d9b74") + bytes([0x80 | len(seek)]) + seek + info + media + tracks
    return head + bytes.fromhex("1853806701") + len(body).to_bytes(7, "big") + body


def test_tracks_that_are_described_after_the_media_are_found(bring: Bring, tmp_path: Path) -> None:
    source = numbered_footage.make(tmp_path / "late.mkv", 0, 50)
    source.write_bytes(with_late_tracks(source.read_bytes()))
    ended, seen = bring(source)
    assert seen is not None, ended.everything
    assert seen.numbers == list(range(50))
    assert len(seen.beeps) == 2
