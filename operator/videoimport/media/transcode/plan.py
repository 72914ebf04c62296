"""The plan for a source's streams: decided once, from the findings and the spec."""

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Literal

from videoimport.api.output_options import Output, VideoOutput
from videoimport.media.source.packet_scan import Track
from videoimport.media.source.streams import Audio, Video
from videoimport.media.transcode import color
from videoimport.media.transcode.compliance import (
    is_interlaced,
    why_encode_audio,
    why_encode_audio_file,
    why_encode_video,
)
from videoimport.media.transcode.encoder_arguments import Ceiling, ceiling
from videoimport.media.transcode.filter_graph import Filter

MOST_FRAMES_A_SECOND = 60
Mode = Literal["Remux", "Encode", "Original"]


@dataclass(frozen=True, slots=True)
class Picture:
    """The chosen video stream of a source, and its packets."""

    video: Video
    track: Track


@dataclass(frozen=True, slots=True)
class Sound:
    """The chosen audio stream of a source, and its packets."""

    audio: Audio
    """With two channels where ``second`` is joined to it."""
    track: Track
    second: Audio | None = None
    """The right side, in a mono track of its own."""


@dataclass(frozen=True, slots=True)
class TranscodePlan:
    """The decision. ``why`` is fit for ``stages[].why``."""

    copy_video: bool
    copy_audio: bool
    why: str
    size: tuple[int, int]
    """Displayed width and height of the result."""
    copy_audio_file: bool = False
    """Of ``output.audioFile``: AAC that complies goes into an m4a as it is."""
    is_original: bool = False
    """The bytes are kept unchanged; nothing is made."""

    @property
    def mode(self) -> Mode:
        """The API's word: Remux means that the video is copied."""
        if self.is_original:
            return "Original"
        return "Remux" if self.copy_video else "Encode"


def decide(picture: Picture, sound: Sound | None, output: Output) -> TranscodePlan:
    """Auto copies what complies and encodes the rest; the other modes decide for both streams."""
    if output.mode == "Original":
        why = "mode Original keeps the source's bytes unchanged"
        return TranscodePlan(copy_video=True, copy_audio=True, why=why, size=picture.video.shown, is_original=True)
    for_video, for_audio = _reasons(picture, sound, output)
    return TranscodePlan(
        copy_video=for_video is None,
        copy_audio=for_audio is None,
        why=_why(for_video, for_audio, output, silent=sound is None)[:256],
        size=picture.video.shown if for_video is None else fitted(picture.video, output.video),
        copy_audio_file=sound is not None and _copies_audio_file(sound, output),
    )


def encode_instead(plan: TranscodePlan, picture: Picture, output: Output, failure: str) -> TranscodePlan | None:
    """Return the plan after a copy that failed its checks, once in mode Auto. None if nothing was copied, or if the
    mode requires a copy."""
    if output.mode != "Auto" or not (plan.copy_video or plan.copy_audio):
        return None
    return replace(
        plan,
        copy_video=False,
        copy_audio=False,
        copy_audio_file=False,
        size=fitted(picture.video, output.video),
        why=f"a copy was made first and failed ({failure.rstrip('.')[:128]}); before that: {plan.why}"[:256],
    )


def _reasons(picture: Picture, sound: Sound | None, output: Output) -> tuple[str | None, str | None]:
    """Why video and audio are encoded; None for what is copied."""
    if output.mode == "Remux":
        return None, None
    if output.mode == "Encode":
        return ("mode Encode asks for it",) * 2
    for_audio = (why_joined(sound) or why_encode_audio(sound.audio, sound.track, output)) if sound else None
    return why_encode_video(picture.video, picture.track, output), for_audio


def why_joined(sound: Sound) -> str | None:
    """Why sound in two tracks is encoded; None for sound in one."""
    return "two mono tracks are joined to stereo" if sound.second else None


def _copies_audio_file(sound: Sound, output: Output) -> bool:
    return not sound.second and why_encode_audio_file(sound.audio, sound.track, output) is None


def _why(for_video: str | None, for_audio: str | None, output: Output, *, silent: bool) -> str:
    missing = "; there is no audio for audioFile" if silent and output.audio_file else ""
    if output.mode == "Remux":
        return f"mode Remux copies always{missing}"
    if for_video:
        return f"{for_video}{missing}"
    if for_audio:
        return f"the video complies and is copied; {for_audio}, so the audio is encoded"
    return f"the video complies and is copied; there is no audio{missing}" if silent else _BOTH


_BOTH = "video and audio comply and are copied"


def fitted(video: Video, wish: VideoOutput) -> tuple[int, int]:
    """The size an encode gives: even, never larger than displayed, within ``maxHeight`` and the level's frame size."""
    width, height = video.shown
    scale = min(Fraction(1), Fraction(wish.max_height, min(width, height)))
    limit = ceiling(wish)
    while not limit.holds(even(width * scale), even(height * scale)):
        scale *= Fraction(63, 64)
    return even(width * scale), even(height * scale)


def even(length: Fraction | int) -> int:
    """The nearest even length that is not larger, at least 2."""
    return max(2, int(length) // 2 * 2)


def frames_a_second(size: tuple[int, int], limit: Ceiling) -> int:
    """The most frames a second the result may have: 60, or fewer where the level cannot have 60 of this size."""
    return max(1, min(MOST_FRAMES_A_SECOND, limit.area_a_second // limit.counted(*size)))


def wholesome(video: Video) -> tuple[Filter, ...]:
    """The first filters of any encode: tags that are missing are written, half pictures become whole ones; ffmpeg has
    turned them upright before."""
    parity = _PARITIES.get(video.combed, "auto")
    whole = Filter("bwdif", {"mode": "send_frame", "parity": parity, "deint": "all"})
    return (color.named(color.assumed(video)), *((whole,) if is_interlaced(video) else ()))


_PARITIES = {"tt": "tff", "bb": "bff"}
"""bwdif's names of the field that comes first, where frames do not declare it."""


def smaller(size: tuple[int, int]) -> Filter:
    """The filter from an encode's picture to a smaller one."""
    return Filter("scale", {"w": size[0], "h": size[1], "flags": "bicubic"})


SAME_ASPECT = 0.01
"""Aspect ratios that differ by less than this part are one: sizes are rounded to whole pixels."""


def scaled(video: Video, size: tuple[int, int]) -> tuple[Filter, ...]:
    """The filters for a size. Each frame is scaled by its own size and aspect ratio, which may change midway.

    A frame of the first one's shape fills the size, any other one is the largest that fits into it; ``framed`` fills
    the rest.
    """
    width, height = size
    shape = f"{video.shown[0] / max(1, video.shown[1]) or 1:.6f}"
    is_same = f"lt(abs(dar/{shape}-1),{SAME_ASPECT})"
    across = f"if({is_same},{width},max(2,2*trunc({width}*min(1,dar/{shape})/2)))"
    down = f"if({is_same},{height},max(2,2*trunc({height}*min(1,{shape}/dar)/2)))"
    return color.scaled(video, {"w": across, "h": down, "flags": "bicubic", "eval": "frame"})


def framed(size: tuple[int, int]) -> Filter:
    """The filter that puts a frame into the middle of a size, in black; one that fills it passes as it is."""
    place = {"x": "2*trunc((ow-iw)/4)", "y": "2*trunc((oh-ih)/4)"}
    return Filter("pad", {"w": size[0], "h": size[1], **place, "eval": "frame"})


def filters(video: Video, size: tuple[int, int]) -> tuple[Filter, ...]:
    """All filters of one picture, in order."""
    return (*wholesome(video), *scaled(video, size), *color.ordinary(video), framed(size))
