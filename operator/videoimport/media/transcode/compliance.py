"""Ordered rules that decide whether a stream is copied or encoded. The first failed rule is the reason to encode."""

from dataclasses import dataclass

from videoimport.api.output_options import Output, VideoOutput
from videoimport.media.source.packet_scan import Track
from videoimport.media.source.streams import Audio, Video
from videoimport.media.transcode import color
from videoimport.media.transcode.encoder_arguments import ceiling, known, level_name

PIXELS = ("yuv420p", "yuvj420p")
PROGRESSIVE = ("", "unknown", "progressive")
MOST_HIDDEN_SECONDS = 0.1


@dataclass(frozen=True, slots=True)
class Candidate:
    """A video stream that may be copied."""

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
    found, codec = candidate.video.profile, known(candidate.wish)
    return None if found in codec.profiles else f"profile is {found or 'unknown'}, above {codec.highest}"


def _level(candidate: Candidate) -> str | None:
    found, most = candidate.video.level, ceiling(candidate.wish)
    if found < (0 if candidate.wish.codec == "av1" else 1):
        return "level is unknown"
    return None if found <= most.level else f"level is {level_name(candidate.wish.codec, found)}, above {most.name}"


def _progressive(candidate: Candidate) -> str | None:
    if candidate.video.combed:
        return "video is interlaced, though no flag marks it"
    return "video is interlaced" if is_interlaced(candidate.video) else None


def _standard_range(candidate: Candidate) -> str | None:
    transfer = color.assumed(candidate.video).transfer
    return f"video is HDR ({transfer})" if transfer in color.HDR_TRANSFERS else None


def _ordinary_colors(candidate: Candidate) -> str | None:
    found = color.assumed(candidate.video)
    other = next((name for name in (found.matrix, found.primaries) if name not in color.ORDINARY), None)
    return f"colours are {other}, neither BT.709 nor BT.601" if other else None


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


def _steady(candidate: Candidate) -> str | None:
    return candidate.track.changes or None


def _of_one_piece(candidate: Candidate) -> str | None:
    """Return a reason if the video has several parts.

    Parts of different recordings may have different encoder settings, but an MP4 describes its codec only once.
    """
    return "the video is made of parts whose clocks start again" if candidate.track.joints else None


STREAM_RULES = (
    _codec, _pixels, _profile, _level, _progressive, _standard_range, _ordinary_colors, _square_pixels, _height,
)  # fmt: skip
"""Rules for every copied video stream, and for every result of an encode."""
VIDEO_RULES = (*STREAM_RULES, _bitrate, _nothing_hidden, _ordered, _steady, _of_one_piece)


def why_encode_video(video: Video, track: Track, output: Output) -> str | None:
    """Return a text with the first rule that prevents a copy of the video. Return None if the video may be copied."""
    candidate = Candidate(video, track, output.video)
    return next((why for rule in VIDEO_RULES if (why := rule(candidate))), None)


def why_not_compliant(video: Video, wish: VideoOutput) -> str | None:
    """Return a text with the first rule that the result's video does not follow. Return None if the result may be
    published."""
    candidate = Candidate(video, Track(), wish)
    return next((why for rule in STREAM_RULES if (why := rule(candidate))), None)


def why_encode_audio(audio: Audio, track: Track, output: Output) -> str | None:
    """Return a text with the first rule that prevents a copy of the audio. Return None if the audio may be copied."""
    if audio.codec != output.audio.codec:
        return f"audio codec is {audio.codec}, not {output.audio.codec}"
    if audio.profile != "LC":
        return f"audio profile is {audio.profile or 'unknown'}, not AAC-LC"
    if audio.channels > 2:
        return f"audio has {audio.channels} channels, more than 2"
    if track.backwards or track.untimed:
        return "audio timestamps go backwards or are missing"
    return track.changes or None


def why_encode_audio_file(audio: Audio, track: Track, output: Output) -> str | None:
    """Return a text with the first rule that prevents a copy of the audio into the audio file.

    Return None if the audio may be copied.
    """
    wish = output.audio_file
    if wish is None or wish.format == "mp3":
        return "an mp3 is always encoded"
    if output.mode == "Encode":
        return "mode Encode asks for it"
    found = track.size * 8 / 1000 / track.seconds if track.seconds else 0
    if wish.bitrate_kbps and found > wish.bitrate_kbps * _SPARE:
        return f"audio bitrate {found:.0f} kbps is above {wish.bitrate_kbps}"
    return why_encode_audio(audio, track, output)


_SPARE = 1.1
"""Allowed ratio of the measured to the requested bit rate. An encoder only approximates the bit rate."""


def is_interlaced(video: Video) -> bool:
    """Return whether the video is interlaced."""
    return bool(video.combed) or video.field_order not in PROGRESSIVE
