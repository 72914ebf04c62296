"""What comes out."""

from typing import Annotated, Literal

from pydantic import Field

from videoimport.api.base import Model


class VideoOutput(Model):
    """The video stream of the result."""

    codec: Literal["h264"] = "h264"
    """The codec."""
    crf: Annotated[int, Field(ge=1, le=51)] = 23
    """Constant rate factor when encoding: lower is better and larger. 0 would be lossless, which few players play."""
    preset: Literal["ultrafast", "superfast", "veryfast", "faster", "fast", "medium", "slow", "slower"] = "veryfast"
    """The encoder's preset: slower is smaller for the same quality."""
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


class Output(Model):
    """One faststart MP4."""

    mode: Literal["Auto", "Encode"] = "Auto"
    """Auto copies streams that already comply and encodes the others; Encode always encodes."""
    video: VideoOutput = VideoOutput()
    """The video stream."""
    audio: AudioOutput = AudioOutput()
    """The audio stream."""
