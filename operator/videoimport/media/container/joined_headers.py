"""Files that were joined from several ones, such as an MP4 of HLS or DASH with an advertisement, or two files in a row.

ffmpeg reads such a file with its first header. It drops streams of other headers, and packets whose times occurred
before.
"""

from collections.abc import Iterable

from videoimport.media.container.mp4_boxes import Box, Read
from videoimport.media.container.older_containers import (
    ASF_HEADER,
    FLV_TAG,
    OGG_HEADER,
    OGG_PAGE,
    flv_tags,
    last_ogg_page,
    ogg_length,
    ogg_serial,
)
from videoimport.media.source.findings import Finding
from videoimport.media.source.packet_scan import Track
from videoimport.media.timeline.joins import refusal
from videoimport.media.transcode.overlap import is_fragmented

BACK_SECONDS = 0.2
"""A clock that goes back by more than this starts again."""
_MOST_HEADERS = 64
_FLV = b"FLV\x01"
_OGG_BEGINS = 2
"""Of a page's flags."""


def why_not_one(read: Read, size: int, boxes: tuple[Box, ...], tracks: Iterable[Track]) -> Finding | None:
    """Why an MP4 (of these ``boxes``), FLV, WMV or Ogg is not one recording; None for one, and for any other file."""
    if read(0, 4) == _FLV:
        return _SEVERAL if _follows_another_flv(read, size) else None
    if read(0, 16) == ASF_HEADER:
        return _SEVERAL if _follows_another_asf(read, size) else None
    if read(0, 4) == OGG_PAGE:
        last = ogg_serial(last_ogg_page(read, size))
        return _SEVERAL if last and last not in _first_serials(read) else None
    headers = [box for box in boxes if box.name == b"moov"][:_MOST_HEADERS]
    if len({read(box.start, box.end - box.start) for box in headers}) > 1:
        return _SEVERAL
    if not is_fragmented(boxes):
        return None  # an edit list sets the clock back on purpose
    back = max((track.back for track in tracks), default=0.0)
    return refusal(f"The source's clock goes back by {back:.1f} s midway") if back > BACK_SECONDS else None


def _follows_another_flv(read: Read, size: int) -> bool:
    """Whether another header is where a tag would be."""
    for offset, tag in flv_tags(read):
        if len(tag) < FLV_TAG or tag.startswith(_FLV):
            return tag.startswith(_FLV) and offset < size
    return False


def _follows_another_asf(read: Read, size: int) -> bool:
    """Whether another header follows the data and its indexes: each object begins with its length."""
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


def _first_serials(read: Read) -> set[bytes]:
    """The streams that begin with an Ogg file: their first pages come before all others (RFC 3533, section 4)."""
    found, offset = set[bytes](), 0
    for _ in range(_MOST_HEADERS):
        page = read(offset, OGG_HEADER)
        if len(page) < OGG_HEADER or not page[5] & _OGG_BEGINS:
            break
        found.add(ogg_serial(page))
        offset += ogg_length(page)
    return found


_SEVERAL = refusal("The source is joined from several parts, each with a header of its own")
