"""Asking ffprobe what a file holds, and its answer as values."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

DEMUXERS = (
    "mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm", "avi", "mpegts", "mpeg", "flv", "asf", "ogg", "mxf",
    "mp3", "aac", "flac", "wav",
)  # fmt: skip
"""Real containers. A playlist names other files to open, and ``-protocol_whitelist file`` alone lets it do so."""

_CONTAINERS = ("-format_whitelist", ",".join(DEMUXERS))
GUARDS = ("-protocol_whitelist", "file", *_CONTAINERS)
"""Stand before every input of ffmpeg and ffprobe that is a file."""
LOOPBACK = "http://127.0.0.1:"
"""Our own server over a file that is still growing: the only address that ffmpeg is ever given."""


def guarded(place: str, *, seekable: bool = False) -> tuple[str, ...]:
    """The words before ``-i`` for a path or a loopback URL.

    A URL is read from its start to its end in one go, unless it is ``seekable``: else ffmpeg waits for the end first.
    """
    if place.startswith(LOOPBACK):
        return ("-protocol_whitelist", "http,tcp", *_CONTAINERS, "-seekable", "1" if seekable else "0")
    return GUARDS


def address(place: str) -> str:
    """A path or a loopback URL as ffmpeg is told it."""
    return place if place.startswith(LOOPBACK) else f"file:{place}"


def probe_argv(place: str, *, seekable: bool = False) -> list[str]:
    """ffprobe's command for streams and container as JSON."""
    asked = ("-show_format", "-show_streams", "-of", "json")
    return ["ffprobe", "-hide_banner", "-v", "error", *guarded(place, seekable=seekable), *asked, address(place)]


@dataclass(frozen=True, slots=True)
class Video:
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
    transfer: str = ""
    rate: Fraction | None = None
    """Average frames a second."""
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
    is_picture: bool = False
    """An attached picture such as a cover: no moving video."""
    is_default: bool = False

    @property
    def shown(self) -> tuple[int, int]:
        """Width and height as displayed: square pixels, upright."""
        width, height = round(self.width * self.sample_aspect), self.height
        return (height, width) if self.rotation in (90, 270) else (width, height)

    @property
    def short_side(self) -> int:
        """What the API calls height: the shorter displayed side, so that portrait and landscape are alike."""
        return min(self.shown)

    @property
    def frame_seconds(self) -> float:
        """How long one frame is shown, on average; a 25th of a second where the rate is unknown."""
        return float(1 / self.rate) if self.rate else 0.04


@dataclass(frozen=True, slots=True)
class Audio:
    """An audio stream."""

    index: int
    codec: str
    profile: str = ""
    channels: int = 0
    sample_rate: int = 0
    duration: float | None = None
    start: float | None = None
    bit_rate: int | None = None
    is_default: bool = False


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

    @property
    def video(self) -> Video | None:
        """The default moving picture, else the first."""
        moving = [video for video in self.videos if not video.is_picture]
        return next((video for video in moving if video.is_default), moving[0] if moving else None)

    @property
    def audio(self) -> Audio | None:
        """The default audio track that has channels, else the first."""
        heard = [audio for audio in self.audios if audio.channels]
        return next((audio for audio in heard if audio.is_default), heard[0] if heard else None)


def parse_probe(text: str) -> Media:
    """ffprobe's JSON as a value; raises ValueError for anything that is not such JSON."""
    raw = json.loads(text)
    streams = raw.get("streams", [])
    shape = raw.get("format", {})
    return Media(
        demuxer=shape.get("format_name", ""),
        duration=_seconds(shape.get("duration")),
        start=_seconds(shape.get("start_time")),
        bit_rate=_whole(shape.get("bit_rate")),
        videos=tuple(_video(stream) for stream in _of_type(streams, "video")),
        audios=tuple(_audio(stream) for stream in _of_type(streams, "audio")),
    )


def _of_type(streams: Iterable[dict[str, Any]], wanted: str) -> list[dict[str, Any]]:
    return [stream for stream in streams if stream.get("codec_type") == wanted]


def _video(stream: dict[str, Any]) -> Video:
    side_data = stream.get("side_data_list", [])
    disposition = stream.get("disposition", {})
    return Video(
        index=stream["index"],
        codec=stream.get("codec_name", "unknown"),
        profile=stream.get("profile", ""),
        level=stream.get("level", 0),
        pixels=stream.get("pix_fmt", ""),
        width=stream.get("width", 0),
        height=stream.get("height", 0),
        sample_aspect=_ratio(stream.get("sample_aspect_ratio", "1:1").replace(":", "/")) or Fraction(1),
        rotation=_rotation(side_data),
        field_order=stream.get("field_order", ""),
        transfer=stream.get("color_transfer", ""),
        rate=_ratio(stream.get("avg_frame_rate", "")) or _ratio(stream.get("r_frame_rate", "")),
        is_uneven=_ratio(stream.get("avg_frame_rate", "")) != _ratio(stream.get("r_frame_rate", "")),
        duration=_seconds(stream.get("duration")),
        start=_seconds(stream.get("start_time")),
        bit_rate=_whole(stream.get("bit_rate")),
        dolby_vision=next((data["dv_profile"] for data in side_data if "dv_profile" in data), None),
        is_picture=bool(disposition.get("attached_pic") or disposition.get("timed_thumbnails")),
        is_default=bool(disposition.get("default")),
    )


def _audio(stream: dict[str, Any]) -> Audio:
    return Audio(
        index=stream["index"],
        codec=stream.get("codec_name", "unknown"),
        profile=stream.get("profile", ""),
        channels=stream.get("channels", 0),
        sample_rate=int(stream.get("sample_rate", 0)),
        duration=_seconds(stream.get("duration")),
        start=_seconds(stream.get("start_time")),
        bit_rate=_whole(stream.get("bit_rate")),
        is_default=bool(stream.get("disposition", {}).get("default")),
    )


def _rotation(side_data: Iterable[dict[str, Any]]) -> int:
    turned = next((data["rotation"] for data in side_data if "rotation" in data), 0)
    return round(float(turned)) % 360 // 90 * 90


def _seconds(text: str | None) -> float | None:
    return float(text) if text not in (None, "N/A") else None


def _whole(text: str | None) -> int | None:
    return int(text) if text and text.isdigit() else None


def _ratio(text: str) -> Fraction | None:
    """A positive fraction such as ``30000/1001``, or None for ``0/0``, ``0/1`` and nothing."""
    above, _, below = text.partition("/")
    if not (above.isdigit() and below.isdigit()) or int(above) == 0 or int(below) == 0:
        return None
    return Fraction(int(above), int(below))
