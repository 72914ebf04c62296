"""Parser for the header of a coded frame (ITU-T H.262, H.264, H.265). The header shows which other frames a decoder
needs for the frame."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

ENOUGH = 16_384
"""Number of bytes of a frame that contain its header. Parameter sets and messages come before the header."""
_START = re.compile(rb"\x00\x00\x01(?=.)", re.S)
_SEQUENCE, _GROUP, _PICTURE = 0xB3, 0xB8, 0x00
_INTRA = 1
_CLOSED_GROUP = 0x40
_H264_SLICES, _H264_IDR, _H264_MESSAGES = (1, 2), 5, 6
_RECOVERY_POINT = 6
_HEVC_PICTURES = range(32)
_HEVC_RASL = (8, 9)
_HEVC_RANDOM_ACCESS = range(16, 24)
_HEVC_IDR = (19, 20)
_HEVC_CLEAN, _HEVC_BROKEN = 21, 16
"""Types of a clean random access frame and of a frame with a broken link. The two differ only in the type."""


@dataclass(frozen=True, slots=True)
class FrameHeader:
    """The header of a coded frame: whether decoding may begin there, and which frames need earlier frames."""

    is_key: bool = False
    """Whether decoding may begin with this frame."""
    is_open: bool = False
    """Whether this is a keyframe whose leading frames may need frames before the keyframe.

    Leading frames follow the keyframe in the file but are shown before it.
    """
    may_need_earlier: bool = True
    """Whether this frame may need frames before the keyframe, if it is a leading frame of an open keyframe."""


def read_head(codec: str, content: bytes) -> FrameHeader | None:
    """Read the header of a frame from the first ``ENOUGH`` bytes of the frame. ``codec`` is ffmpeg's name.

    Return None for other codecs, and if there is no frame header.
    """
    if codec in ("mpeg1video", "mpeg2video"):
        return _read_mpeg(content)
    if codec == "h264":
        return _read_h264(content)
    return _read_hevc(content) if codec == "hevc" else None


def _units(content: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the byte after each start code, and the bytes from there to the next start code."""
    places = [found.end() for found in _START.finditer(content)]
    ends = [place - len(b"\x00\x00\x01") for place in places] + [len(content)]
    for place, after in zip(places, ends[1:], strict=True):
        yield content[place], content[place + 1 : after]


def _read_mpeg(content: bytes) -> FrameHeader | None:
    """Read the header of an MPEG-1 or MPEG-2 frame.

    Decoding can begin only after a sequence header. A group of frames without a header is treated as open.
    """
    has_sequence = is_closed = False
    for code, body in _units(content):
        has_sequence |= code == _SEQUENCE
        if code == _GROUP and len(body) > 3:
            is_closed = bool(body[3] & _CLOSED_GROUP)
        if code == _PICTURE and len(body) > 1:
            is_key = has_sequence and body[1] >> 3 & 7 == _INTRA
            return FrameHeader(is_key, is_key and not is_closed)
    return None


def _read_h264(content: bytes) -> FrameHeader | None:
    """Read the header of an H.264 frame.

    A frame with a recovery point of 0 frames begins an open group. H.264 has no other mark for such a frame.
    """
    recovers = False
    for first, body in _units(content):
        kind = first & 0x1F
        if kind == _H264_MESSAGES:
            recovers |= _recovers_at_once(body)
        elif kind == _H264_IDR:
            return FrameHeader(is_key=True)
        elif kind in _H264_SLICES:
            return FrameHeader(recovers, recovers)
    return None


def _recovers_at_once(body: bytes) -> bool:
    """Return whether one of the messages is a recovery point after 0 frames.

    The number of frames is an Exp-Golomb code. The code is 0 when its first bit is 1.
    """
    content, at = body.replace(b"\x00\x00\x03", b"\x00\x00"), 0
    while at + 2 < len(content):
        kind, at = _sum_of_bytes(content, at)
        size, at = _sum_of_bytes(content, at)
        if kind == _RECOVERY_POINT and at < len(content):
            return bool(content[at] & 0x80)
        at += size
    return False


def _sum_of_bytes(content: bytes, at: int) -> tuple[int, int]:
    """Return a number that is written as bytes of 255 and one last byte, and the offset after it."""
    begin = at
    while at < len(content) and content[at] == 0xFF:
        at += 1
    return 0xFF * (at - begin) + (content[at] if at < len(content) else 0), at + 1


def _read_hevc(content: bytes) -> FrameHeader | None:
    for first, _ in _units(content):
        kind = first >> 1 & 0x3F
        if kind in _HEVC_PICTURES:
            is_key = kind in _HEVC_RANDOM_ACCESS
            return FrameHeader(is_key, is_key and kind not in _HEVC_IDR, kind in _HEVC_RASL)
    return None


def broken_links(content: bytes) -> dict[int, int]:
    """Return the bytes to change, by offset, that mark a clean random access frame of H.265 as a frame with a broken
    link. Such a frame makes the decoder forget the frames before a splice (ITU-T H.265, 3.15). Without this mark, a
    decoder would confuse the numbers of old and new frames. The result is empty for any other frame."""
    found = {}
    for start in _START.finditer(content):
        place = start.end()
        if content[place] >> 1 & 0x3F == _HEVC_CLEAN:
            found[place] = content[place] & 0x81 | _HEVC_BROKEN << 1
    return found
