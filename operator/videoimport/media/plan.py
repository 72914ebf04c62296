"""What is to be done with a source's streams: decided once, from what was found and what is wished."""

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from videoimport.api.output import Output, VideoOutput
from videoimport.media.compliance import (
    Ceiling,
    ceiling,
    is_hdr,
    is_interlaced,
    why_encode_audio,
    why_encode_video,
)
from videoimport.media.packets import Track
from videoimport.media.probe import Audio, Video

MOST_FRAMES_A_SECOND = 60


@dataclass(frozen=True, slots=True)
class Picture:
    """The chosen video stream of a source, and its packets."""

    video: Video
    track: Track


@dataclass(frozen=True, slots=True)
class Sound:
    """The chosen audio stream of a source, and its packets."""

    audio: Audio
    track: Track


@dataclass(frozen=True, slots=True)
class Plan:
    """The decision. ``why`` is fit for ``stages[].why``."""

    copy_video: bool
    copy_audio: bool
    why: str
    size: tuple[int, int]
    """Displayed width and height of the result."""

    @property
    def mode(self) -> Literal["Remux", "Encode"]:
        """The API's word: Remux means that the video is copied."""
        return "Remux" if self.copy_video else "Encode"


def decide(picture: Picture, sound: Sound | None, output: Output) -> Plan:
    """Copy what complies, encode the rest; mode Encode encodes both."""
    asked = "mode Encode asks for it" if output.mode == "Encode" else None
    for_video = asked or why_encode_video(picture.video, picture.track, output)
    for_audio = asked or (why_encode_audio(sound.audio, sound.track, output) if sound else None)
    return Plan(
        copy_video=for_video is None,
        copy_audio=for_audio is None,
        why=_why(for_video, for_audio, silent=sound is None),
        size=picture.video.shown if for_video is None else fitted(picture.video, output.video),
    )


def _why(for_video: str | None, for_audio: str | None, *, silent: bool) -> str:
    if for_video:
        return for_video
    if for_audio:
        return f"the video complies and is copied; {for_audio}, so the audio is encoded"
    return "the video complies and is copied; there is no audio" if silent else "video and audio comply and are copied"


def fitted(video: Video, wish: VideoOutput) -> tuple[int, int]:
    """The size an encode gives: even, never larger than displayed, within ``maxHeight`` and the level's frame size."""
    width, height = video.shown
    scale = min(Fraction(1), Fraction(wish.max_height, min(width, height)))
    limit = ceiling(wish)
    while _macroblocks(even(width * scale), even(height * scale)) > limit.macroblocks:
        scale *= Fraction(63, 64)
    return even(width * scale), even(height * scale)


def even(length: Fraction | int) -> int:
    """The nearest even length that is not larger, at least 2."""
    return max(2, int(length) // 2 * 2)


def _macroblocks(width: int, height: int) -> int:
    return -(-width // 16) * -(-height // 16)


def frames_a_second(size: tuple[int, int], limit: Ceiling) -> int:
    """The most frames a second the result may have: 60, or fewer where the level cannot have 60 of this size."""
    return max(1, min(MOST_FRAMES_A_SECOND, limit.macroblocks_a_second // _macroblocks(*size)))


def filters(video: Video, size: tuple[int, int]) -> tuple[str, ...]:
    """The video filters of an encode, in order: whole frames, size, then ordinary colours, 8-bit 4:2:0, square pixels.

    ffmpeg turns the picture upright before the first of them. Tone mapping comes after scaling: fewer pixels to map.
    """
    width, height = size
    interlaced = ("bwdif=mode=send_frame:deint=all",) if is_interlaced(video) else ()
    colours = _TONE_MAPPING if is_hdr(video) else ()
    return (*interlaced, f"scale={width}:{height}:flags=bicubic", *colours, "format=yuv420p", "setsar=1")


_TONE_MAPPING = (
    "zscale=transfer=linear:npl=100",
    "format=gbrpf32le",
    "zscale=primaries=bt709",
    "tonemap=tonemap=hable:desat=0",
    "zscale=transfer=bt709:matrix=bt709:range=tv",
)
