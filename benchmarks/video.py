#!/usr/bin/env python3
"""Compare the worker with a simple script: `yt-dlp`, then `ffmpeg`, then an S3 put.

Both have the same source, server and object store. Both have the same codec settings, which are the worker's own
ffmpeg arguments, with +faststart in the script. Both have the same throttles, so that download, encode and upload take
about the same time. The worker and the script take turns in ROUNDS rounds (5).

Two more comparisons use input that already complies, and three renditions from one decode against three runs. The last
line of the output is JSON with the medians of the ratios worker/script. The goals are in docs/performance.md.
BENCH_SECONDS (900) limits the whole benchmark. A message names a part that is left out.
"""

import argparse
import contextlib
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "benchmarks"), str(ROOT / "tests")]

from contestants import Contest, Staged  # noqa: E402
from measured import OutOfTimeError, Took  # noqa: E402
from throttled import Origin, Uplink  # noqa: E402

from support.worker.object_store import ObjectStore  # noqa: E402

PART = 5 * 2**20
SOURCE_SECONDS = 36
LADDER_SECONDS = 8
WISH = {"mode": "Encode", "video": {"preset": "veryfast", "crf": 7, "maxBitrateKbps": 60000}}
"""Output options with the default preset. The quality makes the result at least 20 upload parts long."""


@dataclass
class Clock:
    """The time that is left for the benchmark."""

    until: float

    def left(self) -> float:
        return max(1.0, self.until - time.monotonic())

    def has(self, seconds: float) -> bool:
        return self.left() > seconds


def say(text: str) -> None:
    print(text, flush=True)


def footage(folder: Path) -> Path:
    """Copy footage of 1080p and 11 Mb/s into a folder, and return its path. The footage meets the default output
    options.

    The footage is made once and kept in the cache.
    """
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "videoimport"
    kept = Path(os.environ.get("VIDEOIMPORT_CACHE") or base) / "bench" / f"source-{SOURCE_SECONDS}.mp4"
    target = folder / "source.mp4"
    if not kept.exists():
        _make_footage(folder, target)
        kept.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(target, kept.with_suffix(".part"))
        kept.with_suffix(".part").rename(kept)
    folder.mkdir(exist_ok=True)
    shutil.copyfile(kept, target)
    return target


def _make_footage(folder: Path, target: Path) -> None:
    subprocess.run([sys.executable, "hack/footage.py", folder, "bigbuckbunny.mp4"], cwd=ROOT, check=True,
                   stdout=subprocess.DEVNULL)  # fmt: skip
    subprocess.run(
        ["ffmpeg", "-v", "error", "-stream_loop", "20", "-i", folder / "bigbuckbunny.mp4", "-t", str(SOURCE_SECONDS),
         "-vf", "scale=1920:1080", "-c:v", "libx264", "-preset", "veryfast", "-profile:v", "high",
         "-pix_fmt", "yuv420p", "-g", "48", "-b:v", "11M", "-maxrate", "11.5M", "-bufsize", "16M",
         "-c:a", "aac", "-b:a", "128k", "-ac", "2", "-movflags", "+faststart", "-map_metadata", "-1", "-y", target],
        check=True,
    )  # fmt: skip


@contextlib.contextmanager
def contest(folder: Path) -> Iterator[Contest]:
    """Run the servers and the throttles, and provide the source, while the block lasts."""
    tool = subprocess.run([sys.executable, "hack/cluster", "tool", "versitygw"], cwd=ROOT, capture_output=True,
                          text=True, check=True)  # fmt: skip
    (folder / "store").mkdir()
    source = footage(folder / "web")
    with (
        ObjectStore(tool.stdout.strip(), folder / "store") as store,
        Origin(source.parent) as origin,
        Uplink(store.endpoint) as uplink,
    ):
        yield Contest(folder, source, store.new_bucket(), origin, uplink)


@dataclass
class Overlap:
    """The ratios of all rounds."""

    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    limit: list[float] = field(default_factory=list)
    peak: list[float] = field(default_factory=list)

    def add(self, ours: Took, theirs: Staged, part_seconds: float) -> None:
        slowest = max(stage.wall for stage in theirs.stages)
        self.wall.append(ours.wall / theirs.all.wall)
        self.cpu.append(ours.cpu / theirs.all.cpu)
        self.limit.append(ours.wall / (slowest + part_seconds + 3.0))
        self.peak.append(ours.peak / theirs.all.peak)


def overlapping(its: Contest, rounds: int, clock: Clock, found: Overlap) -> None:
    """Compare both programs while download, encode and upload take the same time. Fill ``found`` even if time
    runs out."""
    plain = its.staged(WISH, clock.left())  # not counted: how long the encode takes, and how large its result is
    seconds, size = plain.stages[1].wall, plain.result_bytes
    say(f"calibrated: encode {seconds:.1f} s, result {size / 1e6:.0f} MB = {size / PART:.0f} parts of 5 MiB")
    its.origin.rate.bytes_a_second = its.source.stat().st_size / seconds
    its.uplink.rate.bytes_a_second = size / seconds
    for number in range(rounds):
        if number % 2:  # nobody is always first
            theirs, ours = its.staged(WISH, clock.left()), its.ours(WISH, clock.left())
        else:
            ours, theirs = its.ours(WISH, clock.left()), its.staged(WISH, clock.left())
        found.add(ours, theirs, PART / its.uplink.rate.bytes_a_second)
        stages = " + ".join(f"{stage.wall:.1f}" for stage in theirs.stages)
        say(f"round {number + 1}: staged {theirs.all.wall:.1f} s ({stages}), {theirs.all.cpu:.1f} CPU-s; "
            f"ours {ours.wall:.1f} s, {ours.cpu:.1f} CPU-s; wall {found.wall[-1]:.3f}, limit {found.limit[-1]:.3f}, "
            f"scratch {found.peak[-1]:.4f}")  # fmt: skip


def compliant(its: Contest, clock: Clock) -> float | None:
    """Return the worker's CPU time divided by the script's, for input that already complies, or None without time for
    it.

    The worker only remuxes such input. The script always transcodes, with the default settings.
    """
    if not clock.has(60):
        return None
    theirs = its.staged({"mode": "Encode"}, clock.left())
    ours = [its.ours({}, clock.left()).cpu for _ in range(3)]
    say(f"compliant input: ours {statistics.median(ours):.2f} CPU-s, staged {theirs.all.cpu:.1f} CPU-s")
    return statistics.median(ours) / theirs.all.cpu


def ladder(its: Contest, rounds: int, clock: Clock) -> float | None:
    """Return the CPU time of three sizes from one decode, divided by the CPU time of three runs."""
    sizes = (1080, 720, 360)
    whole = {"mode": "Encode", "renditions": [{"name": f"p{size}", "height": size} for size in sizes[1:]]}
    found: list[float] = []
    for _ in range(min(rounds, 3)):
        if not clock.has(40):
            break
        one = its.encode(whole, clock.left(), LADDER_SECONDS).cpu
        wishes = ({"mode": "Encode", "video": {"maxHeight": size}} for size in sizes)
        three = sum(its.encode(wish, clock.left(), LADDER_SECONDS).cpu for wish in wishes)
        say(f"three sizes of {LADDER_SECONDS} s: one decode {one:.1f} CPU-s, three runs {three:.1f} CPU-s")
        found.append(one / three)
    return statistics.median(found) if found else None


def rounded(found: list[float]) -> float | None:
    return round(statistics.median(found), 3) if found else None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.parse_args()
    rounds = int(os.environ.get("ROUNDS", "5"))
    clock = Clock(time.monotonic() + float(os.environ.get("BENCH_SECONDS", "900")))
    say(f"{platform.machine()}, {os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f} at the start, {rounds} rounds")
    folder = Path(tempfile.mkdtemp(prefix="bench-video-"))
    small, copied, found = None, None, Overlap()
    try:
        with contest(folder) as its:
            small = ladder(its, rounds, clock)
            copied = compliant(its, clock)
            overlapping(its, rounds, clock, found)
    except OutOfTimeError:
        say("there was no time for the rest")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(json.dumps({
        "wallRatio": rounded(found.wall), "cpuRatio": rounded(found.cpu), "limitRatio": rounded(found.limit),
        "peakScratchRatio": rounded(found.peak),
        "remuxCpuRatio": None if copied is None else round(copied, 4),
        "ladderCpuRatio": None if small is None else round(small, 3),
        "rounds": len(found.wall),
    }))  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
