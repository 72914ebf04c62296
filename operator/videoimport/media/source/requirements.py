"""The ordered checks that decide whether a source can be imported. The first finding is the result."""

from dataclasses import dataclass

from videoimport.api.container_formats import ContainerFormat, named
from videoimport.api.quantity import bytes_of
from videoimport.api.reasons import Reason
from videoimport.api.requirements import Requirements
from videoimport.media.source.findings import Finding, first_finding
from videoimport.media.source.probe import MOST_PIXELS
from videoimport.media.source.streams import Media, Video

TOLD_BY_BYTES: tuple[ContainerFormat, ...] = ("mp4", "mov", "mkv", "webm")
"""Container formats that ``file_signature.container`` returns."""
MOST_STREAMS = 256
MOST_SECONDS = 7 * 24 * 3600
"""Maximum length of a source: one week. The worker computes the index space from the length.

A declared length of several years would fill a disk.
"""


@dataclass(frozen=True, slots=True)
class CheckedSource:
    """A source with the facts that are known about it."""

    media: Media
    container: ContainerFormat | None
    """Container format from the first bytes. The value is None if only ffprobe's demuxer shows the format."""
    seconds: float
    """Seconds of video that can be shown, from the packets."""
    size: int
    """Number of bytes that were fetched."""
    requirements: Requirements | None


def refusal(examined: CheckedSource) -> Finding | None:
    """Return the finding that refuses the source, or None if the source is accepted."""
    return first_finding(_ALWAYS, examined) or (first_finding(_REQUIRED, examined) if examined.requirements else None)


def early_refusal(examined: CheckedSource, *, lists_streams: bool) -> Finding | None:
    """Return the finding that refuses the source, if the first bytes are enough to know it. Return None otherwise.

    ``seconds`` is 0 if the first bytes contain no duration. ``lists_streams`` states that the first bytes list all
    streams.
    """
    if examined.media.video is None:
        return _has_video(examined) if lists_streams else None
    required = _REQUIRED if examined.requirements else ()
    return first_finding((*_BOUNDED, _has_colours_we_understand, *required), examined)


def _has_video(examined: CheckedSource) -> Finding | None:
    media = examined.media
    if media.video:
        return None
    if media.videos and media.audios:
        found = "audio with a cover picture"
    else:
        found = "only a picture" if media.videos else "only audio" if media.audios else "neither video nor audio"
    return Finding(Reason.NOT_VIDEO, f"The source has {found}.")


def _has_size(examined: CheckedSource) -> Finding | None:
    if _video(examined).has_size or _is_too_large_to_tell(examined):
        return None
    return Finding(Reason.SOURCE_CORRUPT, "The source's video stream has no width and height.")


def _has_a_size_that_can_be_decoded(examined: CheckedSource) -> Finding | None:
    video = _video(examined)
    pixels = video.width * video.height
    if _is_too_large_to_tell(examined):
        message = f"The source's frames have more than {MOST_PIXELS} pixels, the maximum that the worker decodes."
        return Finding(Reason.UNSUPPORTED_RESOLUTION, message, "Use a smaller source.")
    if pixels <= MOST_PIXELS:
        return None
    message = f"The source's frames are {video.width}x{video.height}, {pixels} pixels; the maximum is {MOST_PIXELS}."
    return Finding(Reason.UNSUPPORTED_RESOLUTION, message, "Use a smaller source.")


def _is_too_large_to_tell(examined: CheckedSource) -> bool:
    """Return whether the video has no size because ffprobe reported a frame that is too large."""
    return examined.media.has_excess and not _video(examined).has_size


def _has_few_streams(examined: CheckedSource) -> Finding | None:
    found = len(examined.media.videos) + len(examined.media.audios)
    if found <= MOST_STREAMS:
        return None
    return Finding(
        Reason.SOURCE_CORRUPT,
        f"The source has {found} streams, more than {MOST_STREAMS}.",
        "Export the video again from the program that made the file.",
    )


def _ends_in_time(examined: CheckedSource) -> Finding | None:
    if examined.seconds <= MOST_SECONDS:
        return None
    message = f"The source lasts {examined.seconds:.0f} s; no import may be longer than {MOST_SECONDS} s."
    return Finding(
        Reason.UNSUPPORTED_DURATION,
        message,
        "Split the source, or export the video again if the duration is wrong.",
    )


def _has_duration(examined: CheckedSource) -> Finding | None:
    if examined.seconds > 0:
        return None
    advice = "Give a source that is longer than a single picture."
    return Finding(Reason.UNSUPPORTED_DURATION, "The source lasts 0 seconds.", advice)


def _has_colours_we_understand(examined: CheckedSource) -> Finding | None:
    if _video(examined).dolby_vision != 5:
        return None
    message = "The source is Dolby Vision profile 5, which has no colours for other players."
    return Finding(Reason.UNSUPPORTED_FORMAT, message, "Convert the source to HDR10 or SDR.")


def _accepted_format(examined: CheckedSource) -> Finding | None:
    wanted = _required(examined).formats
    found = named(examined.container, examined.media.demuxer)
    if found in wanted:
        return None
    return unaccepted(found, examined.media.demuxer, wanted)


def unaccepted(found: ContainerFormat | None, demuxer: str, wanted: tuple[ContainerFormat, ...]) -> Finding:
    """Return the finding for a container format that ``requirements.formats`` does not list."""
    shown = found or demuxer.partition(",")[0] or "unknown"
    message = f"The source's container format is {shown}; requirements.formats accepts {', '.join(wanted)}."
    advice = f"Add {found} to requirements.formats, or convert the source." if found else "Convert the source."
    return Finding(Reason.UNSUPPORTED_FORMAT, message, advice)


def _tall_enough(examined: CheckedSource) -> Finding | None:
    found, wanted = _video(examined).short_side, _required(examined).min_height
    if found >= wanted:
        return None
    message = (
        f"The source is {shown(_video(examined))}, so its short side has {found} pixels; "
        f"requirements.minHeight is {wanted}."
    )
    return Finding(Reason.UNSUPPORTED_RESOLUTION, message, "Use a larger source, or lower requirements.minHeight.")


def _low_enough(examined: CheckedSource) -> Finding | None:
    found, wanted = _video(examined).short_side, _required(examined).max_height
    if found <= wanted:
        return None
    message = (
        f"The source is {shown(_video(examined))}, so its short side has {found} pixels; "
        f"requirements.maxHeight is {wanted}."
    )
    return Finding(Reason.UNSUPPORTED_RESOLUTION, message, "Use a smaller source, or raise requirements.maxHeight.")


def _short_enough(examined: CheckedSource) -> Finding | None:
    wanted = _required(examined).max_duration_seconds
    if examined.seconds <= wanted:
        return None
    message = f"The source lasts {examined.seconds:.1f} s; requirements.maxDurationSeconds is {wanted}."
    return Finding(Reason.UNSUPPORTED_DURATION, message)


def _small_enough(examined: CheckedSource) -> Finding | None:
    found, wanted = examined.size, _required(examined).max_size
    if wanted is None or found <= bytes_of(wanted):
        return None
    message = f"The source has {found} bytes; requirements.maxSize is {wanted}."
    return Finding(Reason.SOURCE_TOO_LARGE, message)


_BOUNDED = (_has_few_streams, _has_a_size_that_can_be_decoded, _ends_in_time)
_ALWAYS = (_has_video, _has_size, _has_duration, *_BOUNDED, _has_colours_we_understand)
_REQUIRED = (_accepted_format, _tall_enough, _low_enough, _short_enough, _small_enough)


def shown(video: Video) -> str:
    """Return the displayed size of a video, such as ``1920x1080``."""
    return "x".join(map(str, video.shown))


def _video(examined: CheckedSource) -> Video:
    video = examined.media.video
    assert video is not None, "_has_video comes first"  # noqa: S101
    return video


def _required(examined: CheckedSource) -> Requirements:
    requirements = examined.requirements
    assert requirements is not None, "asked only where there are requirements"  # noqa: S101
    return requirements
