"""Detection of missing samples in an MP4 or MOV file: samples whose offset in the tables is beyond the end of the file.

Lengths of boxes and durations in headers are no evidence, because some recorders write wrong values although no sample
is missing.
"""

import sys
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from videoimport.media.container.mp4_boxes import Box, Read, within
from videoimport.media.container.mp4_tables import MOST_INDEX_BYTES, number_at, numbers_of

_ANNOUNCES_SAMPLES = (b"moof", b"styp", b"sidx")
"""Boxes that come before samples. If a file ends within such a box, the samples are missing."""
_MEDIA = (b"vide", b"soun")
_NESTED = (b"traf", b"edts", b"mdia", b"minf", b"stbl")


@dataclass(slots=True)
class _Samples:
    """The sample tables of one trak box."""

    handler: bytes = b""
    identity: int = 0
    sizes: "array[int]" = field(default_factory=lambda: array("I"))
    """Bytes of each sample. The value is empty if all samples have ``size`` bytes."""
    size: int = 0
    runs: "array[int]" = field(default_factory=lambda: array("I"))
    """First chunk (from 1), samples in each chunk and sample description, alternating, for each run."""
    offsets: "array[int]" = field(default_factory=lambda: array("Q"))
    """Offset of each chunk in the file."""

    @property
    def end(self) -> int:
        """The offset after the last chunk in the file, or 0 if there are no chunks."""
        if not self.offsets:
            return 0
        last = max(self.offsets)
        before, count = self._samples_of(self.offsets.index(last) + 1)
        return last + (count * self.size if self.size else sum(self.sizes[before : before + count]))

    def _samples_of(self, chunk: int) -> tuple[int, int]:
        """Return the number of samples before a chunk, and the number of samples in the chunk."""
        before, starts = 0, [*self.runs[::3], len(self.offsets) + 1]
        for run, (start, following) in enumerate(pairwise(starts)):
            count = self.runs[3 * run + 1]
            if start <= chunk < following:
                return before + (chunk - start) * count, count
            before += max(0, following - start) * count
        return before, 0


def missing_bytes(read: Read, boxes: tuple[Box, ...], size: int) -> int:
    """Return the number of bytes of video and audio samples beyond the end of a file of ``size`` bytes.

    In a fragmented file, the function checks the last fragment, and the bytes that a segment index (sidx) describes.
    """
    if boxes and boxes[-1].end > size and boxes[-1].name in _ANNOUNCES_SAMPLES:
        return boxes[-1].end - size
    whole = [box for box in boxes if box.end <= size and box.end - box.start <= MOST_INDEX_BYTES]
    tracks: list[_Samples] = []
    ends = [0]
    for box in whole:
        if box.name == b"moov":
            tracks += _tracks(read(box.start + 8, box.end - box.start - 8))
        elif box.name == b"sidx":
            ends.append(box.end + _indexed_bytes(read(box.start + 8, box.end - box.start - 8)))
    ends += [track.end for track in tracks if track.handler in _MEDIA]
    if last := next((box for box in reversed(whole) if box.name == b"moof"), None):
        kept = {track.identity for track in tracks if track.handler not in _MEDIA}
        ends += _fragment_ends(read(last.start + 8, last.end - last.start - 8), last.start, kept)
    return max(0, max(ends) - size)


def _tracks(moov: bytes) -> Iterator[_Samples]:
    return (_track(content) for name, content in within(moov) if name == b"trak")


def _track(trak: bytes) -> _Samples:
    found = _Samples()
    for name, content in _leaves(trak):
        if name == b"hdlr" and not found.handler:
            found.handler = content[8:12]
        elif name == b"tkhd":
            found.identity = number_at(content, 20 if content[:1] == b"\x01" else 12)
        elif name == b"stsz":
            found.size = number_at(content, 4)
            found.sizes = array("I") if found.size else _numbers(content[12:], number_at(content, 8), "I")
        elif name == b"stsc":
            found.runs = numbers_of(content, 3)
        elif name in (b"stco", b"co64"):
            found.offsets = array("Q", _numbers(content[8:], number_at(content, 4), "I" if name == b"stco" else "Q"))
    return found


def _leaves(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield the names and contents of the inner boxes, with nested boxes opened."""
    for name, inner in within(content):
        if name in _NESTED:
            yield from _leaves(inner)
        else:
            yield name, inner


def _numbers(content: bytes, count: int, code: str) -> "array[int]":
    """Return the big-endian numbers that exist in ``content``, at most ``count``."""
    found = array(code)
    found.frombytes(content[: min(count, len(content) // found.itemsize) * found.itemsize])
    if sys.byteorder == "little":
        found.byteswap()
    return found


def _indexed_bytes(sidx: bytes) -> int:
    """Return the size of the data that a segment index describes, in bytes from the end of the index (ISO/IEC 14496-12,
    8.16.3)."""
    is_long = sidx[:1] == b"\x01"
    place = 28 if is_long else 20
    first = int.from_bytes(sidx[place - 8 : place], "big") if is_long else number_at(sidx, place - 4)
    count = int.from_bytes(sidx[place + 2 : place + 4], "big")
    references = _numbers(sidx[place + 4 :], 3 * count, "I")
    return first + sum(reference & 0x7FFF_FFFF for reference in references[::3])


def _fragment_ends(moof: bytes, start: int, kept_out: set[int]) -> Iterator[int]:
    """Yield the end of the samples in each run of a fragment.

    ``kept_out`` are tracks that are neither video nor audio.
    """
    end = start
    for fragment in (content for name, content in within(moof) if name == b"traf"):
        identity, base, default = 0, start, 0
        for name, content in _leaves(fragment):
            if name == b"tfhd":
                identity, base, default = _fragment_header(content, start)
            elif name == b"trun":
                end = _run_end(content, base, end, default)
                if identity not in kept_out:
                    yield end


def _fragment_header(tfhd: bytes, start: int) -> tuple[int, int, int]:
    """Return the track, the base of its data offsets, and the default size of a sample (0 if unknown)."""
    flags, place = number_at(tfhd, 0) & 0xFFFFFF, 8
    base = start
    if flags & 0x1:
        base, place = int.from_bytes(tfhd[place : place + 8], "big"), place + 8
    place += 4 * bool(flags & 0x2) + 4 * bool(flags & 0x8)
    return number_at(tfhd, 4), base, number_at(tfhd, place) if flags & 0x10 else 0


def _run_end(trun: bytes, base: int, end: int, default: int) -> int:
    """Return the offset after a run. A run begins at its data offset, or at the end of the previous run."""
    flags, count, place = number_at(trun, 0) & 0xFFFFFF, number_at(trun, 4), 8
    if flags & 0x1:
        end, place = base + int.from_bytes(trun[place : place + 4], "big", signed=True), place + 4
    place += 4 * bool(flags & 0x4)
    columns = [bit for bit in (0x100, 0x200, 0x400, 0x800) if flags & bit]
    if 0x200 not in columns:
        return end + count * default
    fields = _numbers(trun[place:], count * len(columns), "I")
    return end + sum(fields[columns.index(0x200) :: len(columns)])
