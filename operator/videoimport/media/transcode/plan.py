"""The plan for a source's streams, decided once from the facts of the source and the spec."""

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
    """The audio stream. It has two channels if ``second`` is joined to it."""
    track: Track
    second: Audio | None = None
    """The right channel, if it is a separate mono track."""


@dataclass(frozen=True, slots=True)
class TranscodePlan:
    """The plan for a source. ``why`` is a text for ``stages[].why``."""

    copy_video: bool
    copy_audio: bool
    why: str
    size: tuple[int, int]
    """Displayed width and height of the result."""
    copy_audio_file: bool = False
    """True if the audio for ``output.audioFile`` is copied. Compliant AAC goes into an m4a file unchanged."""
    is_original: bool = False
    """True if the bytes of the source are kept unchanged and ffmpeg makes no file."""

    @property
    def mode(self) -> Mode:
        """The mode as the API names it. Remux means that the video is copied."""
        if self.is_original:
            return "Original"
        return "Remux" if self.copy_video else "Encode"


def decide(picture: Picture, sound: Sound | None, output: Output) -> TranscodePlan:
    """Return the plan for the chosen streams. Mode Auto copies compliant streams and encodes the others.

    The other modes apply to both streams.
    """
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
    """Return the plan after a copy that failed its checks, in mode Auto.

    Return None if nothing was copied, or if the mode requires a copy.
    """
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
    """Return the reasons to encode the video and the audio. A reason is None if the stream is copied."""
    if output.mode == "Remux":
        return None, None
    if output.mode == "Encode":
        return ("mode Encode asks for it",) * 2
    for_audio = (why_joined(sound) or why_encode_audio(sound.audio, sound.track, output)) if sound else None
    return why_encode_video(picture.video, picture.track, output), for_audio


def why_joined(sound: Sound) -> str | None:
    """Return the reason to encode audio that is in two tracks. Return None if the audio is in one track."""
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
    """Return the displayed width and height of an encode.

    Both are even. They are limited by the size of the source, by ``maxHeight`` and by the frame size of the level.
    """
    width, height = video.shown
    scale = min(Fraction(1), Fraction(wish.max_height, min(width, height)))
    limit = ceiling(wish)
    while not limit.holds(even(width * scale), even(height * scale)):
        scale *= Fraction(63, 64)
    return even(width * scale), even(height * scale)


def even(length: Fraction | int) -> int:
    """Return the largest even number up to ``length``, but at least 2."""
    return max(2, int(length) // 2 * 2)


def frames_a_second(size: tuple[int, int], limit: Ceiling) -> int:
    """Return the maximum frames per second of the result: 60, or fewer if the level does not allow 60 at this size."""
    return max(1, min(MOST_FRAMES_A_SECOND, limit.area_a_second // limit.counted(*size)))


def wholesome(video: Video) -> tuple[Filter, ...]:
    """Return the first filters of every encode. They write missing colour tags and deinterlace the video.

    ffmpeg has already rotated the frames.
    """
    parity = _PARITIES.get(video.combed, "auto")
    whole = Filter("bwdif", {"mode": "send_frame", "parity": parity, "deint": "all"})
    return (color.named(color.assumed(video)), *((whole,) if is_interlaced(video) else ()))


_PARITIES = {"tt": "tff", "bb": "bff"}
"""bwdif's names of the first field, for frames that do not declare it."""


def smaller(size: tuple[int, int]) -> Filter:
    """Return the filter that scales the frames of an encode to a smaller size."""
    return Filter("scale", {"w": size[0], "h": size[1], "flags": "bicubic"})


SAME_ASPECT = 0.01
"""Maximum relative difference of two aspect ratios that are treated as equal. Sizes are rounded to whole pixels."""


def scaled(video: Video, size: tuple[int, int]) -> tuple[Filter, ...]:
    """Return the filters that scale frames to ``size``. The size and aspect ratio of the source's frames may change.

    A frame with the aspect ratio of the first frame fills ``size``. Any other frame gets the largest size that fits.
    ``framed`` then fills the rest.
    """
    width, height = size
    shape = f"{video.shown[0] / max(1, video.shown[1]) or 1:.6f}"
    is_same = f"lt(abs(dar/{shape}-1),{SAME_ASPECT})"
    across = f"if({is_same},{width},max(2,2*trunc({width}*min(1,dar/{shape})/2)))"
    down = f"if({is_same},{height},max(2,2*trunc({height}*min(1,{shape}/dar)/2)))"
    return color.scaled(video, {"w": across, "h": down, "flags": "bicubic", "eval": "frame"})


def framed(size: tuple[int, int]) -> Filter:
    """Return the filter that centres a frame on a black area of ``size``. A frame of this size stays unchanged."""
    place = {"x": "2*trunc((ow-iw)/4)", "y": "2*trunc((oh-ih)/4)"}
    return Filter("pad", {"w": size[0], "h": size[1], **place, "eval": "frame"})


def filters(video: Video, size: tuple[int, int]) -> tuple[Filter, ...]:
    """Return all filters of one video, in order."""
    return (*wholesome(video), *scaled(video, size), *color.ordinary(video), framed(size))
