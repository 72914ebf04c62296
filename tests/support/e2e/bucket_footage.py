"""Real files for a bucket: some that meet the requirements, each with pictures of its own, and seven others."""

import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from support.portion import repetitions

GOOD = repetitions("good files of the bucket", 14, 43)
REQUIREMENTS = {"maxDurationSeconds": 10, "maxSize": "4Mi"}
"""Beside the defaults: at least 360 lines, at most 1080, one of mp4, mkv, mov and webm."""
BAD = {
    "low.mp4": "UnsupportedResolution",
    "tall.mp4": "UnsupportedResolution",
    "long.mkv": "UnsupportedDuration",
    "old.avi": "UnsupportedFormat",
    "large.mp4": "SourceTooLarge",
    "sound.m4a": "NotVideo",
    "notes.txt": "NotVideo",
}
_CONTAINERS = ("mp4", "mkv", "mov")
_X264 = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "aac", "-b:a", "64k")


def make(folder: Path, clip: Path) -> None:
    """All of them, made of one clip of 20 seconds."""
    folder.mkdir(parents=True, exist_ok=True)
    runs = [*_good(folder, clip), *_bad(folder, clip)]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(_ffmpeg, runs))
    (folder / "notes.txt").write_text("Filmed in spring.\n")
    shutil.copyfile(folder / "good-00.mp4", folder / "large.mp4")
    with (folder / "large.mp4").open("ab") as file:
        file.write((5 * 2**20).to_bytes(4, "big") + b"free" + bytes(5 * 2**20 - 8))


def _good(folder: Path, clip: Path) -> Iterator[list[str]]:
    for number in range(GOOD):
        target = folder / f"good-{number:02}.{_CONTAINERS[number % len(_CONTAINERS)]}"
        yield _cut(clip, number * 0.4, 1, "scale=-2:360", target)


def _bad(folder: Path, clip: Path) -> Iterator[list[str]]:
    yield _cut(clip, 0, 1, "scale=-2:240", folder / "low.mp4")
    yield _cut(clip, 0, 1, "scale=-2:1440", folder / "tall.mp4")
    yield _cut(clip, 0, 12, "scale=-2:360", folder / "long.mkv")
    yield _cut(clip, 0, 1, "scale=-2:360", folder / "old.avi")
    yield ["-i", str(clip), "-t", "2", "-vn", "-c:a", "aac", str(folder / "sound.m4a")]


def _cut(clip: Path, start: float, seconds: int, scaled: str, target: Path) -> list[str]:
    return ["-ss", str(start), "-i", str(clip), "-t", str(seconds), "-vf", scaled, *_X264, str(target)]


def _ffmpeg(words: list[str]) -> None:
    subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-y", *words], check=True)
