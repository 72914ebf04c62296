"""A file and its streams, as ffprobe describes them."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from videoimport.media.source.stream_choice import Choice, choose

_LEAST_BASE_SHARE = Fraction(9, 10)
"""Smallest part of the average frame rate that ffprobe's base rate may be: an average over few frames is inexact."""


class _Lasting:
    """Base class of streams that have a length."""

    __slots__ = ()
    duration: float | None
    seen: float | None

    @property
    def length(self) -> float | None:
        """The larger of the declared and the measured length, in seconds. The value is None if both are unknown. A
        declared length is used even if the file contains less."""
        return max((one for one in (self.duration, self.seen) if one is not None), default=None)


@dataclass(frozen=True, slots=True)
class Video(_Lasting):
    """A video stream. ``width`` and ``height`` are the stored size. ``shown`` is the displayed size."""

    index: int
    codec: str
    profile: str = ""
    level: int = 0
    """ffprobe's number of the level. For H.264 this is ten times the level."""
    pixels: str = ""
    """ffprobe's ``pix_fmt``."""
    width: int = 0
    height: int = 0
    sample_aspect: Fraction = Fraction(1)
    rotation: int = 0
    """Rotation in degrees: 0, 90, 180 or 270."""
    field_order: str = ""
    combed: str = ""
    """``tt`` or ``bb`` if the video is interlaced although ``field_order`` does not declare it. See ``interlace``."""
    transfer: str = ""
    """Transfer tag of the colours, as ffprobe names it. See ``color``, also for ``primaries`` and ``matrix``."""
    primaries: str = ""
    matrix: str = ""
    range: str = ""
    """Range of the samples: ``tv`` (limited), ``pc`` (full) or empty."""
    hdr: str = ""
    """Transfer that HDR side data proves, whatever the tag is: PQ, HLG or empty."""
    rate: Fraction | None = None
    """Average frames per second."""
    base_rate: Fraction | None = None
    """Lowest steady frame rate whose grid contains the times of all frames.

    If times are uneven, the rate is a guess.
    """
    is_uneven: bool = False
    """True if the frames come at uneven times. Most frames then do not follow the average rate."""
    duration: float | None = None
    """Duration in seconds that the container format declares for this stream."""
    start: float | None = None
    """Start time of the stream in seconds, on the file's clock."""
    bit_rate: int | None = None
    """Bits a second that the container format declares for this stream."""
    dolby_vision: int | None = None
    """Dolby Vision profile, or None."""
    tag: str = ""
    """The container format's name of the codec, in printable characters. The value is empty if there is no such name.
    """
    has_key: bool = False
    """True if the container format names an encryption key for the packets."""
    is_picture: bool = False
    """True if the stream is an attached picture, such as a cover, and not a moving video."""
    is_default: bool = False
    seen: float | None = None
    """Length in seconds from the packets. The value is None if the packets were not read."""

    @property
    def shown(self) -> tuple[int, int]:
        """Displayed width and height, after rotation to upright and with square pixels."""
        width, height = round(self.width * self.sample_aspect), self.height
        return (height, width) if self.rotation in (90, 270) else (width, height)

    @property
    def has_size(self) -> bool:
        """True if the video has a width and a height. Code that divides by the size runs only then."""
        return min(self.shown) > 0

    @property
    def short_side(self) -> int:
        """The shorter side of the displayed video in pixels. The API calls this side height, so that portrait and
        landscape videos have the same limits."""
        return min(self.shown)

    @property
    def frame_seconds(self) -> float:
        """Average number of seconds for which a frame is displayed. If the rate is unknown, the value is 1/25."""
        return float(1 / self.rate) if self.rate else 0.04

    @property
    def own_rate(self) -> Fraction | None:
        """Number of frame positions per second, on the coarsest clock that fits the times of all frames.

        This is ffprobe's base rate. If only few packets have a timestamp, ffprobe's base rate is lower than the average
        frame rate. Then the value is the average frame rate.
        """
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
    """ffprobe's name of the channel layout, such as ``5.1(side)``. See ``channels``."""
    sample_rate: int = 0
    duration: float | None = None
    start: float | None = None
    bit_rate: int | None = None
    tag: str = ""
    """Same as ``Video.tag``."""
    has_key: bool = False
    """Same as ``Video.has_key``."""
    is_default: bool = False
    is_special: bool = False
    """True if the audio is for a part of the audience: a commentary, an audio description, clear speech or karaoke."""
    language: str = ""
    """Language code of three letters (ISO 639-2). The value is empty if the container format names no language."""
    seen: float | None = None
    """Length in seconds from the packets. The value is None if the packets were not read."""


@dataclass(frozen=True, slots=True)
class Other:
    """A stream that is neither video nor audio."""

    index: int
    kind: str
    """``subtitle``, or ``data`` for any other stream."""
    codec: str = "unknown"


@dataclass(frozen=True, slots=True)
class Media:
    """One file as ffprobe describes it."""

    demuxer: str
    """ffprobe's name of the container format, such as ``mov,mp4,m4a,3gp,3g2,mj2``."""
    duration: float | None = None
    videos: tuple[Video, ...] = ()
    audios: tuple[Audio, ...] = ()
    start: float | None = None
    """Earliest start time of the streams in seconds, on the file's clock. ffmpeg uses this time as 0."""
    bit_rate: int | None = None
    title: str = ""
    """Title in one line, at most ``MOST_TITLE`` characters."""
    has_excess: bool = False
    """True if a stream has frames of more than ``MOST_PIXELS`` pixels. ffprobe prints no size for such a stream."""
    others: tuple[Other, ...] = ()
    programs: tuple[frozenset[int], ...] = ()
    """Indexes of the streams in each program of a multiplex. Empty for files without programs."""

    @property
    def choice(self) -> Choice:
        """The streams that are imported."""
        return choose(self)

    @property
    def video(self) -> Video | None:
        """The video stream that is imported."""
        return self.choice.video

    @property
    def audio(self) -> Audio | None:
        """The audio stream that is imported. If two mono tracks are imported as stereo, this is the left track."""
        return self.choice.audio

    def are_together(self, one: int, other: int) -> bool:
        """Return whether two streams belong to one program. A stream without a program belongs to every program."""
        homes = [program for program in self.programs if one in program]
        is_free = not homes or not any(other in program for program in self.programs)
        return is_free or any(other in program for program in homes)


def with_lengths(media: Media, seconds: Mapping[int, float]) -> Media:
    """Return the file with the measured length of each stream. ``seconds`` has the lengths by stream index. A stream
    without packets gets 0."""
    videos = tuple(replace(one, seen=seconds.get(one.index, 0.0)) for one in media.videos)
    return replace(
        media, videos=videos, audios=tuple(replace(one, seen=seconds.get(one.index, 0.0)) for one in media.audios)
    )
