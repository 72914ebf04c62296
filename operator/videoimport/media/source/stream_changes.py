"""Detection of stream parameters that change within a stream, so that the header does not describe the whole stream.

A copied stream has only one header, so a stream that changes is encoded. The functions ``scaled`` and ``framed``
of ``media.transcode.plan`` handle changes of the video. Resampling handles changes of the audio.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from videoimport.media.source.probe import address, guarded
from videoimport.media.source.streams import Audio, Video

_WHOLE = ("vp9", "av1")
"""Codecs whose frames may change size at a frame that is not a keyframe."""


def frames_argv(path: str, video: Video, *, is_copied: bool) -> list[str]:
    """Return ffprobe's command that prints the parameters of each keyframe, as one line of ``name=value|…`` per frame.

    For copied VP9 and AV1, the command prints every frame. An encode handles every change. For an encode, the keyframes
    are enough for the message to the user.
    """
    entries = "frame=best_effort_timestamp_time,width,height,pix_fmt,sample_aspect_ratio:frame_side_data=rotation"
    skip = () if is_copied and video.codec in _WHOLE else ("-skip_frame", "nokey")
    return [
        "ffprobe", "-hide_banner", "-v", "error", *skip, *guarded(path), "-select_streams", str(video.index),
        "-show_entries", entries, "-of", "compact=p=0", address(path),
    ]  # fmt: skip


def sound_argv(path: str, audio: Audio) -> list[str]:
    """Return the ffmpeg command that decodes an audio track and prints its parameters to the error stream.

    ffmpeg writes one line for the first frame, and one line for each later frame whose parameters differ. At each
    change, ffmpeg creates the filters again, and the filters then count frames from 0.
    """
    return [
        "ffmpeg", "-hide_banner", "-nostdin", "-nostats", "-v", "info", *guarded(path), "-i", address(path),
        "-map", f"0:{audio.index}", "-af", r"aselect=eq(n\,0),ashowinfo", "-f", "null", "-",
    ]  # fmt: skip


def has_one_header(demuxer: str, audio: Audio) -> bool:
    """Return whether the container format stores the audio parameters only once, and not in the packets.

    In such a file, no change can be detected.
    """
    return audio.codec == "aac" and demuxer in ("mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm")


@dataclass(frozen=True, slots=True)
class Shape:
    """The parameters of a frame as text, and the display time of the frame."""

    at: float | None
    words: str


def change(shapes: Iterable[Shape], name: str, start: float | None) -> str:
    """Return a phrase about the first change of ``name`` (video or audio), or "" if there is no change.

    ``start`` is the first time in the file. The seconds in the phrase are relative to this time. The function consumes
    all shapes.
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
    """Yield the shapes from the output of ``frames_argv``."""
    for line in lines:
        fields = dict(field.split("=", 1) for field in line.strip().split("|") if "=" in field)
        if fields.get("width", "").isdigit():
            yield Shape(_time(fields.get("best_effort_timestamp_time", "")), _frame_words(fields))


def sound_shapes(errors: str) -> Iterator[Shape]:
    """Yield the shapes from the error output of ``sound_argv``."""
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
