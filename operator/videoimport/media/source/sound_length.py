"""How long a source's audio is by its samples, whatever its timestamps are: a wrong rate in a header moves all of them.

If timestamps are closer together than the audio lasts, ffmpeg drops audio.
"""

import re

from videoimport.media.source.packet_scan import Track
from videoimport.media.source.probe import address, guarded
from videoimport.media.source.streams import Audio

TOLERANCE = 0.05
"""Share by which clocks of recorders and of sound cards differ at most."""
LEAST_SECONDS = 0.5
_SAMPLES = {"mp2": 1152, "ac3": 1536, "eac3": 1536}
"""Samples of each packet, where a codec has but one number."""
_PCM = re.compile(r"pcm_[suf](8|16|24|32|64)(le|be)?")
_READ = re.compile(r"Input stream #\d+:\d+ \(audio\): .*\((\d+) samples\)")


def is_doubtful(audio: Audio, track: Track, demuxer: str) -> bool:
    """Whether the packets may hold more audio than their timestamps allow; counting samples shows it.

    An AVI has no timestamps at all: its header's rates make them up.
    """
    nominal = _nominal_seconds(audio, track)
    return demuxer == "avi" if nominal is None else is_longer(nominal, track)


def is_longer(seconds: float, track: Track) -> bool:
    """Whether this much sound does not fit where the timestamps put it."""
    return seconds > track.seconds * (1 + TOLERANCE) + LEAST_SECONDS


def _nominal_seconds(audio: Audio, track: Track) -> float | None:
    """By the number and size of the packets; None where the codec does not determine it."""
    if not audio.sample_rate:
        return None
    if (pcm := _PCM.fullmatch(audio.codec)) and audio.channels:
        return track.size / (int(pcm[1]) // 8 * audio.channels * audio.sample_rate)
    samples = _samples(audio)
    return samples * track.packets / audio.sample_rate if samples else None


def _samples(audio: Audio) -> int | None:
    if audio.codec == "aac":
        return 1024 if audio.profile == "LC" else None
    if audio.codec == "mp3":
        return 1152 if audio.sample_rate >= 32_000 else 576
    return _SAMPLES.get(audio.codec)


def count_argv(path: str, audio: Audio) -> list[str]:
    """ffmpeg's command that decodes one audio stream into nothing and prints its samples."""
    return [
        "ffmpeg", "-hide_banner", "-nostdin", "-nostats", "-v", "verbose", *guarded(path), "-i", address(path),
        "-map", f"0:{audio.index}", "-f", "null", "-",
    ]  # fmt: skip


def counted_seconds(errors: str, audio: Audio) -> float | None:
    """What ffmpeg decoded by its error stream; None where that lacks it."""
    found = _READ.findall(errors)
    return int(found[-1]) / audio.sample_rate if found and audio.sample_rate else None
