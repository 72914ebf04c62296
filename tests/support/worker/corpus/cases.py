"""What must come of each file: a reason, or a result with all that can be seen of it."""

from dataclasses import dataclass, field
from typing import Any

from videoimport.api.reasons import Reason

QUICK = {"preset": "ultrafast"}
LANDSCAPE, PORTRAIT = (320, 180), (180, 320)


@dataclass(frozen=True)
class Case:
    """One import. What is None is not looked at."""

    file: str
    reason: Reason | None = None
    says: str = ""
    """Part of the message of a refusal, or of ``why``."""
    mode: str = "Remux"
    codec: str = "h264"
    size: tuple[int, int] = LANDSCAPE
    """As displayed."""
    audio: tuple[str, int] | None = ("aac", 2)
    """Codec and channels; None for no audio."""
    seconds: float = 2.0
    """Of the video."""
    frames: int | None = 50
    offset: float = 0.0
    """Seconds from the first picture to the first sound."""
    output: dict[str, Any] = field(default_factory=dict)
    requirements: dict[str, Any] | None = None
    label: str = ""

    @property
    def name(self) -> str:
        return f"{self.file} {self.label}".strip()


def encoded(file: str, says: str, **more: Any) -> Case:
    return Case(file, mode="Encode", says=says, **more)


def refused(file: str, reason: Reason, says: str, **more: Any) -> Case:
    return Case(file, reason=reason, says=says, **more)


def wishes(mode: str, **video: Any) -> dict[str, Any]:
    return {"mode": mode, "video": {**QUICK, **video}}


TOLERANT = {"minHeight": 1, "damage": "Tolerate"}

CONTAINERS = (
    Case("faststart.mp4", says="video and audio comply and are copied"),
    Case("moov-last.mp4"),
    Case("fragmented.mp4", offset=-0.08),
    Case("quicktime.mov"),
    Case("matroska.mkv"),
    encoded("vp9.webm", "video codec is vp9, not h264"),
    Case("stream.ts"),
    encoded("divx.avi", "video codec is mpeg4, not h264"),
    Case("flash.flv"),
    encoded("program.mpg", "video codec is mpeg2video, not h264"),
)

CODECS = (
    Case("baseline.mp4"),
    encoded("high10.mkv", "pixel format is yuv420p10le, not 8-bit 4:2:0"),
    encoded("high422.mp4", "pixel format is yuv422p, not 8-bit 4:2:0"),
    encoded("hevc.mp4", "video codec is hevc, not h264"),
    encoded("av1.mp4", "video codec is av1, not h264"),
    encoded("mpeg4.mp4", "video codec is mpeg4, not h264"),
    encoded("prores.mov", "video codec is prores, not h264"),
    encoded("mjpeg.mov", "video codec is mjpeg, not h264"),
)

SHAPES = (
    Case("portrait.mp4", size=PORTRAIT),
    Case("rotated.mp4", size=PORTRAIT),
    encoded("rotated.mp4", "mode Encode", size=PORTRAIT, output=wishes("Encode"), label="Encode"),
    encoded("anamorphic.mp4", "pixels are not square (4:3)"),
    encoded("odd.webm", "vp9"),
    Case("variable.mkv", frames=30),
    encoded("fast.mp4", "mode Encode", frames=121, output=wishes("Encode"), label="Encode"),
    encoded("ntsc.mp4", "pixels are not square (128:117)", size=(192, 144), audio=None, frames=60),
    encoded("pq.mp4", "video codec is hevc"),
    encoded("hlg.mp4", "video codec is hevc"),
    encoded("interlaced.ts", "mpeg2video", size=(320, 240), frames=None),
    encoded("interlaced.mp4", "video is interlaced", size=(320, 240), frames=None),
    # How long its last slide stands is not kept by an encode; when it comes is.
    encoded("slideshow.mp4", "mode Encode", audio=None, frames=2, seconds=6.0, output=wishes("Encode"), label="Encode"),
    encoded("faststart.mp4", "height 180 is above maxHeight 144", size=(256, 144), output=wishes("Auto", maxHeight=144),
            label="maxHeight 144"),
)  # fmt: skip

SOUND = (
    Case("two-tracks.mkv", audio=("aac", 2)),
    Case("surround.mp4", says="audio has 6 channels", audio=("aac", 2)),
    Case("dolby.mkv", says="audio codec is ac3", audio=("aac", 2)),
    Case("mono.mp4", audio=("aac", 1)),
    Case("opus.mp4", says="audio codec is opus"),
    Case("silent.mp4", audio=None),
    Case("late-sound.mkv", offset=0.5),
    Case("late-picture.mkv", offset=-0.4),
)

NO_VIDEO = (
    refused("song.mp3", Reason.NOT_VIDEO, "only audio"),
    refused("song-with-cover.mp3", Reason.NOT_VIDEO, "audio with a cover picture"),
    refused("picture.png", Reason.NOT_VIDEO, "picture"),
    Case("one-frame.mp4", audio=None, seconds=0.04, frames=1),
    Case("video-with-cover.mp4"),
)

NAMES = (
    Case("wrong.mp4"),
    Case("кино 映画 فيلم.mp4"),
    refused("wrong.mp4", Reason.UNSUPPORTED_FORMAT, "container format is mkv; requirements.formats accepts mp4",
            requirements={"formats": ["mp4"], "minHeight": 1}, label="formats mp4"),
)  # fmt: skip

DAMAGED = (
    refused("truncated.mp4", Reason.SOURCE_TRUNCATED, "cut short"),
    refused("truncated.mkv", Reason.SOURCE_TRUNCATED, "cut short"),
    refused("truncated-moov-last.mp4", Reason.SOURCE_TRUNCATED, "cut short"),
    refused("truncated-fragmented.mp4", Reason.SOURCE_TRUNCATED, "cut short"),
    refused("headless.mp4", Reason.SOURCE_CORRUPT, "cannot be read"),
    refused("scrambled.mp4", Reason.SOURCE_CORRUPT, "damaged"),
    refused("scrambled-mpeg4.mp4", Reason.SOURCE_CORRUPT, "damaged"),
    Case("truncated.mp4", says="lost", seconds=1.2, frames=None, requirements=TOLERANT, label="Tolerate"),
    encoded("truncated.mp4", "lost", seconds=1.0, frames=None, requirements=TOLERANT, output=wishes("Encode"),
            label="Encode, Tolerate"),
    Case("scrambled.mp4", says="damaged", frames=None, requirements=TOLERANT, label="Tolerate"),
    encoded("scrambled-mpeg4.mp4", "damaged", frames=None, requirements=TOLERANT, label="Tolerate"),
    encoded("cut.mp4", "hidden by an edit list", seconds=1.1, frames=None),
    Case("open-gop.mp4"),
    Case("late-start.mkv"),
)  # fmt: skip

MODES = (
    Case("hevc.mp4", codec="hevc", output=wishes("Auto", codec="hevc"), label="codec hevc"),
    Case("hevc.mkv", codec="hevc", output=wishes("Auto", codec="hevc"), label="codec hevc"),
    encoded("pq.mp4", "yuv420p10le", codec="hevc", output=wishes("Auto", codec="hevc"), label="codec hevc"),
    Case("av1.mp4", codec="av1", output=wishes("Auto", codec="av1"), label="codec av1"),
    encoded("variable.mkv", "h264, not av1", codec="av1", frames=30, output=wishes("Auto", codec="av1"),
            label="codec av1"),
    Case("vp9.webm", codec="vp9", audio=("opus", 2), output={"mode": "Remux"}, label="Remux"),
    Case("divx.avi", codec="mpeg4", audio=("mp3", 2), output={"mode": "Remux"}, label="Remux"),
    # In an MP4, MPEG audio of layer 2 and 3 have one name.
    Case("program.mpg", codec="mpeg2video", audio=("mp3", 2), output={"mode": "Remux"}, label="Remux"),
    Case("pq.mp4", codec="hevc", output={"mode": "Remux"}, label="Remux"),
    refused("vp8.webm", Reason.UNSUPPORTED_FORMAT, "video codec is vp8, which no MP4 can hold",
            output={"mode": "Remux"}, label="Remux"),
    refused("prores.mov", Reason.UNSUPPORTED_FORMAT, "video codec is prores", output={"mode": "Remux"}, label="Remux"),
)  # fmt: skip

REQUIREMENTS = (
    refused("faststart.mp4", Reason.UNSUPPORTED_RESOLUTION, "320x180, so its short side has 180 pixels; "
            "requirements.minHeight is 360", requirements={}, label="requirements {}"),
    refused("rotated.mp4", Reason.UNSUPPORTED_RESOLUTION, "180x320, so its short side has 180 pixels; "
            "requirements.maxHeight is 144", requirements={"minHeight": 1, "maxHeight": 144}, label="maxHeight 144"),
    refused("matroska.mkv", Reason.UNSUPPORTED_DURATION, "requirements.maxDurationSeconds is 1",
            requirements={"minHeight": 1, "maxDurationSeconds": 1}, label="maxDurationSeconds 1"),
)  # fmt: skip

QUICK_NAMES = (
    "faststart.mp4", "matroska.mkv", "vp9.webm", "divx.avi", "hevc.mp4", "prores.mov",
    "rotated.mp4 Encode", "anamorphic.mp4", "variable.mkv", "pq.mp4", "interlaced.ts", "faststart.mp4 maxHeight 144",
    "surround.mp4", "late-sound.mkv", "picture.png", "one-frame.mp4", "кино 映画 فيلم.mp4", "wrong.mp4 formats mp4",
    "truncated.mp4", "scrambled.mp4", "truncated.mp4 Tolerate", "cut.mp4", "open-gop.mp4",
    "hevc.mp4 codec hevc", "av1.mp4 codec av1", "vp9.webm Remux", "prores.mov Remux", "faststart.mp4 requirements {}",
)  # fmt: skip
"""At least one of each group, outcome, mode, codec and damage."""

CASES = (*CONTAINERS, *CODECS, *SHAPES, *SOUND, *NO_VIDEO, *NAMES, *DAMAGED, *MODES, *REQUIREMENTS)
