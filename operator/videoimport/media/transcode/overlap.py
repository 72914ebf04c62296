"""Whether a source is processed while it arrives: ordered rules. The first that fails is the reason against it."""

from dataclasses import dataclass

from videoimport.media.container.mp4_boxes import Box
from videoimport.media.transcode.plan import TranscodePlan

_READABLE = ("mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "mpegts", "flv")
"""Demuxers that read from the start to the end in one go, without their index at the end."""
_BOXED = _READABLE[0]


@dataclass(frozen=True, slots=True)
class Head:
    """The facts of a source when its first bytes have arrived."""

    demuxer: str
    """ffprobe's name of the container."""
    boxes: tuple[Box, ...]
    """Of an MP4 or MOV, up to its media data."""
    has_tail: bool
    """Its end was fetched first."""
    seconds: float | None
    """Its duration, where its head or the page has a reliable one."""
    plan: TranscodePlan
    """The plan for a source that matches its head."""
    is_tolerant: bool
    """Damage is tolerated."""


def why_staged(head: Head) -> str | None:
    """What keeps the stages apart; None where they may overlap."""
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
    """Whether the index, or the first fragment's, is before the media data."""
    first = next((box.name for box in boxes if box.name in (b"moov", b"mdat")), None)
    return first == b"moov"


def is_fragmented(boxes: tuple[Box, ...]) -> bool:
    """Whether an MP4 is fragmented: its head then has the duration of the first fragment, not of the whole."""
    return any(box.name in (b"moof", b"sidx", b"styp") for box in boxes)


def ends_head(box: Box) -> bool:
    """Whether nothing after this box is needed to know a head."""
    return box.name in (b"mdat", b"moof", b"sidx")
