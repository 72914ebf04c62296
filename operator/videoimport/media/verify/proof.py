"""The decision which frames of a copied video the worker decodes before it publishes the copy.

A video that is cheap to decode is decoded completely. For any other video, the worker decodes the keyframes, all audio,
and samples of the video.
"""

from dataclasses import dataclass
from typing import Literal

from videoimport.media.source.packet_scan import Track
from videoimport.media.source.streams import Video
from videoimport.media.transcode.job import Job
from videoimport.media.transcode.plan import Picture

MOST_CPU_SECONDS = 20.0
"""Maximum CPU seconds for decoding the frames of a copy.

This is enough for about one minute of H.264 in 1080p at 5 Mbit/s, or seven minutes in 360p. An encode needs six times
as much for each frame. All other work on a copy needs about 3 CPU seconds.
"""
_PIXELS_A_SECOND = 250e6
"""Pixels a second that one core decodes of H.264 and H.265 at low bit rates, measured at 360p to 1080p.

Other codecs are faster.
"""
_BYTES_A_SECOND = 5e6
"""Bytes a second that one core decodes in entropy decoding, measured at 12 Mbit/s.

This time is added to the time for the pixels.
"""
MOST_SAMPLES = 30
LEAST_SAMPLE_SECONDS = 1.0

Decoded = Literal["Complete", "Sampled", "NotRequired"]


@dataclass(frozen=True, slots=True)
class Sample:
    """A section of a video that is decoded. Times are seconds from the video's start."""

    start: float
    length: float


@dataclass(frozen=True, slots=True)
class DecodeProof:
    """The part of a video that is decoded besides all keyframes and all audio: the complete video, or samples of the
    video."""

    is_complete: bool
    samples: tuple[Sample, ...] = ()

    @property
    def seconds(self) -> float:
        """Total length of the samples in seconds."""
        return sum(sample.length for sample in self.samples)


COMPLETE = DecodeProof(is_complete=True)


def proof_of(picture: Picture) -> DecodeProof:
    """Return the part of a copied video to decode. Its decode takes about ``MOST_CPU_SECONDS``. The part has at
    least one sample of the shortest length."""
    needed = cpu_seconds(picture.video, picture.track)
    if needed <= MOST_CPU_SECONDS:
        return COMPLETE
    whole = picture.track.seconds
    affordable = whole * MOST_CPU_SECONDS / needed
    count = max(1, min(MOST_SAMPLES, int(affordable / LEAST_SAMPLE_SECONDS)))
    length = max(LEAST_SAMPLE_SECONDS, affordable / count)
    step = whole / count
    return DecodeProof(
        False, tuple(Sample(number * step + max(0.0, step - length) / 2, length) for number in range(count))
    )


def cpu_seconds(video: Video, track: Track) -> float:
    """Return the CPU seconds that one core needs to decode a video stream."""
    return track.packets * video.width * video.height / _PIXELS_A_SECOND + track.size / _BYTES_A_SECOND


def told(job: Job) -> dict[str, object]:
    """Return the result of the decode check as fields of result.json. If damage is tolerated, the value ``decoded``
    is NotRequired. For an encoded video it is Complete, because the encode decoded every displayed frame."""
    whole = job.picture.track.seconds
    decoded, seconds = _decoded(job)
    return {"decoded": decoded, "decodedSeconds": round(seconds, 3), "seconds": round(whole, 3)}


def _decoded(job: Job) -> tuple[Decoded, float]:
    whole = job.picture.track.seconds
    if job.is_tolerant:
        return "NotRequired", 0.0
    proof = proof_of(job.picture) if job.plan.copy_video else COMPLETE
    return ("Complete", whole) if proof.is_complete else ("Sampled", proof.seconds)
