"""Ordered rules that decide whether a source is processed while it is being downloaded.

The first failed rule is the reason to wait for the complete source.
"""

from dataclasses import dataclass

from videoimport.media.container.mp4_boxes import Box
from videoimport.media.transcode.plan import TranscodePlan

_READABLE = ("mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "mpegts", "flv")
"""Demuxers that read a file from start to end without seeking to an index at the end."""
_BOXED = _READABLE[0]


@dataclass(frozen=True, slots=True)
class Head:
    """Facts of a source that its first bytes show."""

    demuxer: str
    """ffprobe's name of the container format."""
    boxes: tuple[Box, ...]
    """Boxes of an MP4 or MOV, up to the media data."""
    has_tail: bool
    """True if the end of the file was fetched first."""
    seconds: float | None
    """Duration in seconds, if the first bytes or the web page contain a reliable duration."""
    plan: TranscodePlan
    """Plan for a source whose packets agree with the first bytes."""
    is_tolerant: bool
    """True if the spec tolerates damage."""


def why_staged(head: Head) -> str | None:
    """Return the reason why the stages must run one after the other. Return None if the stages may overlap."""
    return next((why for rule in _RULES if (why := rule(head))), None)


def _whole(head: Head) -> str | None:
    return "damage is tolerated, and only the whole source shows what is lost" if head.is_tolerant else None


def _readable(head: Head) -> str | None:
    if head.demuxer in _READABLE:
        return None
    return f"{head.demuxer.partition(',')[0] or 'the container'} is not read before all of it is there"


def _indexed(head: Head) -> str | None:
    if head.demuxer != _BOXED or head.has_tail or is_indexed(head.boxes):
        return None
    return NO_INDEX


NO_INDEX = "the source's index is at its end, which could not be fetched first"


def _timed(head: Head) -> str | None:
    return None if head.seconds else "how long the source lasts is known only at its end"


def _encoded(head: Head) -> str | None:
    return "the video may be copied, so all of it is checked first" if head.plan.copy_video else None


_RULES = (_whole, _readable, _indexed, _timed, _encoded)


def is_indexed(boxes: tuple[Box, ...]) -> bool:
    """Return whether the index, or the index of the first fragment, is before the media data."""
    first = next((box.name for box in boxes if box.name in (b"moov", b"mdat")), None)
    return first == b"moov"


def is_fragmented(boxes: tuple[Box, ...]) -> bool:
    """Return whether an MP4 is fragmented. The first bytes then contain the duration of only the first fragment."""
    return any(box.name in (b"moof", b"sidx", b"styp") for box in boxes)


def ends_head(box: Box) -> bool:
    """Return whether the first boxes up to this one are enough to read the facts of a source."""
    return box.name in (b"mdat", b"moof", b"sidx")
