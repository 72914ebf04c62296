"""Detection of interlaced video that is not marked as interlaced, with ffmpeg's idet filter on samples of the video."""

import re
from dataclasses import dataclass
from fractions import Fraction

from videoimport.media.source.packet_scan import Track
from videoimport.media.source.probe import address, guarded
from videoimport.media.source.streams import Video

SAMPLES = 3
FRAMES_A_SAMPLE = 30
"""Number of frames in a sample. Each sample starts at a keyframe, so ffmpeg decodes few other frames."""
_TALLEST = 1152
"""Maximum number of lines in an interlaced frame: 1080 lines in blocks of 64.

No standard has a taller interlaced frame.
"""
_SHORTEST = 400
"""Minimum number of lines in an interlaced frame. Standards have at least 480 lines, but some videos are cropped."""
_FASTEST = Fraction(31)
"""Maximum frame rate of interlaced video in frames per second. Interlaced video has 25 or 30 frames per second."""
_LEAST_COMBED = 8
"""Minimum number of interlaced frames in the samples, so that one or two scene cuts prove nothing."""
_LEAST_SHARE = 0.25
"""Minimum share of interlaced frames among the frames that idet could classify.

Film on NTSC video (3:2 pulldown) has two interlaced frames in five.
"""
_MOST_OF_OTHER_ORDER = 1 / 8
"""Maximum ratio of interlaced frames in the other field order to interlaced frames in the main field order.

All frames of one video have the same field order, but in fine patterns, idet may detect either order.
"""
_COUNTS = re.compile(r"Single frame detection: TFF:\s*(\d+) BFF:\s*(\d+) Progressive:\s*(\d+)")


@dataclass(frozen=True, slots=True)
class Counts:
    """Numbers of frames in each class, from idet's single frame detection. Frames that idet could not classify are
    left out. idet's other numbers put such a frame into the class of the frame before it. So one wrong frame makes
    several wrong frames.
    """

    top_first: int = 0
    bottom_first: int = 0
    progressive: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.top_first + other.top_first,
            self.bottom_first + other.bottom_first,
            self.progressive + other.progressive,
        )


def is_in_doubt(video: Video) -> bool:
    """Return whether a video without a mark for interlacing could be interlaced, from the size and the frame rate of
    the video."""
    is_landscape = video.rotation == 0 and video.width > video.height
    return is_landscape and _SHORTEST <= video.height <= _TALLEST and (video.rate is None or video.rate <= _FASTEST)


def moments(track: Track) -> tuple[float, ...]:
    """Return the start times of the samples, in seconds from the file's start.

    No sample is near the ends of the video.
    """
    return tuple(track.seconds * (number + 0.5) / (SAMPLES + 1) for number in range(SAMPLES))


def sample_argv(path: str, video: Video, at: float) -> list[str]:
    """Return the ffmpeg command that classifies the frames of one sample."""
    seek = ("-noaccurate_seek", "-ss", f"{at:.3f}")
    return [
        "ffmpeg", "-hide_banner", "-nostdin", "-nostats", "-v", "info", *seek, "-noautorotate", *guarded(path),
        "-i", address(path), "-map", f"0:{video.index}", "-frames:v", str(FRAMES_A_SAMPLE), "-vf", "idet",
        "-f", "null", "-",
    ]  # fmt: skip


def counted(stderr: str) -> Counts:
    """Return the numbers of frames that idet prints at the end. Return zeros if the sample cannot be decoded."""
    found = _COUNTS.search(stderr)
    return Counts(*map(int, found.groups())) if found else Counts()


def field_order(counts: Counts) -> str:
    """Return ffprobe's name of the field order for interlaced video: ``tt`` or ``bb``.

    Return "" for progressive video.
    """
    other, combed = sorted((counts.top_first, counts.bottom_first))
    told = other + combed + counts.progressive
    if combed < max(_LEAST_COMBED, _LEAST_SHARE * told) or other > _MOST_OF_OTHER_ORDER * combed:
        return ""
    return "tt" if combed == counts.top_first else "bb"
