"""Test media whose pictures carry their numbers, and what can be read of it: which picture is shown when, which beep is
heard when.

A picture has its number as 16 black or white cells across its middle (most significant bit first; each cell is 1/18 of
the width, from 1/18 on, in the middle ninth of the height). Its quarters are red, green, blue and grey, with a white
square in the red one. The sound beeps for 40 ms (1 kHz) at each whole second.
"""

import subprocess
from array import array
from dataclasses import dataclass
from pathlib import Path

RATE = 25
CELLS = 16
_GRID = (72, 9)
"""A picture is read from this many samples: four across a cell, and one row of cells among nine."""
_HEARD_HERTZ = 8000
_WINDOW = 80
_LOUD = 3000
_BLACK, _WHITE, _NEUTRAL = 16, 235, 128
_QUARTERS = (((81, 90, 240), (145, 54, 34)), ((41, 240, 110), (126, 128, 128)))
"""Y, U and V of red and green, blue and grey."""


@dataclass(frozen=True)
class Seen:
    """What a file shows and plays, in seconds from its first picture on."""

    numbers: tuple[int, ...]
    times: tuple[float, ...]
    beeps: tuple[float, ...]
    sound_seconds: float
    """From the first picture to the last sample."""


def make(target: Path, pictures: int, size: tuple[int, int] = (320, 180)) -> None:
    """Write such a file without loss, as Matroska with FFV1 and PCM."""
    seconds = pictures / RATE
    beep = f"aevalsrc=0.4*sin(2*PI*1000*t)*lt(mod(t\\,1)\\,0.04):s=48000:d={seconds}:c=stereo"
    raw = ("-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", f"{size[0]}x{size[1]}", "-r", str(RATE), "-i", "-")
    subprocess.run(
        ["ffmpeg", "-v", "error", "-y", *raw, "-f", "lavfi", "-i", beep.replace("c=stereo", "c=2"),
         "-c:v", "ffv1", "-c:a", "pcm_s16le", target],
        input=b"".join(picture(number, size) for number in range(pictures)), check=True,
    )  # fmt: skip


def picture(number: int, size: tuple[int, int]) -> bytes:
    """A picture as planes of yuv420p."""
    width, height = size
    luma = [_quarters(width, 0 if row < height / 2 else 1, 0) for row in range(height)]
    side = height // 6
    for row in range(side, 2 * side):
        luma[row] = luma[row][:side] + bytes([_WHITE]) * side + luma[row][2 * side :]
    for row in range(height * 4 // 9, height * 5 // 9):
        luma[row] = _cells(number, width)
    planes = [b"".join(luma)]
    for plane in (1, 2):
        rows = [_quarters(width // 2, 0 if row < height / 4 else 1, plane) for row in range(height // 2)]
        for row in range(side // 2, side):
            rows[row] = rows[row][: side // 2] + bytes([_NEUTRAL]) * (side - side // 2) + rows[row][side:]
        for row in range(height * 2 // 9, -(-height * 5 // 18)):
            rows[row] = bytes([_NEUTRAL]) * (width // 2)
        planes.append(b"".join(rows))
    return b"".join(planes)


def _quarters(width: int, half: int, plane: int) -> bytes:
    left, right = _QUARTERS[half]
    return bytes([left[plane]]) * (width // 2) + bytes([right[plane]]) * (width - width // 2)


def _cells(number: int, width: int) -> bytes:
    shades = [_BLACK, *(_WHITE if number >> (CELLS - 1 - bit) & 1 else _BLACK for bit in range(CELLS)), _BLACK]
    return bytes(shades[min(column * 18 // width, 17)] for column in range(width))


def seen(path: Path, video: str = "V:0", audio: str = "a:0", crop: str = "") -> Seen:
    """Decode two streams of a file plainly and read them. ``crop`` is ffmpeg's, for a picture with black beside it."""
    numbers, times = _pictures(path, video, crop)
    zero = times[0] if times else 0.0
    beeps, end = _sound(path, audio)
    return Seen(
        numbers, tuple(round(time - zero, 3) for time in times), tuple(round(beep - zero, 3) for beep in beeps),
        end - zero if end else 0.0,
    )  # fmt: skip


def _pictures(path: Path, video: str, crop: str) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """Numbers and times, each on ffmpeg's own clock: its 0 is the start of the file's first stream."""
    width, height = _GRID
    cropped = (f"crop={crop}",) if crop else ()
    chain = ",".join((*cropped, "showinfo", f"scale={width}:{height}:flags=area", "format=gray"))
    ended = subprocess.run(
        ["ffmpeg", "-hide_banner", "-nostats", "-v", "info", "-i", path, "-map", f"0:{video}",
         "-fps_mode", "passthrough", "-vf", chain, "-f", "rawvideo", "-"],
        capture_output=True, check=True,
    )  # fmt: skip
    pixels, size = ended.stdout, width * height
    told = [line for line in ended.stderr.decode(errors="replace").splitlines() if " pts_time:" in line]
    times = tuple(float(line.partition(" pts_time:")[2].split()[0]) for line in told)
    return tuple(_number(pixels[at : at + size]) for at in range(0, len(pixels), size)), times


def _number(pixels: bytes) -> int:
    width, height = _GRID
    row = pixels[width * (height // 2) : width * (height // 2 + 1)]
    return sum((row[4 * (cell + 1) + 1] + row[4 * (cell + 1) + 2] > 256) << (CELLS - 1 - cell) for cell in range(CELLS))


def _sound(path: Path, audio: str) -> tuple[list[float], float]:
    """When beeps begin, and when the sound ends, on the same clock as the pictures."""
    told = subprocess.run(
        ["ffmpeg", "-v", "error", "-i", path, "-map", f"0:{audio}?", "-af", "aresample=async=1:first_pts=0", "-ac", "1",
         "-ar", str(_HEARD_HERTZ), "-f", "s16le", "-"],
        capture_output=True, check=False,
    )  # fmt: skip
    samples = array("h", told.stdout[: len(told.stdout) // 2 * 2])
    windows = range(0, len(samples) - _WINDOW + 1, _WINDOW)
    loud = [at / _HEARD_HERTZ for at in windows if max(map(abs, samples[at : at + _WINDOW])) > _LOUD]
    beeps = [now for before, now in zip((-1.0, *loud), loud, strict=False) if now - before > 0.2]
    return beeps, len(samples) / _HEARD_HERTZ
