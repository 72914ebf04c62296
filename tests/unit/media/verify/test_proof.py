"""How much of a copy is decoded: all that is cheap, and never much more than the bound."""

import itertools
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as some

from videoimport.api.output_options import Output
from videoimport.media.source.packet_scan import Track
from videoimport.media.source.streams import Video
from videoimport.media.transcode.job import Inputs, Job
from videoimport.media.transcode.plan import Picture, TranscodePlan
from videoimport.media.verify.proof import (
    COMPLETE,
    LEAST_SAMPLE_SECONDS,
    MOST_CPU_SECONDS,
    MOST_SAMPLES,
    cpu_seconds,
    proof_of,
    told,
)


def picture(width: int, height: int, seconds: float, kbps: int = 5000, rate: int = 25) -> Picture:
    video = Video(0, "h264", width=width, height=height, rate=Fraction(rate))
    return Picture(video, Track(packets=round(seconds * rate), size=round(seconds * kbps * 125), start=0, end=seconds))


@pytest.mark.parametrize(
    ("width", "height", "seconds", "kbps"), [(1920, 1080, 50, 5000), (640, 360, 400, 800), (3840, 2160, 10, 20000)]
)
def test_what_is_cheap_is_decoded_completely(width: int, height: int, seconds: float, kbps: int) -> None:
    assert proof_of(picture(width, height, seconds, kbps)) == COMPLETE


@given(
    some.sampled_from([(640, 360), (1920, 1080), (3840, 2160), (8192, 8192)]), some.floats(1, 7 * 86400),
    some.integers(1, 200_000),
)  # fmt: skip
def test_samples_lie_within_the_video_and_within_the_bound(size: tuple[int, int], seconds: float, kbps: int) -> None:
    whole = picture(*size, seconds, kbps)
    proof, needed = proof_of(whole), cpu_seconds(whole.video, whole.track)
    assert proof.is_complete == (needed <= MOST_CPU_SECONDS)
    if proof.is_complete:
        return
    assert 1 <= len(proof.samples) <= MOST_SAMPLES
    ends = [(sample.start, sample.start + sample.length) for sample in proof.samples]
    assert all(before[1] <= after[0] + 1e-6 for before, after in itertools.pairwise(ends))
    shortest = needed / seconds * LEAST_SAMPLE_SECONDS
    assert needed * proof.seconds / seconds <= max(MOST_CPU_SECONDS, shortest) * 1.001


@pytest.mark.parametrize(
    ("copies", "is_tolerant", "seconds", "decoded"),
    [
        (True, False, 30, "Complete"),
        (True, False, 7200, "Sampled"),
        (False, False, 7200, "Complete"),
        (True, True, 60, "NotRequired"),
    ],
)
def test_result_json_says_what_was_proven(copies: bool, is_tolerant: bool, seconds: float, decoded: str) -> None:
    plan = TranscodePlan(copy_video=copies, copy_audio=True, why="", size=(1920, 1080))
    shown = picture(1920, 1080, seconds)
    said = told(Job(plan, shown, None, Inputs("/s/in", "/s/in"), Output(), is_tolerant=is_tolerant))
    assert said["decoded"] == decoded
    assert (said["decodedSeconds"] == said["seconds"]) == (decoded == "Complete")
