"""What comes out."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from videoimport.api.base import Model

Preset = Literal["ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower"]
# Rules meet their object's default, {}, before the defaults of its fields are in it: hence ``has``.
_CRF_FITS = {"x-kubernetes-validations": [{
    "rule": "!has(self.crf) || self.crf <= 51 || (has(self.codec) && self.codec == 'av1')",
    "message": "crf is at most 51 for h264 and hevc",
    "fieldPath": ".crf",
}]}  # fmt: skip
_ORIGINAL_IS_ALONE = {
    "rule": "!has(self.mode) || self.mode != 'Original' || "
    "((!has(self.renditions) || size(self.renditions) == 0) && !has(self.audioFile))",
    "message": "mode Original uploads the source's very bytes: it has no renditions and no audioFile",
}
_RENDITIONS_CRF_FITS = {
    "rule": "!has(self.renditions) || self.renditions.all(one, !has(one.crf) || one.crf <= 51) || "
    "(has(self.video) && has(self.video.codec) && self.video.codec == 'av1')",
    "message": "crf is at most 51 for h264 and hevc",
    "fieldPath": ".renditions",
}
_RULES = {"x-kubernetes-validations": [_ORIGINAL_IS_ALONE, _RENDITIONS_CRF_FITS]}


class VideoOutput(Model):
    """The video stream of the result."""

    model_config = ConfigDict(json_schema_extra=_CRF_FITS)  # type: ignore[typeddict-item]

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

    name: Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", max_length=32)]
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


class Output(Model):
    """video.mp4, a faststart MP4, and what else is asked for."""

    model_config = ConfigDict(json_schema_extra=_RULES)  # type: ignore[typeddict-item]

    mode: Literal["Auto", "Encode", "Remux", "Original"] = "Auto"
    """Auto copies streams that already comply and encodes the others; Encode always encodes; Remux always copies and
    refuses what an MP4 cannot hold; Original uploads the very bytes of the source."""
    keep_original: bool = False
    """True keeps the source's very bytes beside the video, as original.<extension>."""
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
