"""MP4 files of a few kilobytes that ask for much: a real one whose boxes are written anew."""

import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

Change = Callable[[bytes], bytes]
_NESTED = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts")


def box(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", len(content) + 8, name) + content


def clip(path: Path, *options: str) -> Path:
    """Four seconds of 25 frames, its index behind its media: that may grow without moving anything."""
    made = ("-f", "lavfi", "-i", "testsrc=size=640x360:rate=25", "-t", "4", "-pix_fmt", "yuv420p", "-g", "25", *options)
    subprocess.run(["ffmpeg", "-v", "error", "-y", *made, "-movflags", "-faststart", str(path)], check=True)
    return path


def changed(content: bytes, changes: dict[bytes, Change]) -> bytes:
    """The boxes with others in the place of those named; what is changed to nothing is left out."""
    made, offset = b"", 0
    while offset < len(content):
        length, name = struct.unpack_from(">I4s", content, offset)
        inner = content[offset + 8 : offset + length]
        if name in _NESTED:
            inner = changed(inner, changes)
        made += box(name, changes.get(name, lambda same: same)(inner))
        offset += length
    return made


def edits(*rows: tuple[int, int]) -> Change:
    """An edit list of lengths (in the movie's milliseconds) and starts (in the media's unit)."""
    table = b"".join(struct.pack(">Iii", length, start, 0x10000) for length, start in rows)
    return lambda _: struct.pack(">II", 0, len(rows)) + table


def table(*numbers: int) -> Change:
    return lambda _: struct.pack(f">{len(numbers) + 1}I", 0, *numbers)


def many_tracks(times: int) -> Change:
    """As the content of a moov: its trak again and again."""

    def change(moov: bytes) -> bytes:
        start = moov.index(b"trak") - 4
        (length,) = struct.unpack_from(">I", moov, start)
        return moov + moov[start : start + length] * times

    return change


SECOND = 12_800
"""ffmpeg's unit for 25 frames a second."""
HOSTILE: dict[str, dict[bytes, Change]] = {
    "an edit list repeats a second 20,000 times": {b"elst": edits(*[(1000, 0)] * 20_000)},
    "an edit list repeats a frame behind a long run": {
        b"elst": edits(*[(40, 4 * SECOND - 512)] * 200_000),
        b"stss": table(1, 1),
    },
    "an edit list repeats all of it": {b"elst": edits(*[(4000, 0)] * 2_000)},
    "a billion samples of one size": {b"stsz": table(1, 2**30)},
    "a billion composition offsets": {b"ctts": table(1, 2**30, 512)},
}
HARMLESS: dict[str, dict[bytes, Change]] = {
    "400 cuts": {b"elst": edits(*[(40, 512 * (number % 100)) for number in range(400)])},
    "a second ten times": {b"elst": edits(*[(1000, SECOND)] * 10)},
    "one edit": {b"elst": edits((4000, 0))},
    "an empty edit first": {b"elst": edits((1000, -1), (3000, 0))},
}


def write(path: Path, changes: dict[bytes, Change]) -> Path:
    content = clip(path).read_bytes()
    if b"moov" in changes:
        start = content.index(b"moov") - 4
        moov = changes[b"moov"](content[start + 8 :])
        path.write_bytes(content[:start] + box(b"moov", moov))
        return path
    path.write_bytes(changed(content, changes))
    return path
