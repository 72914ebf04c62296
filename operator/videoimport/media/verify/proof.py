"""How much of a copy is decoded before it is published: all of it where that is cheap, else its keyframes, all its
sound and samples in between."""

from dataclasses import dataclass
from typing import Literal

from videoimport.media.source.packet_scan import Track
from videoimport.media.source.streams import Video
from videoimport.media.transcode.job import Job
from videoimport.media.transcode.plan import Picture

MOST_CPU_SECONDS = 20.0
"""Of decoding pictures. About a minute of 1080p at 5 Mbit/s in H.264, seven of 360p; an encode costs six times as much
a picture, all else of a copy some 3 CPU seconds."""
_PIXELS_A_SECOND = 250e6
"""That one core decodes of H.264 and H.265 at low bit rates, measured at 360p to 1080p; other codecs are faster."""
_BYTES_A_SECOND = 5e6
"""The same of entropy decoding, measured at 12 Mbit/s; it adds to the time for pixels."""
MOST_SAMPLES = 30
LEAST_SAMPLE_SECONDS = 1.0

Decoded = Literal["Complete", "Sampled", "NotRequired"]


@dataclass(frozen=True, slots=True)
class Sample:
    """A part of a video that is decoded. Seconds, counted from the video's start."""

    start: float
    length: float


@dataclass(frozen=True, slots=True)
class DecodeProof:
    """What is decoded besides all keyframes and all sound: everything, or samples."""

    is_complete: bool
    samples: tuple[Sample, ...] = ()

    @property
    def seconds(self) -> float:
        """How much the samples are in all."""
        return sum(sample.length for sample in self.samples)


COMPLETE = DecodeProof(is_complete=True)


def proof_of(picture: Picture) -> DecodeProof:
    """What to decode of a video that is copied: at most about ``MOST_CPU_SECONDS``, or one sample at its shortest."""
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
    """What it takes one core to decode a stream."""
    return track.packets * video.width * video.height / _PIXELS_A_SECOND + track.size / _BYTES_A_SECOND


def told(job: Job) -> dict[str, object]:
    """What result.json says was proven. An encode has decoded all that it shows."""
    whole = job.picture.track.seconds
    decoded, seconds = _decoded(job)
    return {"decoded": decoded, "decodedSeconds": round(seconds, 3), "seconds": round(whole, 3)}


def _decoded(job: Job) -> tuple[Decoded, float]:
    whole = job.picture.track.seconds
    if job.is_tolerant:
        return "NotRequired", 0.0
    proof = proof_of(job.picture) if job.plan.copy_video else COMPLETE
    return ("Complete", whole) if proof.is_complete else ("Sampled", proof.seconds)
