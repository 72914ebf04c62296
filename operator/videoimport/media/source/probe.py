"""ffprobe's argument lists, and its answer as values."""

from collections.abc import Iterable
from fractions import Fraction
from typing import Any

from videoimport.api.container_formats import DEMUXERS
from videoimport.api.untrusted_text import clean_text
from videoimport.media.source.probe_bounds import (
    parse_object,
    read_duration,
    read_flag,
    read_integer,
    read_name,
    read_number,
    read_object,
    read_objects,
    read_ratio,
    read_time,
)
from videoimport.media.source.streams import Audio, Media, Other, Video

MOST_TITLE = 256
MOST_PIXELS = 8192 * 8192
"""Of one picture: 8K has 33 million, 8K for virtual reality 67 million. A decoder keeps up to 20 of them."""
MOST_LISTED = 1024
"""Streams of a file that are looked at; ``requirements`` refuses a file with a quarter of them."""
MOST_SIDE_DATA = 64
MOST_BIT_RATE = 10**12
MOST_CHANNELS = 1024
MOST_SAMPLE_RATE = 10_000_000
"""Hertz; DSD's clock is the fastest in use."""
MOST_FRAME_RATE = 1_000_000
MOST_SAMPLE_ASPECT = Fraction(64)
"""And its inverse. The most uneven pixels of a standard are 160:99; analogue sampling and crops give up to 10:1."""
UNKNOWN_LEVEL = -99
"""libavcodec's FF_LEVEL_UNKNOWN."""
_BOUNDS = ("-max_pixels", str(MOST_PIXELS))
"""For decoders, also those that ffprobe and ffmpeg run to analyse a stream. A cover of some kilobytes may declare a
picture of gigabytes."""
_EXCESS = f"exceeds specified max pixel count {MOST_PIXELS}"
"""The message of libavutil's av_image_check_size2 about such a picture."""
CONTAINERS = ("-format_whitelist", ",".join(DEMUXERS), *_BOUNDS)
"""``-protocol_whitelist file`` alone would let a playlist open other files."""
GUARDS = ("-protocol_whitelist", "file", *CONTAINERS)
"""Options before every input of ffmpeg and ffprobe that is a file."""
LOOPBACK = "http://127.0.0.1:"
"""Our own server over a file that is still growing: the only address that ffmpeg is ever given."""


def guarded(place: str, *, seekable: bool = False) -> tuple[str, ...]:
    """The arguments before ``-i`` for a path or a loopback URL.

    A URL is read from its start to its end in one go, unless it is ``seekable``: else ffmpeg waits for the end first.
    """
    if place.startswith(LOOPBACK):
        return ("-protocol_whitelist", "http,tcp", *CONTAINERS, "-seekable", "1" if seekable else "0")
    return GUARDS


def address(place: str) -> str:
    """A path or a loopback URL in ffmpeg's form."""
    return place if place.startswith(LOOPBACK) else f"file:{place}"


def probe_argv(place: str, *, seekable: bool = False) -> list[str]:
    """ffprobe's command for streams and container as JSON."""
    asked = ("-show_format", "-show_streams", "-show_programs", "-of", "json")
    return ["ffprobe", "-hide_banner", "-v", "error", *guarded(place, seekable=seekable), *asked, address(place)]


_NAMELESS_KEY = "Unsupported encoding type"
"""The Matroska demuxer's message about a track that is encrypted with a key that it does not name."""


def complaints(errors: str) -> str:
    """What ffmpeg wrote to its error stream, without lines on pictures that are too large to decode. Such a cover is
    not used; such a video was refused before."""
    return "".join(line for line in errors.splitlines(keepends=True) if _EXCESS not in line)


def parse_probe(text: str, errors: str = "") -> Media:
    """Return ffprobe's JSON as a value, with what it wrote to its error stream. Every field is within ``bounds``.

    Raises ValueError for what is no JSON object; nothing within one raises.
    """
    raw = parse_object(text)
    streams = [stream for stream in read_objects(raw.get("streams"), MOST_LISTED) if _index(stream) is not None]
    shape = read_object(raw.get("format"))
    return Media(
        demuxer=read_name(shape.get("format_name")),
        duration=read_duration(shape.get("duration")),
        start=read_time(shape.get("start_time")),
        bit_rate=read_integer(shape.get("bit_rate"), most=MOST_BIT_RATE),
        title=_title(shape),
        has_excess=_EXCESS in errors,
        videos=tuple(_video(stream, has_key=_NAMELESS_KEY in errors) for stream in _of_type(streams, "video")),
        audios=tuple(_audio(stream) for stream in _of_type(streams, "audio")),
        others=tuple(_other(stream) for stream in streams if stream.get("codec_type") not in ("video", "audio")),
        programs=_programs(raw),
    )


def _tags(shape: dict[str, Any]) -> dict[str, Any]:
    """Of a file or a stream; containers write their names in any case."""
    return {name.lower(): value for name, value in read_object(shape.get("tags")).items()}


def _language(stream: dict[str, Any]) -> str:
    found = read_name(_tags(stream).get("language")).lower()
    return found if len(found) == 3 and found.isascii() and found.isalpha() and found != "und" else ""


def _of_type(streams: Iterable[dict[str, Any]], wanted: str) -> list[dict[str, Any]]:
    return [stream for stream in streams if stream.get("codec_type") == wanted]


def _index(stream: dict[str, Any]) -> int | None:
    """The stream's number, by which ffmpeg is asked for it and packets name it."""
    return read_integer(stream.get("index"))


def _video(stream: dict[str, Any], *, has_key: bool) -> Video:
    side_data = read_objects(stream.get("side_data_list"), MOST_SIDE_DATA)
    disposition = read_object(stream.get("disposition"))
    average, base = (_rate(stream.get(name)) for name in ("avg_frame_rate", "r_frame_rate"))
    return Video(
        index=_index(stream) or 0,
        codec=read_name(stream.get("codec_name")) or "unknown",
        profile=read_name(stream.get("profile")),
        level=read_integer(stream.get("level"), least=UNKNOWN_LEVEL) or 0,
        pixels=read_name(stream.get("pix_fmt")),
        width=read_integer(stream.get("width")) or 0,
        height=read_integer(stream.get("height")) or 0,
        sample_aspect=_sample_aspect(stream.get("sample_aspect_ratio")),
        rotation=_rotation(side_data),
        field_order=read_name(stream.get("field_order")),
        transfer=read_name(stream.get("color_transfer")),
        primaries=read_name(stream.get("color_primaries")),
        matrix=read_name(stream.get("color_space")),
        range=read_name(stream.get("color_range")),
        hdr=_hdr(side_data),
        rate=average or base,
        base_rate=base,
        is_uneven=average != base,
        duration=read_duration(stream.get("duration")),
        start=read_time(stream.get("start_time")),
        bit_rate=read_integer(stream.get("bit_rate"), most=MOST_BIT_RATE),
        dolby_vision=next((read_integer(data["dv_profile"]) for data in side_data if "dv_profile" in data), None),
        tag=_tag(stream),
        has_key=has_key or "enc_key_id" in _tags(stream),
        is_picture=read_flag(disposition.get("attached_pic")) or read_flag(disposition.get("timed_thumbnails")),
        is_default=read_flag(disposition.get("default")),
    )


def _audio(stream: dict[str, Any]) -> Audio:
    disposition = read_object(stream.get("disposition"))
    return Audio(
        index=_index(stream) or 0,
        codec=read_name(stream.get("codec_name")) or "unknown",
        profile=read_name(stream.get("profile")),
        channels=read_integer(stream.get("channels"), most=MOST_CHANNELS) or 0,
        sample_rate=read_integer(stream.get("sample_rate"), most=MOST_SAMPLE_RATE) or 0,
        duration=read_duration(stream.get("duration")),
        start=read_time(stream.get("start_time")),
        bit_rate=read_integer(stream.get("bit_rate"), most=MOST_BIT_RATE),
        layout=read_name(stream.get("channel_layout")),
        tag=_tag(stream),
        has_key="enc_key_id" in _tags(stream),
        is_default=read_flag(disposition.get("default")),
        is_special=any(read_flag(disposition.get(name)) for name in _SPECIAL),
        language=_language(stream),
    )


_SPECIAL = ("comment", "visual_impaired", "hearing_impaired", "karaoke")
"""ffprobe's dispositions of sound for a part of the audience."""


def _other(stream: dict[str, Any]) -> Other:
    kind = "subtitle" if stream.get("codec_type") == "subtitle" else "data"
    return Other(_index(stream) or 0, kind, read_name(stream.get("codec_name")) or "unknown")


def _programs(raw: dict[str, Any]) -> tuple[frozenset[int], ...]:
    programs = (
        frozenset(index for stream in streams if (index := _index(stream)) is not None)
        for program in read_objects(raw.get("programs"), MOST_LISTED)
        if (streams := read_objects(program.get("streams"), MOST_LISTED))
    )
    return tuple(program for program in programs if program)


def _rate(value: object) -> Fraction | None:
    """Frames a second; none where it is beyond the range of a clock of microseconds."""
    rate = read_ratio(value)
    return rate if rate and rate <= MOST_FRAME_RATE else None


def _sample_aspect(value: object) -> Fraction:
    """Width of a pixel by its height; unknown means square. A bound stays unequal to 1, so that it is not copied."""
    return max(1 / MOST_SAMPLE_ASPECT, min(read_ratio(value, ":") or Fraction(1), MOST_SAMPLE_ASPECT))


def _title(shape: dict[str, Any]) -> str:
    found = _tags(shape).get("title")
    return clean_text(found[: 4 * MOST_TITLE])[:MOST_TITLE] if isinstance(found, str) else ""


def _tag(stream: dict[str, Any]) -> str:
    """Four characters; ffprobe writes those that cannot be printed as numbers in brackets."""
    found = read_name(stream.get("codec_tag_string")).strip()
    return found if len(found) <= 4 else ""


_DOLBY_BASE_LAYERS = {"1": "smpte2084", "4": "arib-std-b67", "6": "smpte2084"}
"""The transfer by dv_bl_signal_compatibility_id, for players that do not know Dolby Vision."""


def _hdr(side_data: Iterable[dict[str, Any]]) -> str:
    """HDR10's boxes describe a PQ screen; Dolby Vision's name their base layer."""
    for data in side_data:
        if found := _DOLBY_BASE_LAYERS.get(str(data.get("dv_bl_signal_compatibility_id"))):
            return found
        if data.get("side_data_type") in ("Mastering display metadata", "Content light level metadata"):
            return "smpte2084"
    return ""


def _rotation(side_data: Iterable[dict[str, Any]]) -> int:
    turned = next((data["rotation"] for data in side_data if "rotation" in data), None)
    return round(read_number(turned) or 0.0) % 360 // 90 * 90
