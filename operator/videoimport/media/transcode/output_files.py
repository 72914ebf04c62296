"""The files that one run of ffmpeg makes of a source."""

from dataclasses import dataclass
from typing import Literal

from videoimport.api.output_options import AudioFile, Output, Rendition, VideoOutput
from videoimport.media.transcode.encoder_arguments import scaled_kbps
from videoimport.media.transcode.plan import MOST_FRAMES_A_SECOND, Picture, Sound, TranscodePlan, fitted

Kind = Literal["video", "rendition", "audio"]
_TYPES = {"mp4": "video/mp4", "m4a": "audio/mp4", "mp3": "audio/mpeg"}
_HEAD_BYTES = 65_536
_BYTES_A_PACKET = 20
"""An entry each for size, time and place, as measured where frames come evenly."""
_UNEVEN_BYTES_A_PACKET = 32
"""Where every frame has a duration of its own, the table of times has an entry a frame too."""
MOST_HEAD_BYTES = 2**30
"""A week at 60 frames a second needs some 900 MiB; ffmpeg's option holds 31 bits, and a header may claim any length."""


@dataclass(frozen=True, slots=True)
class Target:
    """One file to be made."""

    kind: Kind
    name: str
    """``video``, ``audio`` or the rendition's name."""
    path: str
    """Where it is written; it ends with ``object_name``."""
    object_name: str
    """Its key below the video's own folder, such as ``renditions/720p.mp4``."""
    content_type: str
    wish: VideoOutput | None = None
    """The requested video; None for a file without one."""
    size: tuple[int, int] | None = None
    """Its picture as displayed."""
    copies: bool = False
    """Its picture is the source's own."""
    head_bytes: int | None = None
    """Space reserved for the index at the front, so that the bytes after it are final and may be uploaded while the
    file grows. None to move the index there at the end."""

    @property
    def is_mp4(self) -> bool:
        """Whether it has an index."""
        return self.content_type != _TYPES["mp3"]


def targets_of(
    plan: TranscodePlan, picture: Picture, sound: Sound | None, output: Output, folder: str, *, growing: bool = False
) -> tuple[Target, ...]:
    """The files to make below ``folder``, the video first; none for an original. ``growing``: see ``head_bytes``."""
    if plan.is_original:
        return ()
    video = Target(
        "video", "video", f"{folder}/video.mp4", "video.mp4", _TYPES["mp4"], output.video, plan.size, plan.copy_video,
        head_bytes(picture, sound, copied=plan.copy_video) if growing else None,
    )  # fmt: skip
    room = head_bytes(picture, sound, copied=False) if growing else None
    renditions = tuple(_rendition(each, picture, output.video, folder, room) for each in output.renditions)
    audio = (_audio(output.audio_file, sound, folder, growing=growing),) if output.audio_file and sound else ()
    return (video, *renditions, *audio)


def _rendition(each: Rendition, picture: Picture, video: VideoOutput, folder: str, room: int | None) -> Target:
    wish = video.model_copy(update={"max_height": each.height, "crf": each.crf or video.crf})
    size = fitted(picture.video, wish)
    whole = fitted(picture.video, video)
    wish = wish.model_copy(update={"max_bitrate_kbps": scaled_kbps(video, size, whole)})
    name = f"renditions/{each.name}.mp4"
    return Target("rendition", each.name, f"{folder}/{name}", name, _TYPES["mp4"], wish, size, head_bytes=room)


def _audio(wish: AudioFile, sound: Sound, folder: str, *, growing: bool) -> Target:
    name = f"audio.{wish.format}"
    room = head_bytes(None, sound, copied=False) if growing and wish.format == "m4a" else None
    return Target("audio", "audio", f"{folder}/{name}", name, _TYPES[wish.format], head_bytes=room)


def head_bytes(picture: Picture | None, sound: Sound | None, *, copied: bool) -> int:
    """Room for the index of an MP4 of these lengths, at most ``MOST_HEAD_BYTES``.

    Too little ends ffmpeg (see ``command.head_overflowed``).
    """
    room = _HEAD_BYTES
    if picture:
        each = _UNEVEN_BYTES_A_PACKET if picture.video.is_uneven else _BYTES_A_PACKET
        room += each * _frames(picture, copied=copied)
    return min(MOST_HEAD_BYTES, room + (_BYTES_A_PACKET * _packets(sound) if sound else 0))


def _frames(picture: Picture, *, copied: bool) -> int:
    rate = float(picture.video.rate or MOST_FRAMES_A_SECOND)
    return round(picture.track.seconds * (rate if copied else min(rate, MOST_FRAMES_A_SECOND)))


def _packets(sound: Sound) -> int:
    """Of AAC, 1024 samples each; other codecs have larger ones, but Opus at its shortest."""
    return round(sound.track.seconds * max(sound.audio.sample_rate, 48_000) / 1024)
