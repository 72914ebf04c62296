"""Sound of many channels: none clips the mix, none is lost in it."""

import array
import math
import subprocess
from pathlib import Path

import pytest

from support.worker.transcode_runs import job, made

RATE = 48000
UNNAMED = (1, 2, 3, 5, 6, 7, 8, 9, 12, 16, 17, 64)


def clip(path: Path, sounding: list[bool], layout: str = "") -> Path:
    """A second of full scale, 440 Hz, in the channels that sound."""
    tones = [math.sin(2 * math.pi * 440 * at / RATE) for at in range(RATE)]
    samples = array.array("f", (tone if sounds else 0.0 for tone in tones for sounds in sounding))
    told = ("-channel_layout", layout) if layout else ()
    raw = ("-f", "f32le", "-ar", str(RATE), "-ac", str(len(sounding)), *told, "-i", "-")
    shown = ("-f", "lavfi", "-i", "color=size=320x240:rate=25:duration=1")
    words = ("ffmpeg", "-v", "error", "-y", *raw, *shown, "-c:v", "mpeg4", "-c:a", "pcm_s16le", path)
    subprocess.run(words, input=samples.tobytes(), check=True)
    return path


def peaks(path: Path, channels: int) -> list[float]:
    """Of each channel, without the encoder's start and end."""
    heard = ("-i", path, "-map", "0:a", "-f", "f32le", "-ac", str(channels), "-")
    raw = subprocess.run(("ffmpeg", "-v", "error", *heard), check=True, capture_output=True).stdout
    samples = array.array("f", raw)
    return [
        max(map(abs, samples[channels * RATE // 4 + at : -channels * RATE // 4 : channels])) for at in range(channels)
    ]


def mixed(path: Path, folder: Path) -> list[float]:
    result = made(job(path, video={"preset": "ultrafast"}, audio={"bitrateKbps": 256}), folder)["video"]
    assert result.media.audio is not None
    return peaks(result.path, result.media.audio.channels)


@pytest.mark.full(but=["1", "3", "5", "8", "64"])
@pytest.mark.parametrize("count", UNNAMED)
def test_full_scale_in_all_channels_does_not_clip(tmp_path: Path, count: int) -> None:
    found = mixed(clip(tmp_path / "v.mov", [True] * count), tmp_path)
    assert len(found) == min(2, count)
    assert all(0.5 < peak < 1.05 for peak in found), found


@pytest.mark.full(but=["6-5.1"])
@pytest.mark.parametrize(("count", "layout"), [(6, "5.1"), (12, "")])
def test_every_channel_is_heard(tmp_path: Path, count: int, layout: str) -> None:
    for number in range(count):
        sounding = [at == number for at in range(count)]
        found = mixed(clip(tmp_path / f"{number}.mkv", sounding, layout), tmp_path / str(number))
        assert max(found) > 0.08, (number, found)
