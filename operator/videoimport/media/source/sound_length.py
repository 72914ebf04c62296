"""The length of a source's audio, counted from its samples. This length does not depend on the timestamps.

A wrong sample rate in a header changes all timestamps. If the timestamps cover less time than the audio, ffmpeg drops
audio.
"""

import re

from videoimport.media.source.packet_scan import Track
from videoimport.media.source.probe import address, guarded
from videoimport.media.source.streams import Audio

TOLERANCE = 0.05
"""Maximum relative difference between the clocks of recorders and of sound cards."""
LEAST_SECONDS = 0.5
_SAMPLES = {"mp2": 1152, "ac3": 1536, "eac3": 1536}
"""Samples in a packet, for codecs that always have the same number."""
_PCM = re.compile(r"pcm_[suf](8|16|24|32|64)(le|be)?")
_READ = re.compile(r"Input stream #\d+:\d+ \(audio\): .*\((\d+) samples\)")


def is_doubtful(audio: Audio, track: Track, demuxer: str) -> bool:
    """Return whether the packets may have more audio than their timestamps have time for.

    ``count_argv`` then finds the exact number of samples. An AVI file has no timestamps. ffmpeg computes timestamps for
    AVI from the rates in the header.
    """
    nominal = _nominal_seconds(audio, track)
    return demuxer == "avi" if nominal is None else is_longer(nominal, track)


def is_longer(seconds: float, track: Track) -> bool:
    """Return whether audio of this many seconds is too long for the timestamps of the track."""
    return seconds > track.seconds * (1 + TOLERANCE) + LEAST_SECONDS


def _nominal_seconds(audio: Audio, track: Track) -> float | None:
    """Return the seconds of audio from the number and size of the packets.

    Return None if the codec does not define this.
    """
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
    """Return the ffmpeg command that decodes one audio stream without output and prints the number of samples."""
    return [
        "ffmpeg", "-hide_banner", "-nostdin", "-nostats", "-v", "verbose", *guarded(path), "-i", address(path),
        "-map", f"0:{audio.index}", "-f", "null", "-",
    ]  # fmt: skip


def counted_seconds(errors: str, audio: Audio) -> float | None:
    """Return the seconds of audio that ffmpeg decoded, from ffmpeg's error output. Return None if the output has no
    number of samples."""
    found = _READ.findall(errors)
    return int(found[-1]) / audio.sample_rate if found and audio.sample_rate else None
