"""The top level of an MP4 or MOV file: a chain of boxes, each with its length in front. The caller does the reading."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

Read = Callable[[int, int], bytes]
"""At most so many bytes (the second) from an offset (the first) of a file."""
HEADER = 16
"""Bytes that hold any box's header: 32-bit size, type, perhaps a 64-bit size."""
MOST_BOXES = 100_000
"""More than any real file has (a day of two-second fragments has 86,400); a bound for hostile ones."""


@dataclass(frozen=True, slots=True)
class Box:
    """One box. ``end`` is its declared end, which may be beyond the file."""

    name: bytes
    start: int
    end: int


def top_level(read: Read, size: int) -> Iterator[Box]:
    """The boxes of a file of ``size`` bytes, read by ``read(offset, length)``; stops at what is no box."""
    offset = 0
    for _ in range(MOST_BOXES):
        header = read(offset, HEADER) if offset < size else b""
        box = _parse(header, offset, size)
        if box is None:
            return
        yield box
        offset = box.end


def within(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Names and contents of the boxes that a box's content is made of; each has a header of 8 bytes."""
    for box in top_level(lambda offset, length: content[offset : offset + length], len(content)):
        yield box.name, content[box.start + 8 : box.end]


def _parse(header: bytes, offset: int, size: int) -> Box | None:
    if len(header) < 8:
        return None
    length, name = int.from_bytes(header[:4], "big"), header[4:8]
    if not all(0x20 <= letter < 0x7F or letter == 0xA9 for letter in name):
        return None
    if length == 0:
        length = size - offset
    elif length == 1:
        length = int.from_bytes(header[8:16], "big")
    return Box(name, offset, offset + length) if length >= 8 else None


def missing_bytes(boxes: tuple[Box, ...], size: int) -> int:
    """How many bytes the last box claims beyond the file's end: 0 for a whole file."""
    return max(0, boxes[-1].end - size) if boxes else 0


def has_head_first(boxes: tuple[Box, ...]) -> bool:
    """Whether the file can be played while it is still arriving: its index is before its media data."""
    names = [box.name for box in boxes]
    return b"moov" in names and b"mdat" in names and names.index(b"moov") < names.index(b"mdat")
