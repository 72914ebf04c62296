"""The files that one run of ffmpeg makes from a source."""

from dataclasses import dataclass
from typing import Literal

from videoimport.api import folder_layout as layout
from videoimport.api.output_options import AudioFile, Output, Rendition, VideoOutput
from videoimport.media.transcode.encoder_arguments import scaled_kbps
from videoimport.media.transcode.plan import MOST_FRAMES_A_SECOND, Picture, Sound, TranscodePlan, fitted

Kind = Literal["video", "rendition", "audio"]
_TYPES = {"mp4": "video/mp4", "m4a": "audio/mp4", "mp3": "audio/mpeg"}
_HEAD_BYTES = 65_536
_BYTES_A_PACKET = 20
"""Index bytes for each packet with even frame times, as measured. The index stores size, time and position."""
_UNEVEN_BYTES_A_PACKET = 32
"""Index bytes for each packet with uneven frame times. The table of times then also has an entry for each frame."""
MOST_HEAD_BYTES = 2**30
"""Maximum size of an index in bytes. One week at 60 frames per second needs about 900 MiB.

ffmpeg's option holds 31 bits, and a header may declare any length.
"""


@dataclass(frozen=True, slots=True)
class Target:
    """One file that ffmpeg makes."""

    kind: Kind
    name: str
    """``video``, ``audio`` or the name of the rendition."""
    path: str
    """Path of the file. The path ends with ``object_name``."""
    object_name: str
    """Object key below the folder of the video, such as ``renditions/720p.mp4``."""
    content_type: str
    wish: VideoOutput | None = None
    """The video settings from the spec. None for a file without video."""
    size: tuple[int, int] | None = None
    """Displayed width and height of the video. None for a file without video."""
    copies: bool = False
    """True if the video stream is copied from the source."""
    head_bytes: int | None = None
    """Bytes reserved for the index at the start of the file, or None to move the index to the start at the end.

    With reserved space, the bytes after the index are final and can be uploaded while the file grows.
    """

    @property
    def is_mp4(self) -> bool:
        """True if the file is an MP4, which has an index."""
        return self.content_type != _TYPES["mp3"]


def targets_of(
    plan: TranscodePlan, picture: Picture, sound: Sound | None, output: Output, folder: str, *, growing: bool = False
) -> tuple[Target, ...]:
    """Return the files to make below ``folder``, with the video first. If the spec asks for the unchanged source,
    the result is empty. ``growing`` reserves space for the index. See ``head_bytes``."""
    if plan.is_original:
        return ()
    video = Target(
        "video", "video", layout.key(folder, layout.VIDEO), layout.VIDEO, _TYPES["mp4"], output.video, plan.size,
        plan.copy_video, head_bytes(picture, sound, copied=plan.copy_video) if growing else None,
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
    name = layout.rendition(each.name)
    return Target("rendition", each.name, f"{folder}/{name}", name, _TYPES["mp4"], wish, size, head_bytes=room)


def _audio(wish: AudioFile, sound: Sound, folder: str, *, growing: bool) -> Target:
    name = layout.audio(wish.format)
    room = head_bytes(None, sound, copied=False) if growing and wish.format == "m4a" else None
    return Target("audio", "audio", f"{folder}/{name}", name, _TYPES[wish.format], head_bytes=room)


def head_bytes(picture: Picture | None, sound: Sound | None, *, copied: bool) -> int:
    """Return the bytes to reserve for the index of an MP4 with these tracks, at most ``MOST_HEAD_BYTES``.

    If the reserved space is too small, ffmpeg fails. See ``command.head_overflowed``.
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
    """Return the number of AAC packets with 1024 samples each, at a sample rate of at least 48 kHz.

    Other codecs have larger packets, except Opus with its shortest packets.
    """
    return round(sound.track.seconds * max(sound.audio.sample_rate, 48_000) / 1024)
