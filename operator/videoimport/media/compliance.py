"""When streams are copied instead of encoded: ordered rules, the first that fails is the reason to encode."""

from dataclasses import dataclass

from videoimport.api.output import Output, VideoOutput
from videoimport.media.packets import Track
from videoimport.media.probe import Audio, Video

PROFILES = ("Baseline", "Constrained Baseline", "Main", "High")
PIXELS = ("yuv420p", "yuvj420p")
HDR_TRANSFERS = ("smpte2084", "arib-std-b67")
"""PQ and HLG."""
PROGRESSIVE = ("", "unknown", "progressive")
MOST_HIDDEN_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Ceiling:
    """An H.264 level with what it allows: ``level`` is ten times its number."""

    level: int
    macroblocks: int
    """In a frame (16x16 pixels each)."""
    macroblocks_a_second: int
    kbps: int
    """Most bits a second of High profile."""


_CEILINGS = (
    (1080, Ceiling(42, 8704, 522_240, 62_500)),
    (2160, Ceiling(52, 36_864, 2_073_600, 300_000)),
    (4320, Ceiling(62, 139_264, 16_711_680, 800_000)),
)


def ceiling(output: VideoOutput) -> Ceiling:
    """Level 4.2, which plays everywhere; a wish for more than 1080 lines cannot be had there and gets 5.2 or 6.2."""
    return next(found for height, found in _CEILINGS if output.max_height <= height)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A video stream that might be copied."""

    video: Video
    track: Track
    wish: VideoOutput


def _codec(candidate: Candidate) -> str | None:
    found, wanted = candidate.video.codec, candidate.wish.codec
    return None if found == wanted else f"video codec is {found}, not {wanted}"


def _pixels(candidate: Candidate) -> str | None:
    found = candidate.video.pixels
    return None if found in PIXELS else f"pixel format is {found}, not 8-bit 4:2:0"


def _profile(candidate: Candidate) -> str | None:
    found = candidate.video.profile
    return None if found in PROFILES else f"profile is {found or 'unknown'}, above High"


def _level(candidate: Candidate) -> str | None:
    found, most = candidate.video.level, ceiling(candidate.wish).level
    return None if 0 < found <= most else f"level is {found / 10}, above {most / 10}"


def _progressive(candidate: Candidate) -> str | None:
    return "video is interlaced" if is_interlaced(candidate.video) else None


def _standard_range(candidate: Candidate) -> str | None:
    return f"video is HDR ({candidate.video.transfer})" if is_hdr(candidate.video) else None


def _square_pixels(candidate: Candidate) -> str | None:
    found = candidate.video.sample_aspect
    return None if found == 1 else f"pixels are not square ({found.numerator}:{found.denominator})"


def _height(candidate: Candidate) -> str | None:
    found, most = candidate.video.short_side, candidate.wish.max_height
    return None if found <= most else f"height {found} is above maxHeight {most}"


def _bitrate(candidate: Candidate) -> str | None:
    seconds = candidate.track.seconds
    found = candidate.track.size * 8 / 1000 / seconds if seconds else 0
    most = candidate.wish.max_bitrate_kbps
    return None if found <= most else f"bitrate {found:.0f} kbps is above maxBitrateKbps {most}"


def _nothing_hidden(candidate: Candidate) -> str | None:
    found = candidate.track.hidden
    return None if found <= MOST_HIDDEN_SECONDS else f"{found:.2f} s are decoded but hidden by an edit list"


def _ordered(candidate: Candidate) -> str | None:
    if candidate.track.untimed:
        return "video packets lack timestamps"
    return "video timestamps go backwards" if candidate.track.backwards else None


STREAM_RULES = (_codec, _pixels, _profile, _level, _progressive, _standard_range, _square_pixels, _height)
"""What any copied stream must be, and what our own encoder must have made."""
VIDEO_RULES = (*STREAM_RULES, _bitrate, _nothing_hidden, _ordered)


def why_encode_video(video: Video, track: Track, output: Output) -> str | None:
    """The first rule that keeps the video from being copied; None when it may be."""
    candidate = Candidate(video, track, output.video)
    return next((why for rule in VIDEO_RULES if (why := rule(candidate))), None)


def why_not_compliant(video: Video, output: Output) -> str | None:
    """The first rule that a result's video breaks; None for what may be shown to anyone."""
    candidate = Candidate(video, Track(), output.video)
    return next((why for rule in STREAM_RULES if (why := rule(candidate))), None)


def why_encode_audio(audio: Audio, track: Track, output: Output) -> str | None:
    """The first rule that keeps the audio from being copied; None when it may be."""
    if audio.codec != output.audio.codec:
        return f"audio codec is {audio.codec}, not {output.audio.codec}"
    if audio.profile != "LC":
        return f"audio profile is {audio.profile or 'unknown'}, not AAC-LC"
    if audio.channels > 2:
        return f"audio has {audio.channels} channels, more than 2"
    return "audio timestamps go backwards or are missing" if track.backwards or track.untimed else None


def is_hdr(video: Video) -> bool:
    """Whether its colours need tone mapping for ordinary screens."""
    return video.transfer in HDR_TRANSFERS


def is_interlaced(video: Video) -> bool:
    """Whether it is made of half pictures."""
    return video.field_order not in PROGRESSIVE
