"""Limits for the sample tables and edit lists of an MP4 or MOV file.

A file of a few kilobytes can declare billions of samples. For each declared sample, ffmpeg keeps 24 bytes in memory
before it reads a packet. ffmpeg keeps 24 more bytes each time that an edit list shows the sample. The functions are
pure: they take the bytes of the boxes and return a finding.

The functions parse boxes in the same way as ffmpeg (``mov_read_default`` in libavformat/mov.c). ffmpeg also reads
tables in boxes where the standard does not allow them. A table belongs to the last track that began before it.
"""

import struct
import sys
import zlib
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from videoimport.api.reasons import Reason
from videoimport.media.container.mp4_boxes import HEADER, Box, Read
from videoimport.media.source.findings import Finding

MOST_INDEX_BYTES = 64 * 2**20
"""Maximum size in bytes of a box with tables on the top level. The index of one day of video has about 20 MiB."""
MOST_BOXES = 1_000_000
"""Maximum number of boxes in a file, including inner boxes. One day in fragments of two seconds has 700,000."""
MOST_TRACKS = 256
MOST_EDITS = 100_000
"""Maximum number of edits in one track."""
MOST_SAMPLES = 16_000_000
"""Maximum number of samples in all tracks. One day at 60 frames per second with audio has 9 million."""
MOST_REPEATS = 10
"""Maximum ratio of the frames that an edit list decodes to the frames of its track.

Frames that are decoded but hidden are included.
"""
FEW_FRAMES = 100_000
"""Number of frames that every edit list may decode, whatever the ratio is. This is about one hour of video."""
_LATEST = 2**63
_ADVICE = "Export the video again from the program that made the file"


@dataclass(slots=True)
class _TableTrack:
    """One trak box. Times are in the unit of the track's media. Lengths of edits are in the unit of the movie."""

    scale: int = 0
    samples: int = 0
    steps: "array[int]" = field(default_factory=lambda: array("I"))
    """Number of samples and duration of each sample, alternating, for each run."""
    offsets: int = 0
    """Number of samples that have a composition offset."""
    keyframes: "array[int]" = field(default_factory=lambda: array("I"))
    """Numbers of the keyframes, from 1. The value is empty if every sample is a keyframe."""
    edits: list[tuple[int, int]] = field(default_factory=list)
    """Length and media start of each edit. The start is -1 for an empty edit."""

    kinds: set[bytes] = field(default_factory=set)
    chunks: int = 0
    in_chunks: "array[int]" = field(default_factory=lambda: array("I"))
    """Number of the first chunk, samples in each chunk and sample description, alternating, for each run."""
    packet: int = 1
    """Number of audio samples in a packet of the codec."""

    @property
    def indexed(self) -> int:
        """Number of entries in ffmpeg's index. For PCM, ffmpeg combines up to 1024 samples in one entry."""
        is_pcm = self.kinds == {b"soun"} and len(self.steps) == 2 and self.steps[1] == 1
        return max(_count_pieces(self) if is_pcm else self.samples, self.offsets)


class _Excess(Exception):  # noqa: N818 — control flow out of a scan
    """Exception for a limit that is exceeded. Its text completes the sentence "The source ..."."""


@dataclass(slots=True)
class _Movie:
    """The values that were read from the boxes so far."""

    scale: int = 0
    tracks: list[_TableTrack] = field(default_factory=list)
    """The tracks, at most MOST_TRACKS."""
    traks: int = 0
    fragment_samples: int = 0
    boxes: int = 0

    def add(self, content: bytes) -> None:
        """Read a box of the top level. Raises _Excess."""
        for part in _inner(content, 0, len(content)):
            self.count_box()
            self._read(part)

    def count_box(self) -> None:
        """Add one box to the number of boxes. Raises _Excess if there are more than MOST_BOXES."""
        self.boxes += 1
        if self.boxes > MOST_BOXES:
            raise _Excess(f"has more than {MOST_BOXES} boxes")

    def _read(self, part: "_TablePart") -> None:
        if part.name == b"mvhd":
            self.scale = _timescale(part.body)
        elif part.name == b"trak":
            self.traks += 1
            if self.traks <= MOST_TRACKS:
                self.tracks.append(_TableTrack())
        elif part.name == b"trun":
            self.fragment_samples += number_at(part.body, 4)
            if self.fragment_samples > MOST_SAMPLES:
                raise _Excess(f"names {self.fragment_samples} samples in its fragments, more than {MOST_SAMPLES}")
        elif part.name == b"cmvd":
            self.add(_unpacked(part.body))
        elif part.name in _TABLES and self.tracks:
            _TABLES[part.name](self.tracks[-1], part.body)

    def check(self) -> None:
        """Raise _Excess if all tracks together exceed a limit."""
        if self.traks > MOST_TRACKS:
            raise _Excess(f"has {self.traks} tracks, more than {MOST_TRACKS}")
        samples = 0
        for number, track in enumerate(self.tracks, start=1):
            samples += track.indexed
            if samples > MOST_SAMPLES:
                raise _Excess(f"names {samples} samples up to track {number}, more than {MOST_SAMPLES}")
            if len(track.edits) > MOST_EDITS:
                raise _Excess(f"has an edit list of {len(track.edits)} entries, more than {MOST_EDITS}")
            shown = _count_shown(track, self.scale)
            if shown > max(FEW_FRAMES, MOST_REPEATS * track.samples):
                raise _Excess(
                    f"has an edit list of {len(track.edits)} entries that shows the {track.samples} samples of track "
                    f"{number} as {shown}, more than {MOST_REPEATS} times as many"
                )


def excess(read: Read, boxes: Iterable[Box], size: int) -> Finding | None:
    """Return a SOURCE_CORRUPT finding if the tables need too much memory or time. Return None otherwise.

    ``read(offset, length)`` reads the file, and ``boxes`` are the boxes of the top level to check. If a box ends
    beyond the end of the file, only the existing bytes are read. ffmpeg reads such a box in the same way.
    """
    movie = _Movie()
    try:
        for box in boxes:
            movie.count_box()
            if _may_have_tables(read, box, size):
                movie.add(_content(read, box, size))
        movie.check()
    except _Excess as found:
        return Finding(Reason.SOURCE_CORRUPT, f"The source {found}.", f"{_ADVICE}.")
    return None


def every_box(read: Read, size: int) -> Iterator[Box]:
    """Yield the boxes of the top level. The name of a box may consist of any bytes."""
    start = 0
    while (header := _header(read(start, HEADER), 0, size - start)) is not None:
        yield Box(header.name, start, start + header.length)
        start += header.length


def _may_have_tables(read: Read, box: Box, size: int) -> bool:
    if box.start >= size:
        return False
    return box.name in _CONTAINERS or box.name in _TABLES or (box.name in _UNUSED and _is_moov(read(box.start, 16), 8))


def _content(read: Read, box: Box, size: int) -> bytes:
    """Return a box with its header. Raises _Excess for a box of more than MOST_INDEX_BYTES."""
    length = min(box.end, size) - box.start
    if length > MOST_INDEX_BYTES:
        raise _Excess(f"has an index of {length} bytes, more than {MOST_INDEX_BYTES}")
    return read(box.start, length)


def _unpacked(content: bytes) -> bytes:
    """Return the moov box from QuickTime's compressed movie header: the length of the box, then zlib data."""
    unpacker = zlib.decompressobj()
    try:
        moov = unpacker.decompress(content[4:], MOST_INDEX_BYTES + 1)
    except zlib.error:
        return b""
    if max(len(moov), number_at(content, 0)) > MOST_INDEX_BYTES:
        raise _Excess(f"has an index of more than {MOST_INDEX_BYTES} bytes")
    return moov


def _count_pieces(track: _TableTrack) -> int:
    """Return the number of index entries that ffmpeg makes from chunks of audio (``mov_build_index``)."""
    piece = track.packet if track.packet >= 160 else 1024
    firsts = [min(max(first, 1), track.chunks + 1) for first in track.in_chunks[::3]]
    nexts = [*firsts[1:], track.chunks + 1]
    runs = zip(firsts, nexts, track.in_chunks[1::3], strict=False)
    return sum(max(0, after - first) * -(-samples // piece) for first, after, samples in runs)


def _count_shown(track: _TableTrack, movie_scale: int) -> int:
    """Return the number of samples that all edits decode, each from the keyframe before its start."""
    if len(track.edits) < 2 or not (track.scale and movie_scale and track.steps):
        return 0  # a single edit shows no sample twice
    times, numbers = _starts(track.steps)
    shown = 0
    for length, begin in track.edits:
        if begin >= 0:
            last = _sample_at(times, numbers, track, begin + length * track.scale // movie_scale)
            first = _sample_at(times, numbers, track, begin)
            shown += last - _keyframe_before(track, first) + 1
    return shown


def _starts(steps: "array[int]") -> "tuple[array[int], array[int]]":
    """Return the time and the number of the first sample in each run."""
    times, numbers, time, number = array("Q"), array("Q"), 0, 0
    for run in range(0, len(steps), 2):
        times.append(time)
        numbers.append(number)
        time, number = min(time + steps[run] * steps[run + 1], _LATEST), number + steps[run]
    return times, numbers


def _sample_at(times: "array[int]", numbers: "array[int]", track: _TableTrack, time: int) -> int:
    run = max(0, bisect_right(times, time) - 1)
    count, duration = track.steps[2 * run], track.steps[2 * run + 1]
    return numbers[run] + min(count, (time - times[run]) // duration if duration else count)


def _keyframe_before(track: _TableTrack, sample: int) -> int:
    if not track.keyframes:
        return sample
    place = bisect_right(track.keyframes, sample + 1) - 1
    return track.keyframes[place] - 1 if place >= 0 else 0


def _read_scale(track: _TableTrack, content: bytes) -> None:
    track.scale = _timescale(content)


def _read_kind(track: _TableTrack, content: bytes) -> None:
    track.kinds.add(content[8:12])


def _read_chunks(track: _TableTrack, content: bytes) -> None:
    track.chunks = max(track.chunks, min(number_at(content, 4), len(content) // 4))


def _read_in_chunks(track: _TableTrack, content: bytes) -> None:
    track.in_chunks = numbers_of(content, 3)


def _read_descriptions(track: _TableTrack, content: bytes) -> None:
    """Read the number of samples in a packet, for audio in QuickTime's version 1.

    The number is at byte 36 of an entry.
    """
    start = 8
    while start + 8 <= len(content):
        if content[start + 16 : start + 18] == b"\0\1":
            track.packet = max(track.packet, number_at(content, start + 36))
        start += max(8, number_at(content, start))


def _read_sizes(track: _TableTrack, content: bytes) -> None:
    track.samples = max(track.samples, number_at(content, 8))


def _read_steps(track: _TableTrack, content: bytes) -> None:
    track.steps = numbers_of(content, 2)


def _read_offsets(track: _TableTrack, content: bytes) -> None:
    track.offsets = sum(numbers_of(content, 2)[::2])


def _read_keyframes(track: _TableTrack, content: bytes) -> None:
    track.keyframes = numbers_of(content, 1)


def _read_edits(track: _TableTrack, content: bytes) -> None:
    track.edits = [(row[0], row[1]) for row in _rows(content, ">Qqi" if content[:1] == b"\x01" else ">Iii")]


_TABLES: dict[bytes, Callable[[_TableTrack, bytes], None]] = {
    b"stsz": _read_sizes, b"stz2": _read_sizes, b"stts": _read_steps, b"ctts": _read_offsets,
    b"stss": _read_keyframes, b"elst": _read_edits, b"mdhd": _read_scale, b"hdlr": _read_kind, b"stco": _read_chunks,
    b"co64": _read_chunks, b"stsc": _read_in_chunks, b"stsd": _read_descriptions,
}  # fmt: skip


def _rows(content: bytes, shape: str) -> Iterator[tuple[int, ...]]:
    """Return the rows of a table that exist in ``content``."""
    width = struct.calcsize(shape)
    there = min(number_at(content, 4), max(0, len(content) - 8) // width)
    return struct.iter_unpack(shape, content[8 : 8 + there * width])


def numbers_of(content: bytes, columns: int) -> "array[int]":
    """Return the 32-bit numbers of a table row by row. Rows that ``content`` does not contain are left out."""
    there = min(number_at(content, 4), max(0, len(content) - 8) // 4 // columns)
    numbers = array("I", content[8 : 8 + there * 4 * columns])
    if sys.byteorder == "little":
        numbers.byteswap()
    return numbers


# Boxes


_CONTAINERS = frozenset(
    (
        b"moov", b"trak", b"edts", b"mdia", b"minf", b"stbl", b"moof", b"traf", b"mvex", b"udta", b"tref", b"dinf",
        b"meta", b"ilst", b"cmov", b"wave", b"sinf", b"schi", b"iprp", b"ipro",
    )
)  # fmt: skip
"""Names of the boxes whose inner boxes ffmpeg reads."""
_UNUSED = (b"free", b"hoov")
"""Names of deleted boxes. ffmpeg still accepts a moov box under these names."""
_MOST_DEPTH = 10
"""Maximum depth of nested boxes. ffmpeg does not read boxes that are nested deeper."""


class _Header(NamedTuple):
    """Header of a box.

    Python creates a tuple much faster than a frozen dataclass, and a file may have a million boxes.
    """

    name: bytes
    size: int
    """Bytes of the header."""
    length: int
    """Declared bytes of the box, which may be more than the surrounding box has."""


class _TablePart(NamedTuple):
    """A box inside other boxes."""

    name: bytes
    content: bytes
    start: int
    end: int

    @property
    def body(self) -> bytes:
        """The content of the box without its header."""
        return self.content[self.start : self.end]


def _header(content: bytes, start: int, room: int) -> _Header | None:
    """Return the header of a box in ``room`` bytes. Return None if the bytes are not a box header."""
    if room < 8 or len(content) - start < 8:
        return None
    length, size = number_at(content, start), 8
    if length == 1 and room >= HEADER:
        length, size = int.from_bytes(content[start + 8 : start + HEADER], "big"), HEADER
    length = length or room
    return _Header(content[start + 4 : start + 8], size, length) if length >= size else None


def _inner(content: bytes, start: int, end: int, depth: int = 0) -> Iterator[_TablePart]:
    """Yield the boxes from ``start`` on, each box before its inner boxes. No box ends after the surrounding box."""
    while (header := _header(content, start, end - start)) is not None:
        part = _TablePart(header.name, content, start + header.size, min(start + header.length, end))
        yield part
        is_open = part.name in _CONTAINERS or (part.name in _UNUSED and _is_moov(content, part.start))
        if is_open and depth < _MOST_DEPTH:
            yield from _inner(content, _first_inner(part), part.end, depth + 1)
        start += header.length


def _is_moov(content: bytes, start: int) -> bool:
    return content[start + 4 : start + 8] in (b"mvhd", b"cmov")


def _first_inner(part: _TablePart) -> int:
    """Return the offset of the first inner box.

    In a meta box, this is the hdlr box, after an optional version field.
    """
    found = part.content.find(b"hdlr", part.start, part.end) if part.name == b"meta" else -1
    return max(part.start, found - 4) if found >= 0 else part.start


def _timescale(content: bytes) -> int:
    """Return the time scale from a movie header or a media header."""
    return number_at(content, 20 if content[:1] == b"\x01" else 12)


def number_at(content: bytes, offset: int) -> int:
    """Return the 32-bit number at ``offset``. If the content ends within the number, only the existing bytes are
    used."""
    return int.from_bytes(content[offset : offset + 4], "big")
