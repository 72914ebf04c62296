"""Detection of Matroska and WebM files whose end is missing, from their elements (RFC 8794, RFC 9559).

Durations are no evidence, because recorders in browsers write durations that are longer than the media. The size of the
segment is no evidence either, because a recorder writes it before the recording ends.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from videoimport.media.container.mp4_boxes import Read

_SEGMENT, _CLUSTER = 0x18538067, 0x1F43B675
_SEEK_HEAD, _CUES = 0x114D9B74, 0x1C53BB6B
_SEEK, _SEEK_POSITION = 0x4DBB, 0x53AC
_CUE_POINT, _CUE_POSITIONS, _CUE_CLUSTER = 0xBB, 0xB7, 0xF1
_BLOCKS = (0xA3, 0xA0, 0xAF)
"""Identifiers of SimpleBlock, BlockGroup and EncryptedBlock."""
_HEADER = 12
"""Bytes that are enough for the longest identifier (4) and length (8)."""
MOST_ELEMENTS = 4_000_000
"""Maximum number of elements in a scan.

Half a day of live WebM has as many blocks, because its clusters have no length.
"""
_MOST_INDEX_BYTES = 16 * 2**20
"""Maximum bytes of a SeekHead or Cues element that is read."""


@dataclass(frozen=True, slots=True)
class _Element:
    identity: int
    content: int
    end: int | None
    """End of the element, or None if the length is unknown. The element then ends at the next element of its level."""


@dataclass(slots=True)
class _SeenElements:
    """Results of a scan over the elements."""

    segment: int = 0
    """Offset of the segment's content. Positions in the indexes are relative to this offset."""
    media_end: int = 0
    """Offset after the last complete cluster or block."""
    promised: list[int] = field(default_factory=list)
    """Offsets in the file that the indexes name."""


def why_cut(read: Read, size: int) -> str | None:
    """Return a phrase with the evidence that media is missing at the end of the file. Return None if there is no
    such evidence."""
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
    """Yield the elements in the order of the file, without the inner elements of complete elements.

    Stop at the first bytes that are not an element.
    """
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
    """Yield all positions in a SeekHead or Cues element, relative to the segment."""
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
    """Return the element whose header begins at ``offset``. Return None if the bytes are not an element header."""
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
    """Return the number of bytes in a number. The first byte of the number defines this length.

    Return 0 if the first byte is not valid, or if bytes are missing.
    """
    wide = 9 - field[0].bit_length() if field else 0
    return wide if 0 < wide <= min(most, len(field)) else 0
