"""Whether a source is one we import: an ordered chain of small checks, the first finding wins."""

from dataclasses import dataclass

from videoimport.api.quantity import bytes_of
from videoimport.api.reasons import Reason
from videoimport.api.requirements import ContainerFormat, Requirements
from videoimport.media.findings import Finding, first_finding
from videoimport.media.probe import Media, Video


@dataclass(frozen=True, slots=True)
class Examined:
    """A source with what is known of it."""

    media: Media
    container: ContainerFormat | None
    """None for a container that ``requirements.formats`` cannot name."""
    seconds: float
    """What there is to see, by its packets."""
    size: int
    """Bytes as fetched."""
    requirements: Requirements | None


def refusal(examined: Examined) -> Finding | None:
    """Why this source is refused, or None when it is welcome."""
    return first_finding(_ALWAYS, examined) or (first_finding(_REQUIRED, examined) if examined.requirements else None)


def early_refusal(examined: Examined, *, lists_streams: bool) -> Finding | None:
    """Why a source will be refused, as far as its head proves it; ``seconds`` is 0 where that tells no duration.

    ``lists_streams``: what the head does not name does not exist.
    """
    if examined.media.video is None:
        return _has_video(examined) if lists_streams else None
    required = _REQUIRED if examined.requirements else ()
    return first_finding((_has_colours_we_understand, *required), examined)


def _has_video(examined: Examined) -> Finding | None:
    media = examined.media
    if media.video:
        return None
    if media.videos and media.audios:
        found = "audio with a cover picture"
    else:
        found = "only a picture" if media.videos else "only audio" if media.audios else "neither video nor audio"
    return Finding(Reason.NOT_VIDEO, f"The source has {found}; give one that has a video stream.")


def _has_size(examined: Examined) -> Finding | None:
    if min(_video(examined).shown) > 0:
        return None
    return Finding(Reason.SOURCE_CORRUPT, "The source's video stream tells no width and height; get an undamaged copy.")


def _has_duration(examined: Examined) -> Finding | None:
    if examined.seconds > 0:
        return None
    return Finding(
        Reason.UNSUPPORTED_DURATION, "The source lasts 0 seconds; give one that has more than a single moment."
    )


def _has_colours_we_understand(examined: Examined) -> Finding | None:
    if _video(examined).dolby_vision != 5:
        return None
    message = (
        "The source is Dolby Vision profile 5, which has no colours for other players; convert it to HDR10 or SDR."
    )
    return Finding(Reason.UNSUPPORTED_FORMAT, message)


def _accepted_format(examined: Examined) -> Finding | None:
    wanted = _required(examined).formats
    if examined.container in wanted:
        return None
    found = examined.container or examined.media.demuxer.partition(",")[0] or "unknown"
    message = f"The source's container is {found}; requirements.formats accepts {', '.join(wanted)}."
    return Finding(Reason.UNSUPPORTED_FORMAT, f"{message} Convert the source, or add its format there.")


def _tall_enough(examined: Examined) -> Finding | None:
    found, wanted = _video(examined).short_side, _required(examined).min_height
    if found >= wanted:
        return None
    message = (
        f"The source is {shown(_video(examined))}, its short side {found} pixels; requirements.minHeight is {wanted}."
    )
    return Finding(Reason.UNSUPPORTED_RESOLUTION, f"{message} Use a larger source, or lower minHeight.")


def _low_enough(examined: Examined) -> Finding | None:
    found, wanted = _video(examined).short_side, _required(examined).max_height
    if found <= wanted:
        return None
    message = (
        f"The source is {shown(_video(examined))}, its short side {found} pixels; requirements.maxHeight is {wanted}."
    )
    return Finding(Reason.UNSUPPORTED_RESOLUTION, f"{message} Use a smaller source, or raise maxHeight.")


def _short_enough(examined: Examined) -> Finding | None:
    wanted = _required(examined).max_duration_seconds
    if examined.seconds <= wanted:
        return None
    message = f"The source lasts {examined.seconds:.1f} s; requirements.maxDurationSeconds is {wanted}."
    return Finding(Reason.UNSUPPORTED_DURATION, f"{message} Use a shorter source, or raise it.")


def _small_enough(examined: Examined) -> Finding | None:
    found, wanted = examined.size, _required(examined).max_size
    if wanted is None or found <= bytes_of(wanted):
        return None
    message = f"The source has {found} bytes; requirements.maxSize is {wanted}."
    return Finding(Reason.SOURCE_TOO_LARGE, f"{message} Use a smaller source, or raise it.")


_ALWAYS = (_has_video, _has_size, _has_duration, _has_colours_we_understand)
_REQUIRED = (_accepted_format, _tall_enough, _low_enough, _short_enough, _small_enough)


def shown(video: Video) -> str:
    """Displayed size, such as ``1920x1080``."""
    return "x".join(map(str, video.shown))


def _video(examined: Examined) -> Video:
    video = examined.media.video
    assert video is not None, "_has_video comes first"  # noqa: S101
    return video


def _required(examined: Examined) -> Requirements:
    requirements = examined.requirements
    assert requirements is not None, "asked only where there are requirements"  # noqa: S101
    return requirements
