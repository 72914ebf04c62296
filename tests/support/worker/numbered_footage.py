"""Footage whose pictures carry their number and whose sound beeps at each 25th: what a result shows, and when."""

import math
import struct
import subprocess
from array import array
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

RATE = 25
_WIDTH, _HEIGHT, _CELL, _BITS = 192, 64, 12, 12
_SOUND_RATE = 48_000
_BEEP_SECONDS = 0.04


def make(path: Path, first: int, count: int, *options: str, rate: Fraction = Fraction(RATE)) -> Path:
    """Pictures ``first`` and on, ``rate`` of them a second; a beep begins with each whose number 25 divides.

    ``options`` go to ffmpeg.
    """
    pictures, sound = path.with_suffix(".gray"), path.with_suffix(".pcm")
    pictures.write_bytes(b"".join(_picture(number) for number in range(first, first + count)))
    sound.write_bytes(_sound(first, count, rate))
    shape = ("-f", "rawvideo", "-pix_fmt", "gray", "-s", f"{_WIDTH}x{_HEIGHT}", "-r", str(rate))
    heard = ("-f", "s16le", "-ar", str(_SOUND_RATE), "-ac", "1")
    plain = ("-pix_fmt", "yuv420p", "-c:v", "libx264", "-preset", "ultrafast", "-bf", "2", "-g", "25", "-c:a", "aac")
    run = ["ffmpeg", "-v", "error", "-y", *shape, "-i", pictures, *heard, "-i", sound, *plain, *options, path]
    subprocess.run(run, check=True)
    return path


def _picture(number: int) -> bytes:
    cells = [255 if number >> (_BITS - 1 - bit) & 1 else 0 for bit in range(_BITS)]
    row = bytes([128] * _CELL + [value for value in cells for _ in range(_CELL)] + [128] * (_WIDTH - 13 * _CELL))
    return row * _HEIGHT


def _sound(first: int, count: int, rate: Fraction) -> bytes:
    samples = array("h", bytes(2 * round(count / rate * _SOUND_RATE)))
    for number in range(math.ceil(first / RATE) * RATE, first + count, RATE):
        begin = round((number - first) / rate * _SOUND_RATE)
        for place in range(begin, min(len(samples), begin + round(_BEEP_SECONDS * _SOUND_RATE))):
            samples[place] = round(20_000 * math.sin(place * 2 * math.pi * 1000 / _SOUND_RATE))
    return samples.tobytes()


@dataclass(frozen=True)
class Seen:
    """What a player would show."""

    pictures: list[tuple[float, int]]
    """When each picture is shown, and its number."""
    beeps: list[float]
    """When each beep begins."""

    @property
    def numbers(self) -> list[int]:
        return [number for _, number in self.pictures]

    def drift(self) -> float:
        """Seconds that the worst picture of a beep is off the nearest beep; 0 at best."""
        times = {number: time for time, number in self.pictures if number % RATE == 0}
        apart = [min(abs(time - beep) for beep in self.beeps) for time in times.values()] if self.beeps else [math.inf]
        return max(apart)


def watch(path: Path) -> Seen:
    """Decode a result."""
    shape = f"crop={_WIDTH}:2:0:32,format=gray"
    filtered = ["-vf", shape, "-fps_mode", "passthrough", "-f", "rawvideo", "-"]
    rows = _run("-i", str(path), "-map", "0:v:0", *filtered)
    asked = ["-show_entries", "frame=best_effort_timestamp_time", "-of", "csv=p=0"]
    told = ["ffprobe", "-v", "error", "-select_streams", "v:0", *asked, str(path)]
    times = [float(line.split(",")[0]) for line in subprocess.check_output(told, text=True).split()]
    size = 2 * _WIDTH
    numbers = [_number(rows[place : place + size]) for place in range(0, len(rows), size)]
    pcm = _run("-i", str(path), "-map", "0:a:0?", "-af", "aresample=async=1:first_pts=0", "-ac", "1", "-ar", "48000",
               "-f", "s16le", "-")  # fmt: skip
    return Seen(list(zip(times, numbers, strict=True)), _beeps(pcm))


def _run(*options: str) -> bytes:
    return subprocess.check_output(["ffmpeg", "-v", "fatal", *options])


def _number(row: bytes) -> int:
    cells = [row[_CELL * (bit + 1) + _CELL // 2] > 127 for bit in range(_BITS)]
    return sum(1 << (_BITS - 1 - bit) for bit, is_white in enumerate(cells) if is_white)


def _beeps(pcm: bytes) -> list[float]:
    step, found, quiet = 240, [], 10.0
    for place in range(0, len(pcm) // 2 - step, step):
        loudest = max(map(abs, struct.unpack_from(f"<{step}h", pcm, 2 * place)))
        if loudest > 6000:
            if quiet > 0.2:
                found.append(place / _SOUND_RATE)
            quiet = 0.0
        else:
            quiet += step / _SOUND_RATE
    return found
