"""Detection of files that were joined from several files.

Examples are an MP4 from HLS or DASH with an advertisement, or two files in a row. ffmpeg reads such a file with the
first header. ffmpeg drops the streams of all other headers. It also drops packets with times that earlier packets
already had.
"""

from collections.abc import Iterable

from videoimport.media.container.mp4_boxes import Box, Read
from videoimport.media.container.truncated_other_formats import (
    ASF_HEADER,
    FLV_TAG,
    MXF_HEADER,
    MXF_PARTITION,
    OGG_HEADER,
    OGG_LEAST,
    OGG_PAGE,
    flv_tags,
    last_ogg_page,
    mxf_items,
    ogg_length,
    ogg_serial,
)
from videoimport.media.source.findings import Finding
from videoimport.media.source.packet_scan import Track
from videoimport.media.timeline.joins import refusal
from videoimport.media.transcode.overlap import is_fragmented

BACK_SECONDS = 0.2
"""Maximum seconds by which a clock may go back. A clock that goes back further starts again."""
_MOST_HEADERS = 64
_FLV = b"FLV\x01"
_OGG_BEGINS = 2
"""Flag of an Ogg page that begins a stream."""


def why_not_one(read: Read, size: int, boxes: tuple[Box, ...], tracks: Iterable[Track]) -> Finding | None:
    """Return a finding if an MP4, FLV, WMV, MXF or Ogg file was joined from several recordings. Return None
    otherwise, and for all other container formats. ``boxes`` are the boxes of an MP4."""
    if read(0, 4) == _FLV:
        return _SEVERAL if _follows_another_flv(read, size) else None
    if read(0, 16) == ASF_HEADER:
        return _SEVERAL if _follows_another_asf(read, size) else None
    if read(0, 12).startswith(MXF_PARTITION):
        return _SEVERAL if _follows_another_mxf(read) else None
    if read(0, 4) == OGG_PAGE:
        return _SEVERAL if _is_chained_ogg(read, size) else None
    headers = [box for box in boxes if box.name == b"moov"][:_MOST_HEADERS]
    if len({read(box.start, box.end - box.start) for box in headers}) > 1:
        return _SEVERAL
    if not is_fragmented(boxes):
        return None  # an edit list sets the clock back on purpose
    back = max((track.back for track in tracks), default=0.0)
    return refusal(f"The source's clock goes back by {back:.1f} s midway") if back > BACK_SECONDS else None


def _follows_another_flv(read: Read, size: int) -> bool:
    """Return whether another FLV header is at a position where a tag is expected."""
    for offset, tag in flv_tags(read):
        if len(tag) < FLV_TAG or tag.startswith(_FLV):
            return tag.startswith(_FLV) and offset < size
    return False


def _follows_another_asf(read: Read, size: int) -> bool:
    """Return whether another header follows the data and the indexes. Each ASF object begins with its length."""
    offset = 0
    for _ in range(_MOST_HEADERS):
        head = read(offset, 24)
        if offset and head[:16] == ASF_HEADER:
            return True
        length = int.from_bytes(head[16:24], "little")
        if length < 24 or offset + length >= size:
            return False
        offset += length
    return False


def _follows_another_mxf(read: Read) -> bool:
    """Return whether a header partition follows the first item.

    An MXF file has one such partition (SMPTE 377-1, section 6).
    """
    return any(item.offset and item.partition == MXF_HEADER for item in mxf_items(read))


def _is_chained_ogg(read: Read, size: int) -> bool:
    """Return whether streams begin after the data of other streams (RFC 3533, section 4).

    If a damaged page hides the rest of the file, the last page is checked. The file is chained if the last page belongs
    to a stream that did not begin at the start of the file.
    """
    serials, has_data, offset = set[bytes](), False, 0
    while (page := read(offset, OGG_HEADER)).startswith(OGG_PAGE) and len(page) >= OGG_LEAST:
        begins = bool(page[5] & _OGG_BEGINS)
        if begins and has_data:
            return True
        if begins:
            serials.add(ogg_serial(page))
        has_data |= not begins
        offset += ogg_length(page)
    last = ogg_serial(last_ogg_page(read, size))
    return bool(last) and last not in serials


_SEVERAL = refusal("The source is joined from several parts, each with a header of its own")
