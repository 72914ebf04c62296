"""Whether sound is as long as its times say."""

import pytest

from videoimport.media.source.packet_scan import Track
from videoimport.media.source.sound_length import counted_seconds, is_doubtful
from videoimport.media.source.streams import Audio


@pytest.mark.parametrize(
    ("codec", "seconds", "doubtful"),
    [
        ("aac", 10.0, False),
        ("aac", 1.0, True),
        ("pcm_s16le", 10.0, False),
        ("pcm_s16le", 1.0, True),
        ("opus", 1.0, False),
    ],
)
def test_sound_that_does_not_fit_its_times_is_doubtful(codec: str, seconds: float, doubtful: bool) -> None:
    audio = Audio(1, codec, profile="LC", channels=2, sample_rate=48_000)
    track = Track(packets=469, size=1_920_000, start=0.0, end=seconds)
    assert is_doubtful(audio, track, "matroska,webm") is doubtful


@pytest.mark.parametrize(
    "line",
    [
        "  Input stream #0:1 (audio): 85 packets read (32640 bytes); 85 frames decoded (96000 samples); ",
        "[in#0/avi] Input stream #0:1 (audio): 85 packets read (3 bytes); 85 frames decoded; (96000 samples); ",
    ],
)  # fmt: skip
def test_samples_are_read_from_old_and_new_versions_of_ffmpeg(line: str) -> None:
    audio = Audio(1, "mp3", sample_rate=48_000)
    assert counted_seconds(f"{line}\n  Output stream #0:0 (audio): 9 frames encoded (9 samples)\n", audio) == 2.0
    assert counted_seconds("nothing", audio) is None
