"""What comes out."""

from typing import Annotated, Literal

from pydantic import Field

from videoimport.api.base import Model, Ruled
from videoimport.api.rules.string_rules import RENDITION
from videoimport.api.rules.validation import Checked, Rule

Preset = Literal["ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower"]
# Rules see their object's default, {}, before its fields have their defaults: hence ``has``.
_MOST_CRF = "crf is at most 51 for h264 and hevc. Lower it, or set codec to av1."
_CRF_FITS = Rule(
    "!has(self.crf) || self.crf <= 51 || (has(self.codec) && self.codec == 'av1')",
    _MOST_CRF,
    lambda video: video.crf <= 51 or video.codec == "av1",
    field_path=".crf",
)
_ORIGINAL_IS_ALONE = Rule(
    "!has(self.mode) || self.mode != 'Original' || "
    "((!has(self.renditions) || size(self.renditions) == 0) && !has(self.audioFile))",
    "mode Original uploads the source's bytes unchanged: it has no renditions and no audioFile. Remove them, or "
    "set mode to Auto.",
    lambda output: output.mode != "Original" or not (output.renditions or output.audio_file),
)
_RENDITIONS_CRF_FITS = Rule(
    "!has(self.renditions) || self.renditions.all(one, !has(one.crf) || one.crf <= 51) || "
    "(has(self.video) && has(self.video.codec) && self.video.codec == 'av1')",
    _MOST_CRF,
    lambda output: output.video.codec == "av1" or all((one.crf or 1) <= 51 for one in output.renditions),
    field_path=".renditions",
)


class VideoOutput(Ruled):
    """The video stream of the result."""

    rules = (_CRF_FITS,)

    codec: Literal["h264", "hevc", "av1"] = "h264"
    """The codec."""
    crf: Annotated[int, Field(ge=1, le=63)] = 23
    """Constant rate factor when encoding: lower is better and larger; at most 51 for h264 and hevc, 63 for av1. 0 would
    be lossless, which few players play."""
    preset: Preset = "veryfast"
    """The encoder's preset: slower is smaller for the same quality. For av1 it is translated to SVT-AV1's numbers."""
    max_height: Annotated[int, Field(ge=144, le=4320)] = 1080
    """A taller source is scaled down to this short side, in pixels; none is ever scaled up."""
    max_bitrate_kbps: Annotated[int, Field(ge=100, le=200000)] = 12000
    """Cap of the video bitrate, in kilobits a second; a source above it is encoded."""


class AudioOutput(Model):
    """The audio stream of the result: the source's default track, at most stereo."""

    codec: Literal["aac"] = "aac"
    """The codec."""
    bitrate_kbps: Annotated[int, Field(ge=32, le=512)] = 128
    """Bitrate when encoding, in kilobits a second."""


class Rendition(Model):
    """A smaller copy of the video, made in the same decode."""

    name: Annotated[str, Field(min_length=1, max_length=32), Checked((RENDITION,))]
    """Its name, such as 720p; the object is renditions/<name>.mp4."""
    height: Annotated[int, Field(ge=144, le=4320)]
    """Its short side in pixels; a source that is smaller keeps its own size, for none is ever scaled up."""
    crf: Annotated[int, Field(ge=1, le=63)] | None = None
    """Constant rate factor; absent means that of the video."""


class AudioFile(Model):
    """The audio alone, as a file."""

    format: Literal["m4a", "mp3"] = "m4a"
    """m4a (AAC) or mp3."""
    bitrate_kbps: Annotated[int, Field(ge=32, le=320)] | None = None
    """Bitrate when encoding, in kilobits a second; absent means that of output.audio."""


class Thumbnails(Model):
    """Still pictures of the video, as JPEG files."""

    count: Annotated[int, Field(ge=1, le=20)] = 1
    """How many, evenly spread."""


class Output(Ruled):
    """video.mp4, a faststart MP4, and what else is asked for."""

    rules = (_ORIGINAL_IS_ALONE, _RENDITIONS_CRF_FITS)

    mode: Literal["Auto", "Encode", "Remux", "Original"] = "Auto"
    """Auto copies streams that already comply and encodes the others. Encode always encodes. Remux always copies and
    refuses what an MP4 cannot hold. Original uploads the unchanged bytes of the source."""
    keep_original: bool = False
    """True keeps the source's unchanged bytes beside the video, as original.<extension>."""
    metadata: Literal["Strip", "Keep"] = "Strip"
    """Strip leaves out the source's metadata, such as its location, device and timecodes, except the title and the
    language. Keep copies what an MP4 can hold. An original has the source's bytes with all of it."""
    video: VideoOutput = VideoOutput()
    """The video stream."""
    audio: AudioOutput = AudioOutput()
    """The audio stream."""
    renditions: Annotated[
        tuple[Rendition, ...],
        Field(max_length=8, json_schema_extra={
            "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]}),
    ] = ()  # fmt: skip
    """Smaller copies, made in the same decode."""
    audio_file: AudioFile | None = None
    """The audio alone as a file, audio.m4a or audio.mp3."""
    thumbnails: Thumbnails | None = None
    """Still pictures, thumbnails/001.jpg and on."""
