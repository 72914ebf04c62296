"""Detection of files in older container formats whose end is missing.

The last packet, page, tag or chunk shows whether bytes are missing. If a file ends exactly between two of these
units, the module cannot detect a missing end. Durations in headers are no evidence of a missing end.
``truncated_mp4`` has the check of MP4, and ``truncated_matroska`` that of Matroska.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from videoimport.media.container.mp4_boxes import Read
from videoimport.media.container.mpegts import FORMS

MOST_CHUNKS = 4_000_000
"""Maximum number of units in a scan. One day at 25 frames per second with audio has as many tags or chunks."""
_IN_A_ROW = 4
"""Number of sync bytes that prove an alignment. A single byte 0x47 can occur anywhere."""
_OGG_TAIL = 2**17
"""Bytes at the end of a file that contain the last Ogg page. The longest page has 65,307 bytes."""
_PROGRAM_TAIL = 2**17
_AVI_MEDIA = re.compile(rb"\d\d(dc|db|wb)")
_AVI_LISTS = (b"movi", b"rec ", b"AVI ", b"AVIX")
FLV_TAG = 11
"""Bytes in the header of an FLV tag."""
OGG_PAGE = b"OggS"
OGG_HEADER = 27 + 255
"""Maximum bytes in the header of an Ogg page."""
OGG_LEAST = 27
"""Minimum bytes in the header of an Ogg page."""
ASF_HEADER = bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c")
_ASF_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
_ASF_DATA = bytes.fromhex("3626b2758e66cf11a6d900aa0062ce6c")
MXF_PARTITION = bytes.fromhex("060e2b34020501")
MXF_HEADER = 0x02
_MXF_PARTITION_KINDS = (MXF_HEADER, 0x03, 0x04)
"""Numbers of the header, body and footer partition."""
_DV_FRAME = {0x00: 120_000, 0x80: 144_000}
"""Bytes of a DV frame with 525 lines and with 625 lines (SMPTE 314M). Faster profiles have multiples of these sizes."""


def why_cut(read: Read, size: int, demuxer: str) -> str | None:
    """Return a phrase with the evidence that media is missing at the end of the file. Return None if there is no
    such evidence.

    ``demuxer`` is ffprobe's name of the container format.
    """
    find = _FINDERS.get(demuxer)
    missing = find(read, size) if find else 0
    return f"its last {_UNITS[demuxer]} is {missing} bytes longer than the file" if missing else None


def _missing_of_ts(read: Read, size: int) -> int:
    for wide, place in FORMS:
        tail = max(0, size - (_IN_A_ROW + 2) * wide)
        content = read(tail, size - tail)
        for first in range(place, min(wide, len(content))):
            syncs = content[first::wide]
            if len(syncs) > _IN_A_ROW and syncs == b"\x47" * len(syncs):
                last = first + (len(syncs) - 1) * wide
                is_padding = content[last + 1 : last + 3] == b"\x1f\xff"
                return 0 if is_padding else max(0, last - place + wide - len(content))
    return 0


def _missing_of_flv(read: Read, size: int) -> int:
    for offset, header in flv_tags(read):
        if not header or header[0] & 0x1F not in (8, 9, 18):
            return 0
        if len(header) < FLV_TAG:
            return FLV_TAG - len(header)
        end = offset + FLV_TAG + int.from_bytes(header[1:4], "big")
        if end > size:
            return end - size
    return 0


def flv_tags(read: Read) -> Iterator[tuple[int, bytes]]:
    """Yield the offset and the header of each tag in an FLV file. The last header may be incomplete or empty.

    The data of a tag and 4 bytes with its length follow the header.
    """
    offset = int.from_bytes(read(5, 4), "big") + 4
    for _ in range(MOST_CHUNKS):
        header = read(offset, FLV_TAG)
        yield offset, header
        offset += FLV_TAG + int.from_bytes(header[1:4], "big") + 4


def _missing_of_avi(read: Read, size: int) -> int:
    offset = 0
    for _ in range(MOST_CHUNKS):
        header = read(offset, 12)
        if len(header) < 8:
            return 0
        length = int.from_bytes(header[4:8], "little")
        if header[:4] in (b"RIFF", b"LIST") and header[8:12] in _AVI_LISTS:
            offset += 12
            continue
        end = offset + 8 + length
        if end > size:
            return end - size if _AVI_MEDIA.fullmatch(header[:4]) else 0
        offset = end + length % 2
    return 0


def last_ogg_page(read: Read, size: int) -> bytes:
    """Return the existing bytes of the last page of an Ogg file. The result is empty if there is no page."""
    tail = max(0, size - _OGG_TAIL)
    content = read(tail, size - tail)
    last = content.rfind(OGG_PAGE + b"\x00")
    return content[last:] if last >= 0 else b""


def ogg_length(page: bytes) -> int:
    """Return the length of a page from its header. If the header is incomplete, return the number of existing bytes."""
    count = page[OGG_LEAST - 1] if len(page) >= OGG_LEAST else 0
    return OGG_LEAST + count + sum(page[OGG_LEAST : OGG_LEAST + count])


def ogg_serial(page: bytes) -> bytes:
    """Return the serial number of a page's stream. Return empty bytes if the page ends before the number."""
    return page[14:18] if len(page) >= 18 else b""


def _missing_of_ogg(read: Read, size: int) -> int:
    page = last_ogg_page(read, size)
    return max(0, ogg_length(page) - len(page)) if page else 0


def _missing_of_program_stream(read: Read, size: int) -> int:
    """Return the number of missing bytes.

    The lengths of the packets after the last pack header lead to the expected end.
    """
    tail = max(0, size - _PROGRAM_TAIL)
    content = read(tail, size - tail)
    offset = content.rfind(b"\x00\x00\x01\xba")
    if offset < 0 or len(content) < offset + 14:
        return 0
    is_mpeg2 = content[offset + 4] & 0xC0 == 0x40
    offset += 14 + (content[offset + 13] & 7) if is_mpeg2 else 12
    while content[offset : offset + 3] == b"\x00\x00\x01" and len(content) >= offset + 6:
        if content[offset + 3] < 0xBB:  # a code below 0xBB is the end code
            return 0
        offset += 6 + int.from_bytes(content[offset + 4 : offset + 6], "big")
    return max(0, offset - len(content))


def _missing_of_asf(read: Read, size: int) -> int:
    """Return the number of missing bytes. All data packets have one size, which is in the file properties object."""
    header = read(0, 30)
    if header[:16] != ASF_HEADER:
        return 0
    offset, packet, is_live = 30, 0, True
    for _ in range(int.from_bytes(header[24:28], "little") + 1):
        head = read(offset, 104)
        length = int.from_bytes(head[16:24], "little")
        if head[:16] == _ASF_PROPERTIES:
            is_live, packet = bool(head[88] & 1), int.from_bytes(head[92:96], "little")
        elif head[:16] == _ASF_DATA:
            count = int.from_bytes(head[40:48], "little")
            return max(0, offset + 50 + count * packet - size) if packet and not is_live else 0
        if length < 24:
            return 0
        offset += length
    return 0


@dataclass(frozen=True, slots=True)
class MxfItem:
    """An item of a key, a length and a value (KLV, SMPTE 377-1)."""

    offset: int
    end: int
    head: bytes
    """The first 80 bytes of the item, which begin with the key."""
    value_at: int
    """Offset of the value in ``head``."""

    @property
    def partition(self) -> int | None:
        """The value is 2 for a header partition, 3 for a body partition, 4 for the footer, and None for any other
        item."""
        is_one = self.head.startswith(MXF_PARTITION) and self.head[13] in _MXF_PARTITION_KINDS
        return self.head[13] if is_one else None


def mxf_items(read: Read) -> Iterator[MxfItem]:
    """Yield the items of an MXF file. Stop at the first bytes that are not an item."""
    offset = 0
    for _ in range(MOST_CHUNKS):
        head = read(offset, 80)
        if not head.startswith(b"\x06\x0e\x2b\x34") or len(head) < 26:
            return
        wide = head[16] & 0x7F if head[16] & 0x80 else 0
        length = int.from_bytes(head[17 : 17 + wide], "big") if wide else head[16]
        item = MxfItem(offset, offset + 17 + wide + length, head, 17 + wide)
        yield item
        offset = item.end


def _missing_of_mxf(read: Read, size: int) -> int:
    """Return the number of missing bytes, from keys and lengths. An open partition names the offset of the footer."""
    footer = 0
    for item in mxf_items(read):
        if item.end > size:
            return item.end - size if not footer or item.offset < footer else 0
        if item.partition:
            footer = max(footer, int.from_bytes(item.head[item.value_at :][24:32], "big"))
    return max(0, footer - size)


def _missing_of_dv(read: Read, size: int) -> int:
    frame = _DV_FRAME[(read(3, 1) or b"\x00")[0] & 0x80]
    return -size % frame


_FINDERS: dict[str, Callable[[Read, int], int]] = {
    "mpegts": _missing_of_ts, "flv": _missing_of_flv, "avi": _missing_of_avi, "ogg": _missing_of_ogg,
    "mpeg": _missing_of_program_stream, "asf": _missing_of_asf, "mxf": _missing_of_mxf, "dv": _missing_of_dv,
}  # fmt: skip
_UNITS = {
    "mpegts": "packet", "flv": "tag", "avi": "chunk", "ogg": "page", "mpeg": "packet", "asf": "data object",
    "mxf": "element", "dv": "frame",
}  # fmt: skip
