"""Whether pictures are made of two fields although no flag marks it: ffmpeg's idet over samples of the video."""

import re
from dataclasses import dataclass
from fractions import Fraction

from videoimport.media.source.packet_scan import Track
from videoimport.media.source.probe import address, guarded
from videoimport.media.source.streams import Video

SAMPLES = 3
FRAMES_A_SAMPLE = 30
"""Each sample starts at a keyframe, so little is decoded besides."""
_TALLEST = 1152
"""Lines of the largest interlaced picture: 1080 in blocks of 64. No standard has a larger one."""
_SHORTEST = 400
"""Lines: no standard has an interlaced picture of fewer than 480, and some are cropped."""
_FASTEST = Fraction(31)
"""Frames a second: interlaced ones come at 25 or 30 at most."""
_LEAST_COMBED = 8
"""Frames, so that a scene cut or two prove nothing."""
_LEAST_SHARE = 0.25
"""Of the frames that idet could classify. Film on NTSC video (3:2 pulldown) has two combed frames in five."""
_MOST_OF_OTHER_ORDER = 1 / 8
"""Of the combed frames' own order: all frames of a video have one, and fine patterns look like either."""
_COUNTS = re.compile(r"Single frame detection: TFF:\s*(\d+) BFF:\s*(\d+) Progressive:\s*(\d+)")


@dataclass(frozen=True, slots=True)
class Counts:
    """Frames by idet's classes; those that it could not classify are left out.

    Its other counts repeat the last class for frames that it could not classify, and so multiply an error.
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
    """Whether a video that no flag calls interlaced could be: by its shape and rate."""
    is_landscape = video.rotation == 0 and video.width > video.height
    return is_landscape and _SHORTEST <= video.height <= _TALLEST and (video.rate is None or video.rate <= _FASTEST)


def moments(track: Track) -> tuple[float, ...]:
    """Seconds from the file's start at which samples begin: within the video, away from its ends."""
    return tuple(track.seconds * (number + 0.5) / (SAMPLES + 1) for number in range(SAMPLES))


def sample_argv(path: str, video: Video, at: float) -> list[str]:
    """ffmpeg's command that counts the frames of one sample."""
    seek = ("-noaccurate_seek", "-ss", f"{at:.3f}")
    return [
        "ffmpeg", "-hide_banner", "-nostdin", "-nostats", "-v", "info", *seek, "-noautorotate", *guarded(path),
        "-i", address(path), "-map", f"0:{video.index}", "-frames:v", str(FRAMES_A_SAMPLE), "-vf", "idet",
        "-f", "null", "-",
    ]  # fmt: skip


def counted(stderr: str) -> Counts:
    """The counts that idet prints at its end; nothing of a sample that could not be decoded."""
    found = _COUNTS.search(stderr)
    return Counts(*map(int, found.groups())) if found else Counts()


def field_order(counts: Counts) -> str:
    """``tt`` or ``bb``, as ffprobe calls it, for pictures of two fields; empty for whole ones."""
    other, combed = sorted((counts.top_first, counts.bottom_first))
    told = other + combed + counts.progressive
    if combed < max(_LEAST_COMBED, _LEAST_SHARE * told) or other > _MOST_OF_OTHER_ORDER * combed:
        return ""
    return "tt" if combed == counts.top_first else "bb"
