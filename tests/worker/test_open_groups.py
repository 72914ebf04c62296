"""Recordings that begin within an open group: pictures that lean on what is not there are left out, and no others."""

import itertools
import subprocess
from fractions import Fraction
from pathlib import Path

import pytest

from support.fake_source_site import FakeSourceSite, file
from support.worker import numbered_footage
from support.worker.numbered_footage import Seen, watch
from support.worker.worker_harness import FinishedRun, WorkerHarness

GROUP, COUNT = 12, 75
GROUPS = f"open-gop=1:keyint={GROUP}:min-keyint={GROUP}:bframes=3:b-adapt=0:scenecut=0"
OPEN = {
    "h264": ("-preset", "veryfast", "-x264-params", GROUPS),
    "hevc": ("-c:v", "libx265", "-preset", "ultrafast", "-x265-params", f"log-level=none:{GROUPS}"),
    "mpeg2": ("-c:v", "mpeg2video", "-q:v", "3", "-g", str(GROUP), "-bf", "2", "-sc_threshold", "1000000000"),
}
RATES = {"25": Fraction(25), "29.97": Fraction(30_000, 1001), "50": Fraction(50)}
FIRST_DECODED = 36
"""The second part is cut at the packet of this picture: those before it lean on the group before."""
TABLES = 3 * 188
OTHER_PIDS = ("-mpegts_start_pid", "0x200")


def keyframe_at(path: Path, number: int, rate: Fraction, *, after: int = 0) -> int:
    """Where the packet of the keyframe with this number begins, or one that is so many packets ``after`` it."""
    asked = ("-select_streams", "v:0", "-show_entries", "packet=pts_time,pos,flags", "-of", "csv=p=0")
    lines = subprocess.check_output(["ffprobe", "-v", "error", *asked, path], text=True).split()
    packets = [line.split(",") for line in lines]
    start = min(float(packet[0]) for packet in packets)
    numbers = [round((float(packet[0]) - start) * rate) if "K" in packet[2] else None for packet in packets]
    return int(packets[numbers.index(number) + after][1])


def begun_late(folder: Path, codec: str, rate: Fraction, *options: str, after: int = 0) -> Path:
    """A transport stream from a keyframe on whose leading pictures lean on the group before it, or from later on."""
    whole = numbered_footage.make(folder / "late.ts", 0, FIRST_DECODED + COUNT, *OPEN[codec], *options, rate=rate)
    content = whole.read_bytes()
    whole.write_bytes(content[:TABLES] + content[keyframe_at(whole, FIRST_DECODED, rate, after=after) :])
    return whole


def bring(desk: WorkerHarness, site: FakeSourceSite, source: Path, mode: str) -> tuple[FinishedRun, Seen]:
    output = {"mode": mode, "video": {"preset": "ultrafast"}}
    ended = desk.bring(site.add(f"/{source.name}", file(source)), output=output)
    assert ended.code == 0, ended.report.message
    return ended, watch(desk.bucket.save("in/clip/video.mp4", source.with_name("result.mp4")))


def steps(seen: Seen) -> list[float]:
    return [later - before for before, later in itertools.pairwise(time for time, _ in seen.pictures)]


@pytest.mark.full(but=["h264-29.97", "hevc-25", "mpeg2-50"])
@pytest.mark.parametrize("rate", RATES.values(), ids=RATES)
@pytest.mark.parametrize("codec", OPEN)
def test_a_part_that_begins_within_an_open_group_follows_without_a_gap(
    desk: WorkerHarness, site: FakeSourceSite, tmp_path: Path, codec: str, rate: Fraction
) -> None:
    first = numbered_footage.make(tmp_path / "first.ts", 0, COUNT, *OPEN[codec], rate=rate)
    source = tmp_path / "joined.ts"
    source.write_bytes(first.read_bytes() + begun_late(tmp_path, codec, rate, *OTHER_PIDS).read_bytes())
    _, seen = bring(desk, site, source, "Auto")
    assert seen.numbers == [*range(COUNT), *range(FIRST_DECODED, FIRST_DECODED + COUNT)]
    frame = float(1 / rate)
    assert all(0.5 * frame < step < 1.5 * frame + 0.03 for step in steps(seen)), max(steps(seen))
    assert seen.drift() < frame + 0.01


@pytest.mark.full(but=["hevc"])
@pytest.mark.parametrize("codec", OPEN)
def test_a_part_that_begins_between_keyframes_follows_from_the_first_picture_that_can_be_decoded(
    desk: WorkerHarness, site: FakeSourceSite, tmp_path: Path, codec: str
) -> None:
    rate = RATES["25"]
    first = numbered_footage.make(tmp_path / "first.ts", 0, COUNT, *OPEN[codec])
    source = tmp_path / "joined.ts"
    source.write_bytes(first.read_bytes() + begun_late(tmp_path, codec, rate, *OTHER_PIDS, after=5).read_bytes())
    _, seen = bring(desk, site, source, "Auto")
    assert seen.numbers == [*range(COUNT), *range(FIRST_DECODED + GROUP, FIRST_DECODED + COUNT)]
    assert max(steps(seen)) < 1.5 / 25 + 0.03
    assert seen.drift() < 1 / 25 + 0.01


@pytest.mark.full(but=["h264-29.97-Auto", "hevc-25-Encode", "mpeg2-50-Auto"])
@pytest.mark.parametrize("mode", ["Auto", "Encode"])
@pytest.mark.parametrize("rate", RATES.values(), ids=RATES)
@pytest.mark.parametrize("codec", OPEN)
def test_a_recording_that_begins_within_an_open_group_begins_with_its_first_picture_that_can_be_decoded(
    desk: WorkerHarness, site: FakeSourceSite, tmp_path: Path, codec: str, rate: Fraction, mode: str
) -> None:
    _, seen = bring(desk, site, begun_late(tmp_path, codec, rate), mode)
    assert seen.numbers == list(range(FIRST_DECODED, FIRST_DECODED + COUNT))
    assert seen.drift() < float(1 / rate) + 0.01
