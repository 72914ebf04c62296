"""Whether a Matroska or WebM file ends before its media does, by its elements (RFC 8794, RFC 9559).

Durations prove nothing: browsers' recorders write one that is longer than the media. Neither does the size of the
segment, which a recorder writes before it knows.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from videoimport.media.container.mp4_boxes import Read

_SEGMENT, _CLUSTER = 0x18538067, 0x1F43B675
_SEEK_HEAD, _CUES = 0x114D9B74, 0x1C53BB6B
_SEEK, _SEEK_POSITION = 0x4DBB, 0x53AC
_CUE_POINT, _CUE_POSITIONS, _CUE_CLUSTER = 0xBB, 0xB7, 0xF1
_BLOCKS = (0xA3, 0xA0, 0xAF)
"""SimpleBlock, BlockGroup and EncryptedBlock."""
_HEADER = 12
"""Bytes that hold the longest identifier (4) and length (8)."""
MOST_ELEMENTS = 4_000_000
"""Of a walk; half a day of live WebM, whose clusters have no length, has as many blocks."""
_MOST_INDEX_BYTES = 16 * 2**20
"""Of a SeekHead or Cues element that is read."""


@dataclass(frozen=True, slots=True)
class _Element:
    identity: int
    content: int
    end: int | None
    """None where the length is unknown: it ends where the next one of its level begins."""


@dataclass(slots=True)
class _SeenElements:
    """What a walk has passed."""

    segment: int = 0
    """Where positions count from."""
    media_end: int = 0
    """The byte after the last whole cluster or block."""
    promised: list[int] = field(default_factory=list)
    """Positions in the file that its indexes name."""


def why_cut(read: Read, size: int) -> str | None:
    """What shows that media is missing at the end, in half a sentence, or None."""
    seen = _SeenElements()
    for element in _walk(read, size, seen):
        if element.identity in _BLOCKS and element.end is not None and element.end > size:
            return f"its last block is {element.end - size} bytes longer than the file"
        if element.identity == _CLUSTER and element.end is not None and element.end > size:
            return f"its last cluster is {element.end - size} bytes longer than the file"
    beyond = [position for position in seen.promised if position > size]
    follows = any(seen.media_end <= position <= size for position in seen.promised)
    if beyond and seen.media_end and not follows:
        return f"its index names content {min(beyond) - size} bytes beyond the end of the file"
    return None


def _walk(read: Read, size: int, seen: _SeenElements) -> Iterator[_Element]:
    """Elements in the order of the file, without the content of those that are whole; stops at what is none."""
    offset = 0
    for _ in range(MOST_ELEMENTS):
        element = _parse(read(offset, _HEADER), offset) if offset < size else None
        if element is None:
            return
        is_whole = element.end is not None and element.end <= size
        if is_whole and element.identity != _SEGMENT:
            _note(read, element, seen)
        yield element
        if element.identity == _SEGMENT:
            seen.segment = offset = element.content
        elif element.end is None:
            offset = element.content
        else:
            offset = element.end


def _note(read: Read, element: _Element, seen: _SeenElements) -> None:
    assert element.end is not None  # noqa: S101 — it is whole
    length = element.end - element.content
    if element.identity == _CLUSTER or element.identity in _BLOCKS:
        seen.media_end = element.end
    elif element.identity in (_SEEK_HEAD, _CUES) and length <= _MOST_INDEX_BYTES:
        seen.promised += (seen.segment + place for place in _positions(read(element.content, length)))


def _positions(content: bytes) -> Iterator[int]:
    """All positions within a SeekHead or Cues element, relative to the segment."""
    offset = 0
    while element := _parse(content[offset : offset + _HEADER], offset):
        end = len(content) if element.end is None else element.end
        if element.identity in (_SEEK, _CUE_POINT, _CUE_POSITIONS):
            offset = element.content
            continue
        if element.identity in (_SEEK_POSITION, _CUE_CLUSTER):
            yield int.from_bytes(content[element.content : end][:8], "big")
        offset = end


def _parse(header: bytes, offset: int) -> _Element | None:
    """The element whose header begins at ``offset``; None for bytes that begin none."""
    wide = _width(header, 4)
    length_wide = _width(header[wide:], 8) if wide else 0
    if not length_wide:
        return None
    start = wide + length_wide
    mask = (1 << 7 * length_wide) - 1
    length = int.from_bytes(header[wide:start], "big") & mask
    end = None if length == mask else offset + start + length
    return _Element(int.from_bytes(header[:wide], "big"), offset + start, end)


def _width(field: bytes, most: int) -> int:
    """Bytes of a number whose first byte has their count; 0 where that is not so or they are not there."""
    wide = 9 - field[0].bit_length() if field else 0
    return wide if 0 < wide <= min(most, len(field)) else 0
