"""ffprobe's commands, and the parser that turns ffprobe's JSON output into values."""

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
"""Maximum number of pixels in one frame. A decoder keeps up to 20 frames in memory.

An 8K frame has 33 million pixels, and an 8K frame for virtual reality has 67 million.
"""
MOST_LISTED = 1024
"""Maximum number of streams that are read from a file.

``requirements`` refuses a file with more than a quarter of them.
"""
MOST_SIDE_DATA = 64
MOST_BIT_RATE = 10**12
MOST_CHANNELS = 1024
MOST_SAMPLE_RATE = 10_000_000
"""Maximum sample rate in hertz. DSD has the highest rate in use."""
MOST_FRAME_RATE = 1_000_000
MOST_SAMPLE_ASPECT = Fraction(64)
"""Maximum aspect ratio of a pixel. The minimum is the inverse.

The least square pixels of a standard are 160:99. Analogue sampling and cropping give ratios up to 10:1.
"""
UNKNOWN_LEVEL = -99
"""libavcodec's FF_LEVEL_UNKNOWN."""
_BOUNDS = ("-max_pixels", str(MOST_PIXELS))
"""Options that limit the frame size for all decoders, also for decoders that ffprobe and ffmpeg run for analysis.

A cover picture of a few kilobytes may declare a size of gigabytes.
"""
_EXCESS = f"exceeds specified max pixel count {MOST_PIXELS}"
"""Message of libavutil's av_image_check_size2 about a frame with too many pixels."""
CONTAINERS = ("-format_whitelist", ",".join(DEMUXERS), *_BOUNDS)
"""Options that limit the demuxers. With ``-protocol_whitelist file`` alone, a playlist could open other files."""
GUARDS = ("-protocol_whitelist", "file", *CONTAINERS)
"""Options before every input of ffmpeg and ffprobe that is a file."""
LOOPBACK = "http://127.0.0.1:"
"""Start of the address of the worker's own server, which serves a file that is still growing.

ffmpeg never gets any other address.
"""


def guarded(place: str, *, seekable: bool = False) -> tuple[str, ...]:
    """Return the arguments before ``-i`` for a path or a loopback URL.

    Without ``seekable``, ffmpeg reads a URL from start to end and does not seek. With seeking, ffmpeg would first
    wait for the end of the file.
    """
    if place.startswith(LOOPBACK):
        return ("-protocol_whitelist", "http,tcp", *CONTAINERS, "-seekable", "1" if seekable else "0")
    return GUARDS


def address(place: str) -> str:
    """Return the argument with which ffmpeg opens a path or a loopback URL."""
    return place if place.startswith(LOOPBACK) else f"file:{place}"


def probe_argv(place: str, *, seekable: bool = False) -> list[str]:
    """Return the ffprobe command that prints the streams, the programs and the container format as JSON."""
    asked = ("-show_format", "-show_streams", "-show_programs", "-of", "json")
    return ["ffprobe", "-hide_banner", "-v", "error", *guarded(place, seekable=seekable), *asked, address(place)]


_NAMELESS_KEY = "Unsupported encoding type"
"""The Matroska demuxer's message about an encrypted track whose encryption key the file does not name."""


def complaints(errors: str) -> str:
    """Return ffmpeg's error output without the lines about frames that are too large to decode.

    A cover picture of such a size is not used. An earlier check refused every video of such a size.
    """
    return "".join(line for line in errors.splitlines(keepends=True) if _EXCESS not in line)


def parse_probe(text: str, errors: str = "") -> Media:
    """Return the values from ffprobe's JSON output and error output.

    Every value is within the limits of ``probe_bounds``. Raises ValueError if ``text`` is not a JSON object. A JSON
    object with any content raises no error.
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
    """Return the tags of a file or a stream with names in lower case.

    Container formats write these names in any case.
    """
    return {name.lower(): value for name, value in read_object(shape.get("tags")).items()}


def _language(stream: dict[str, Any]) -> str:
    found = read_name(_tags(stream).get("language")).lower()
    return found if len(found) == 3 and found.isascii() and found.isalpha() and found != "und" else ""


def _of_type(streams: Iterable[dict[str, Any]], wanted: str) -> list[dict[str, Any]]:
    return [stream for stream in streams if stream.get("codec_type") == wanted]


def _index(stream: dict[str, Any]) -> int | None:
    """Return the index of the stream. ffmpeg selects a stream by this index, and ffprobe's packets name it."""
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
"""ffprobe's dispositions of audio for only a part of the audience."""


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
    """Return the frames per second. Return None if the rate is beyond the range of a clock in microseconds."""
    rate = read_ratio(value)
    return rate if rate and rate <= MOST_FRAME_RATE else None


def _sample_aspect(value: object) -> Fraction:
    """Return the width of a pixel divided by its height. An unknown aspect ratio becomes 1 (square).

    A ratio beyond the limits becomes the limit. A limit is not 1, so such a video is not copied.
    """
    return max(1 / MOST_SAMPLE_ASPECT, min(read_ratio(value, ":") or Fraction(1), MOST_SAMPLE_ASPECT))


def _title(shape: dict[str, Any]) -> str:
    found = _tags(shape).get("title")
    return clean_text(found[: 4 * MOST_TITLE])[:MOST_TITLE] if isinstance(found, str) else ""


def _tag(stream: dict[str, Any]) -> str:
    """Return the codec tag of four characters, else "".

    ffprobe writes unprintable characters as numbers in brackets.
    """
    found = read_name(stream.get("codec_tag_string")).strip()
    return found if len(found) <= 4 else ""


_DOLBY_BASE_LAYERS = {"1": "smpte2084", "4": "arib-std-b67", "6": "smpte2084"}
"""Transfer of the base layer for each dv_bl_signal_compatibility_id.

Players without Dolby Vision show the base layer.
"""


def _hdr(side_data: Iterable[dict[str, Any]]) -> str:
    """Return the HDR transfer that side data proves, or "". HDR10 side data describes a PQ display.

    Dolby Vision side data names the transfer of the base layer.
    """
    for data in side_data:
        if found := _DOLBY_BASE_LAYERS.get(str(data.get("dv_bl_signal_compatibility_id"))):
            return found
        if data.get("side_data_type") in ("Mastering display metadata", "Content light level metadata"):
            return "smpte2084"
    return ""


def _rotation(side_data: Iterable[dict[str, Any]]) -> int:
    turned = next((data["rotation"] for data in side_data if "rotation" in data), None)
    return round(read_number(turned) or 0.0) % 360 // 90 * 90
