"""The three video codecs: the arguments of their encoders, and the codec levels that all common players support."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from types import MappingProxyType
from typing import Literal

from videoimport.api.output_options import Preset, VideoOutput

CodecName = Literal["h264", "hevc", "av1"]


@dataclass(frozen=True, slots=True)
class Ceiling:
    """A level of a codec, and the limits of this level in the lowest tier."""

    level: int
    """Level number as ffprobe prints it. Each codec has its own numbers."""
    name: str
    """Level name for people and encoders."""
    block: int
    """Side of a block in pixels. The level measures frames in whole square blocks."""
    area: int
    """Maximum number of pixels in a frame."""
    area_a_second: int
    longest: int
    """Maximum width or height in pixels."""
    kbps: int
    """Maximum kilobits a second."""

    def counted(self, width: int, height: int) -> int:
        """Return the number of pixels of a frame. Width and height are rounded up to whole blocks, as the level
        requires."""
        return -(-width // self.block) * -(-height // self.block) * self.block**2

    def holds(self, width: int, height: int) -> bool:
        """Return whether this level allows frames of this size."""
        return self.counted(width, height) <= self.area and max(width, height) <= self.longest


@dataclass(frozen=True, slots=True)
class Codec:
    """Properties of a codec."""

    encoder: str
    """ffmpeg's name of the encoder."""
    profiles: tuple[str, ...]
    """Supported profiles with 8-bit 4:2:0, as ffprobe names them."""
    highest: str
    """Name of the highest supported profile, for messages."""
    ceilings: tuple[tuple[int, Ceiling], ...]
    """Levels by the requested short side in pixels, smallest first."""


_CODECS: Mapping[CodecName, Codec] = MappingProxyType({
    # H.264 table A-1, with the bit rates of High profile (1.25 times the bit rates of Main profile).
    "h264": Codec("libx264", ("Baseline", "Constrained Baseline", "Main", "High"), "High", (
        (1080, Ceiling(42, "4.2", 16, 8_704 * 256, 522_240 * 256, 4_208, 62_500)),
        (2160, Ceiling(52, "5.2", 16, 36_864 * 256, 2_073_600 * 256, 8_688, 300_000)),
        (4320, Ceiling(62, "6.2", 16, 139_264 * 256, 16_711_680 * 256, 16_880, 800_000)),
    )),
    # H.265 tables A.8 and A.9, Main tier. ffprobe prints thirty times the level.
    "hevc": Codec("libx265", ("Main",), "Main", (
        (1080, Ceiling(123, "4.1", 8, 2_228_224, 133_693_440, 4_216, 20_000)),
        (2160, Ceiling(153, "5.1", 8, 8_912_896, 534_773_760, 8_440, 40_000)),
        (4320, Ceiling(183, "6.1", 8, 35_651_584, 2_139_095_040, 16_888, 120_000)),
    )),
    # AV1 annex A.3, Main tier. ffprobe prints seq_level_idx, whose value 31 means no level at all. The maximum side is
    # the level's maximum height, because tall videos reach this limit first.
    "av1": Codec("libsvtav1", ("Main",), "Main", (
        (1080, Ceiling(9, "4.1", 8, 2_359_296, 141_557_760, 3_456, 20_000)),
        (2160, Ceiling(13, "5.1", 8, 8_912_896, 534_773_760, 4_352, 40_000)),
        (4320, Ceiling(17, "6.1", 8, 35_651_584, 2_139_095_040, 8_704, 100_000)),
    )),
})  # fmt: skip

_SVT_PRESETS: Mapping[Preset, int] = MappingProxyType({
    "ultrafast": 12, "superfast": 11, "veryfast": 10, "faster": 9, "fast": 8, "medium": 7, "slow": 5, "slower": 4,
})  # fmt: skip
"""SVT-AV1's preset numbers with about the same balance of speed and size as the presets of x264 and x265."""


def known(wish: VideoOutput) -> Codec:
    """Return the properties of the requested codec."""
    return _CODECS[wish.codec]


def ceiling(wish: VideoOutput) -> Ceiling:
    """Return the level that all common players support. More than 1080 lines need a higher level."""
    return next(found for height, found in known(wish).ceilings if wish.max_height <= height)


def level_name(codec: str, level: int) -> str:
    """Return the name of a level for users, from ffprobe's number."""
    if codec == "av1":
        return f"{2 + level // 4}.{level % 4}"
    return f"{level / 30:.1f}" if codec == "hevc" else f"{level / 10:.1f}"


def capped_kbps(wish: VideoOutput) -> int:
    """Return the maximum bit rate of an encode in kbps: the requested bit rate, limited by the level."""
    return min(wish.max_bitrate_kbps, ceiling(wish).kbps)


def scaled_kbps(wish: VideoOutput, size: tuple[int, int], whole: tuple[int, int]) -> int:
    """Return the maximum bit rate in kbps for a smaller copy of the video.

    A video with a quarter of the pixels needs about a third of the bits.
    """
    share = min(Fraction(1), Fraction(size[0] * size[1], whole[0] * whole[1]))
    return max(100, round(wish.max_bitrate_kbps * math.pow(share, 0.75)))


def encoding(wish: VideoOutput, rate: Fraction | None = None) -> tuple[str, ...]:
    """Return ffmpeg's arguments for an encode. With these arguments, encoders print only errors.

    ``rate`` is the frames per second that the encoder gets, if this rate differs from the source's rate. x264 needs no
    rate, because it uses the times of the frames.
    """
    kbps, limit = capped_kbps(wish), ceiling(wish)
    preset = str(_SVT_PRESETS[wish.preset]) if wish.codec == "av1" else wish.preset
    told = f":fps={rate.numerator}/{rate.denominator}" if rate else ""
    own: Mapping[CodecName, tuple[str, ...]] = {
        "h264": ("-profile:v", "high", "-level:v", limit.name),
        "hevc": ("-profile:v", "main", "-x265-params", f"log-level=error:level-idc={limit.name}{told}", *tags("hevc")),
        "av1": ("-svtav1-params", f"fps-num={rate.numerator}:fps-denom={rate.denominator}") if rate else (),
    }
    return (
        "-c:v", known(wish).encoder, "-preset", preset, "-crf", str(wish.crf),
        "-maxrate", f"{kbps}k", "-bufsize", f"{2 * kbps}k", *own[wish.codec],
    )  # fmt: skip


def tags(codec: str) -> tuple[str, ...]:
    """Return the arguments for the codec tag hvc1 of H.265. Without them, ffmpeg writes hev1, which Apple's players
    refuse."""
    return ("-tag:v", "hvc1") if codec == "hevc" else ()


QUIET = MappingProxyType({"SVT_LOG": "1"})
"""Environment variables of ffmpeg.

Without SVT_LOG, SVT-AV1 prints its version to the error stream, also without errors.
"""
