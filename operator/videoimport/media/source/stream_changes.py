"""Parameters of a stream that change midway: the values that a header has for its start do not hold for its end.

A copied stream has one header, so a stream that changes is encoded: ``plan.steady`` and resampling handle each change.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from videoimport.media.source.probe import address, guarded
from videoimport.media.source.streams import Audio, Video

_WHOLE = ("vp9", "av1")
"""Codecs whose frames may have another size without being keyframes."""


def frames_argv(path: str, video: Video, *, is_copied: bool) -> list[str]:
    """ffprobe's command for the shape of each keyframe, as ``name=value|…`` a line.

    Of VP9 and AV1 that are copied, each frame is looked at; an encode handles any change, and only tells of it.
    """
    entries = "frame=best_effort_timestamp_time,width,height,pix_fmt,sample_aspect_ratio:frame_side_data=rotation"
    skip = () if is_copied and video.codec in _WHOLE else ("-skip_frame", "nokey")
    return [
        "ffprobe", "-hide_banner", "-v", "error", *skip, *guarded(path), "-select_streams", str(video.index),
        "-show_entries", entries, "-of", "compact=p=0", address(path),
    ]  # fmt: skip


def sound_argv(path: str, audio: Audio) -> list[str]:
    """ffmpeg's command that decodes an audio track. It writes a line to its error stream for its first frame, and for
    the first one of other parameters. The filters are made anew for these, and count from 0."""
    return [
        "ffmpeg", "-hide_banner", "-nostdin", "-nostats", "-v", "info", *guarded(path), "-i", address(path),
        "-map", f"0:{audio.index}", "-af", r"aselect=eq(n\,0),ashowinfo", "-f", "null", "-",
    ]  # fmt: skip


def has_one_header(demuxer: str, audio: Audio) -> bool:
    """Whether the container has the parameters of this sound once, and its packets none: no change can be seen."""
    return audio.codec == "aac" and demuxer in ("mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm")


@dataclass(frozen=True, slots=True)
class Shape:
    """The parameters of a frame, as words, and when it is shown."""

    at: float | None
    words: str


def change(shapes: Iterable[Shape], name: str, start: float | None) -> str:
    """The first change of ``name`` (video or audio) as a sentence without its end, or nothing.

    ``start`` is the file's first time, from which seconds are counted. All shapes are read.
    """
    first: Shape | None = None
    found = ""
    for shape in shapes:
        first = first or shape
        if not found and shape.words != first.words:
            at = f" at {shape.at - (start or 0.0):.1f} s" if shape.at is not None else ""
            found = f"{name} changes from {first.words} to {shape.words}{at}"
    return found


def frame_shapes(lines: Iterable[str]) -> Iterator[Shape]:
    """The shapes that ``frames_argv`` prints."""
    for line in lines:
        fields = dict(field.split("=", 1) for field in line.strip().split("|") if "=" in field)
        if fields.get("width", "").isdigit():
            yield Shape(_time(fields.get("best_effort_timestamp_time", "")), _frame_words(fields))


def sound_shapes(errors: str) -> Iterator[Shape]:
    """The shapes that ``sound_argv`` writes."""
    for found in _SHOWN.finditer(errors):
        yield Shape(_time(found["at"]), f"{found['rate']} Hz with {found['channels']} channels")


_SHOWN = re.compile(r"ashowinfo.* pts_time:(?P<at>\S+) .*channels:(?P<channels>\d+) .*rate:(?P<rate>\d+)")
_SQUARE = ("", "N/A", "0:1", "1:1")


def _frame_words(fields: Mapping[str, str]) -> str:
    aspect = fields.get("sample_aspect_ratio", "")
    pixels = "" if aspect in _SQUARE else f" with pixels of {aspect}"
    turned = f" turned by {fields['rotation']} degrees" if fields.get("rotation", "0") != "0" else ""
    return f"{fields['width']}x{fields['height']} {fields.get('pix_fmt', '')}{pixels}{turned}"


def _time(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
