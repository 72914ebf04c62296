"""A file and its streams, as ffprobe describes them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from videoimport.media.source.stream_choice import Choice, choose

_LEAST_BASE_SHARE = Fraction(9, 10)
"""Smallest part of the average frame rate that ffprobe's base rate may be: an average over few frames is inexact."""


class _Lasting:
    """A stream that lasts."""

    __slots__ = ()
    duration: float | None
    seen: float | None

    @property
    def length(self) -> float | None:
        """Seconds as far as they are known: what the container declares counts although it is not there."""
        return max((one for one in (self.duration, self.seen) if one is not None), default=None)


@dataclass(frozen=True, slots=True)
class Video(_Lasting):
    """A video stream. Sizes are as stored; ``shown`` has them as displayed."""

    index: int
    codec: str
    profile: str = ""
    level: int = 0
    """Ten times the level's number; for other codecs whatever ffprobe gives."""
    pixels: str = ""
    """ffprobe's pix_fmt."""
    width: int = 0
    height: int = 0
    sample_aspect: Fraction = Fraction(1)
    rotation: int = 0
    """0, 90, 180 or 270 degrees."""
    field_order: str = ""
    combed: str = ""
    """``tt`` or ``bb`` if its pictures show fields that ``field_order`` does not declare; see ``interlace``."""
    transfer: str = ""
    """The tags of its colours, as ffprobe names them; see ``color``."""
    primaries: str = ""
    matrix: str = ""
    range: str = ""
    """``tv``, ``pc`` or nothing."""
    hdr: str = ""
    """The transfer that HDR side data proves, whatever the tag is: PQ, HLG or nothing."""
    rate: Fraction | None = None
    """Average frames a second."""
    base_rate: Fraction | None = None
    """The lowest rate of a steady clock that all its frames' times fit; a guess where times are uneven."""
    is_uneven: bool = False
    """Frames come at times of their own: the average is not what most of them keep to."""
    duration: float | None = None
    """Seconds, as the container declares them for this stream."""
    start: float | None = None
    """When it begins, on the file's clock."""
    bit_rate: int | None = None
    """Bits a second, as the container declares them for this stream."""
    dolby_vision: int | None = None
    """The Dolby Vision profile."""
    tag: str = ""
    """The container's name of the codec, of printable characters, where it has one."""
    has_key: bool = False
    """The container names a key that its packets are encrypted with."""
    is_picture: bool = False
    """An attached picture such as a cover: no moving video."""
    is_default: bool = False
    seen: float | None = None
    """Seconds by its packets, where these were looked at."""

    @property
    def shown(self) -> tuple[int, int]:
        """Width and height as displayed: square pixels, upright."""
        width, height = round(self.width * self.sample_aspect), self.height
        return (height, width) if self.rotation in (90, 270) else (width, height)

    @property
    def has_size(self) -> bool:
        """Whether it has a width and a height: code that divides by them runs only then."""
        return min(self.shown) > 0

    @property
    def short_side(self) -> int:
        """What the API calls height: the shorter displayed side, so that portrait and landscape are alike."""
        return min(self.shown)

    @property
    def frame_seconds(self) -> float:
        """How long one frame is shown, on average; a 25th of a second where the rate is unknown."""
        return float(1 / self.rate) if self.rate else 0.04

    @property
    def own_rate(self) -> Fraction | None:
        """Moments for frames in a second, on the coarsest clock that they fit. Where few packets have a timestamp,
        ffprobe's clock is that of these packets and slower than the frames: then their own rate is returned."""
        if self.base_rate and self.rate and self.base_rate < self.rate * _LEAST_BASE_SHARE:
            return self.rate
        return self.base_rate or self.rate


@dataclass(frozen=True, slots=True)
class Audio(_Lasting):
    """An audio stream."""

    index: int
    codec: str
    profile: str = ""
    channels: int = 0
    layout: str = ""
    """ffprobe's name of its channels, such as ``5.1(side)``; see ``channels``."""
    sample_rate: int = 0
    duration: float | None = None
    start: float | None = None
    bit_rate: int | None = None
    tag: str = ""
    """As a video's."""
    has_key: bool = False
    """As a video's."""
    is_default: bool = False
    is_special: bool = False
    """For a part of the viewers: a commentary, a description for the blind, clear speech, karaoke."""
    language: str = ""
    """Three letters of ISO 639-2; empty where the container names none."""
    seen: float | None = None
    """Seconds by its packets, where these were looked at."""


@dataclass(frozen=True, slots=True)
class Other:
    """A stream that is neither picture nor sound."""

    index: int
    kind: str
    """``subtitle``, or ``data`` for anything else."""
    codec: str = "unknown"


@dataclass(frozen=True, slots=True)
class Media:
    """One file as ffprobe sees it."""

    demuxer: str
    """ffprobe's name of the container, such as ``mov,mp4,m4a,3gp,3g2,mj2``."""
    duration: float | None = None
    videos: tuple[Video, ...] = ()
    audios: tuple[Audio, ...] = ()
    start: float | None = None
    """When the first of its streams begins, on the file's clock; ffmpeg takes this for its zero."""
    bit_rate: int | None = None
    title: str = ""
    """One line, at most ``MOST_TITLE`` characters."""
    has_excess: bool = False
    """A picture of some stream has more than ``MOST_PIXELS``: ffprobe prints no size of that stream."""
    others: tuple[Other, ...] = ()
    programs: tuple[frozenset[int], ...] = ()
    """The streams of each program of a multiplex, by index; none in files without programs."""

    @property
    def choice(self) -> Choice:
        """The streams that are imported."""
        return choose(self)

    @property
    def video(self) -> Video | None:
        """The picture that is imported."""
        return self.choice.video

    @property
    def audio(self) -> Audio | None:
        """The sound that is imported, or the left side of it."""
        return self.choice.audio

    def are_together(self, one: int, other: int) -> bool:
        """Whether two streams belong to one program; what is in no program belongs to every one."""
        homes = [program for program in self.programs if one in program]
        is_free = not homes or not any(other in program for program in self.programs)
        return is_free or any(other in program for program in homes)


def with_lengths(media: Media, seconds: Mapping[int, float]) -> Media:
    """The same with the length of each stream by its packets, in seconds by index; a stream without packets has 0."""
    videos = tuple(replace(one, seen=seconds.get(one.index, 0.0)) for one in media.videos)
    return replace(
        media, videos=videos, audios=tuple(replace(one, seen=seconds.get(one.index, 0.0)) for one in media.audios)
    )
