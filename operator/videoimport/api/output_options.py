"""The files that an import makes."""

from typing import Annotated, Literal

from pydantic import Field

from videoimport.api.base import Model, Ruled
from videoimport.api.rules.string_rules import RENDITION
from videoimport.api.rules.validation import Checked, Rule

Preset = Literal["ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower"]
# A rule may see its object as {}, before the fields have their defaults, so each rule needs ``has``.
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
    """The video codec."""
    crf: Annotated[int, Field(ge=1, le=63)] = 23
    """Constant rate factor of an encode. A lower value gives better quality and larger files. The maximum is 51 for
    h264 and hevc, and 63 for av1. The value 0 is not accepted, because few players can play lossless video."""
    preset: Preset = "veryfast"
    """The preset of the encoder. A slower preset gives smaller files of the same quality. For av1 the preset is
    translated to a number of SVT-AV1."""
    max_height: Annotated[int, Field(ge=144, le=4320)] = 1080
    """Maximum short side in pixels. A larger source is scaled down to this value, and no source is scaled up."""
    max_bitrate_kbps: Annotated[int, Field(ge=100, le=200000)] = 12000
    """Maximum bitrate of the video in kilobits per second. A source with a higher bitrate is encoded."""


class AudioOutput(Model):
    """The audio stream of the result: the default track of the source, with at most two channels."""

    codec: Literal["aac"] = "aac"
    """The audio codec."""
    bitrate_kbps: Annotated[int, Field(ge=32, le=512)] = 128
    """Bitrate of an encode in kilobits per second."""


class Rendition(Model):
    """A smaller copy of the video, made in the same decode as the video."""

    name: Annotated[str, Field(min_length=1, max_length=32), Checked((RENDITION,))]
    """The name of the rendition, such as 720p. The file is renditions/<name>.mp4."""
    height: Annotated[int, Field(ge=144, le=4320)]
    """Short side in pixels. A smaller source keeps its size, because no source is scaled up."""
    crf: Annotated[int, Field(ge=1, le=63)] | None = None
    """Constant rate factor. Absent means the crf of the video."""


class AudioFile(Model):
    """A file that has only the audio."""

    format: Literal["m4a", "mp3"] = "m4a"
    """The format of the file: m4a (AAC) or mp3."""
    bitrate_kbps: Annotated[int, Field(ge=32, le=320)] | None = None
    """Bitrate of an encode in kilobits per second. Absent means the bitrate of output.audio."""


class Thumbnails(Model):
    """Still images of the video, as JPEG files."""

    count: Annotated[int, Field(ge=1, le=20)] = 1
    """Number of images, evenly distributed over the video."""


class Output(Ruled):
    """The files to make: video.mp4, which is a faststart MP4, and optional further files."""

    rules = (_ORIGINAL_IS_ALONE, _RENDITIONS_CRF_FITS)

    mode: Literal["Auto", "Encode", "Remux", "Original"] = "Auto"
    """Auto copies streams that already comply and encodes the others. Encode always encodes. Remux always copies, and
    fails for streams that an MP4 cannot hold. Original uploads the unchanged bytes of the source."""
    keep_original: bool = False
    """True also stores the unchanged bytes of the source, as original.<extension>."""
    metadata: Literal["Strip", "Keep"] = "Strip"
    """Strip removes the metadata of the source, such as location, device and timecodes, but keeps the title and the
    language. Keep copies the metadata that an MP4 can hold. An original file always has all metadata of the source."""
    video: VideoOutput = VideoOutput()
    """The video stream."""
    audio: AudioOutput = AudioOutput()
    """The audio stream."""
    renditions: Annotated[
        tuple[Rendition, ...],
        Field(max_length=8, json_schema_extra={
            "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]}),
    ] = ()  # fmt: skip
    """Smaller copies of the video, made in the same decode as the video."""
    audio_file: AudioFile | None = None
    """A file that has only the audio: audio.m4a or audio.mp3."""
    thumbnails: Thumbnails | None = None
    """Still images, from thumbnails/001.jpg on."""
