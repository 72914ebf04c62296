"""Parser of the boxes on the top level of an MP4 or MOV file. Each box begins with its length.

The caller reads the file.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

Read = Callable[[int, int], bytes]
"""Function that returns bytes of a file. The arguments are the offset and the maximum number of bytes."""
HEADER = 16
"""Bytes that are enough for the header of any box: 32-bit size, type and an optional 64-bit size."""
MOST_BOXES = 100_000
"""Maximum number of boxes in a file, as a limit for malicious files.

A real file has fewer boxes: one day in fragments of two seconds has 86,400.
"""


@dataclass(frozen=True, slots=True)
class Box:
    """One box. ``end`` is the declared end, which may be beyond the end of the file."""

    name: bytes
    start: int
    end: int


def top_level(read: Read, size: int) -> Iterator[Box]:
    """Yield the boxes of a file of ``size`` bytes. Stop at the first bytes that are not a box.

    ``read(offset, length)`` reads the file.
    """
    offset = 0
    for _ in range(MOST_BOXES):
        header = read(offset, HEADER) if offset < size else b""
        box = _parse(header, offset, size)
        if box is None:
            return
        yield box
        offset = box.end


def within(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the names and contents of the boxes inside a box's content. Each inner box has a header of 8 bytes."""
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
    """Return the number of bytes that the last box declares beyond the end of the file.

    Return 0 for a complete file.
    """
    return max(0, boxes[-1].end - size) if boxes else 0


def has_head_first(boxes: tuple[Box, ...]) -> bool:
    """Return whether the index is before the media data, so that a player can play the file during the download."""
    names = [box.name for box in boxes]
    return b"moov" in names and b"mdat" in names and names.index(b"moov") < names.index(b"mdat")
