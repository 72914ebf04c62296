"""Rules in a fixed order that choose the streams of a file to import: one video and its audio.

The same rules apply to files, HLS and DASH. docs/videoimports.md describes the rules for users.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from videoimport.media.source.streams import Audio, Media, Video

LEAST_SHARE_OF_LENGTH = 0.5
"""Minimum length of a track, as a share of the longest track's length.

A shorter track is only a part or a single picture, whatever its flags are.
"""
LEAST_SHARE_OF_PIXELS = 0.25
"""Minimum number of pixels in a frame, as a share of the largest video's pixels.

A video with fewer pixels is a preview, whatever its flags are.
"""
SAME_SECONDS = 0.1
"""Maximum difference in seconds between the starts, or between the lengths, of two tracks of one recording."""
_T = TypeVar("_T", "Video", "Audio")


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A stream that is not imported."""

    index: int
    kind: str
    """``video``, ``audio``, ``subtitle`` or ``data``."""
    codec: str
    why: str


@dataclass(frozen=True, slots=True)
class Choice:
    """The streams of one file that are imported, and the streams that are left out."""

    video: Video | None
    audio: Audio | None
    second: Audio | None = None
    """The right channel, if a recording has its two channels in two mono tracks. ``audio`` is then the left channel."""
    left_out: tuple[LeftOut, ...] = ()


def choose(media: Media) -> Choice:
    """Choose the video, then the audio of the same program."""
    video, why_video = _pick(_rules_for_videos(media), media.videos, _video_rank)
    audio, why_audio = _pick(_rules_for_audios(media, video), media.audios, _audio_rank)
    second = _other_side(audio, media.audios) if audio else None
    if second:
        why_audio.pop(second.index)
    left_out = (
        *(LeftOut(one.index, "video", one.codec, why_video[one.index]) for one in media.videos if one is not video),
        *(LeftOut(one.index, "audio", one.codec, why_audio[one.index])
          for one in media.audios if one.index in why_audio),
        *(LeftOut(one.index, one.kind, one.codec, "only video and audio are imported") for one in media.others),
    )  # fmt: skip
    return Choice(video, audio, second, tuple(sorted(left_out, key=lambda one: one.index)))


_Rule = tuple[Callable[[Sequence[_T]], Sequence[_T]], str]
"""A rule: a function that returns the streams to keep, and the reason for leaving out the other streams."""


def _pick(
    rules: Sequence[_Rule[_T]], streams: Sequence[_T], rank: Callable[[_T], tuple[float, ...]]
) -> tuple[_T | None, dict[int, str]]:
    """Return the first stream of the highest rank that passes every rule, and why each other stream is left out."""
    kept, why = list(streams), dict[int, str]()
    for keep, reason in rules:
        left = {one.index for one in keep(kept)}
        why |= {one.index: reason for one in kept if one.index not in left}
        kept = [one for one in kept if one.index in left]
    best = max(kept, key=rank, default=None)
    return best, why | {one.index: _why_not(best, one) for one in kept if best and one is not best}


def _why_not(best: Video | Audio, other: Video | Audio) -> str:
    if best.is_default and not other.is_default:
        return "another track is the default one"
    return "another track comes before it"


def _video_rank(video: Video) -> tuple[float, ...]:
    return video.is_default, video.width * video.height, video.length or 0.0


def _audio_rank(audio: Audio) -> tuple[float, ...]:
    return not audio.is_special, audio.is_default


def _rules_for_videos(media: Media) -> tuple[_Rule[Video], ...]:
    def with_sound(videos: Sequence[Video]) -> Sequence[Video]:
        heard = [audio.index for audio in media.audios if audio.channels]
        return [one for one in videos if any(media.are_together(one.index, index) for index in heard)] or videos

    return (
        (lambda videos: [one for one in videos if not one.is_picture], "a cover or other single picture"),
        (with_sound, "its program has no audio, but another program has audio"),
        (_long, "less than half as long as another track"),
        (_large, "a preview: less than a quarter of another track's pixels"),
    )


def _rules_for_audios(media: Media, video: Video | None) -> tuple[_Rule[Audio], ...]:
    def of_program(audios: Sequence[Audio]) -> Sequence[Audio]:
        return [one for one in audios if video is None or media.are_together(video.index, one.index)]

    return (
        (lambda audios: [one for one in audios if one.channels], "it has no channels"),
        (of_program, "another program"),
        (_long, "less than half as long as another track"),
    )


def _long(streams: Sequence[_T]) -> Sequence[_T]:
    """Return the streams that are not much shorter than the longest stream. A stream of unknown length is kept."""
    longest = max((one.length or 0.0 for one in streams), default=0.0)
    return [one for one in streams if one.length is None or one.length >= LEAST_SHARE_OF_LENGTH * longest]


def _large(videos: Sequence[Video]) -> Sequence[Video]:
    largest = max((one.width * one.height for one in videos), default=0)
    return [one for one in videos if one.width * one.height >= LEAST_SHARE_OF_PIXELS * largest]


def _other_side(audio: Audio, audios: Sequence[Audio]) -> Audio | None:
    """Return the next audio track if both tracks are mono and from one recording (left and right), else None."""
    after = next((one for one in audios if one.index > audio.index), None)
    return after if after is not None and _are_two_sides(audio, after) else None


def _are_two_sides(one: Audio, other: Audio) -> bool:
    alike = ("codec", "channels", "sample_rate", "language", "is_special")
    if one.channels != 1 or one.is_special or any(getattr(one, name) != getattr(other, name) for name in alike):
        return False
    return _is_near(one.start, other.start) and _is_near(one.length, other.length)


def _is_near(one: float | None, other: float | None) -> bool:
    return one == other or (one is not None and other is not None and abs(one - other) <= SAME_SECONDS)
