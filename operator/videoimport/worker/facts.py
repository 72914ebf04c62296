"""What is told of a source and of its result, in the API's shapes."""

import hashlib

from videoimport.api.redact import shown_url
from videoimport.api.status import SourceStatus, VideoMetadata
from videoimport.media.requirements import shown
from videoimport.worker.examine import Examined
from videoimport.worker.fetch.protocol import Found
from videoimport.worker.reporting import clip
from videoimport.worker.source import Sources

MOST_PIXELS = 1_000_000
"""Of a side, as far as a status goes: a file's header may claim any."""


def source_status(url: str, found: Found, sources: Sources | None = None, seconds: float | None = None) -> SourceStatus:
    """What was found at the source, as far as it is known by now."""
    return SourceStatus(
        type=found.type,
        url=clip(shown_url(url), 2048),
        filename=found.filename,
        source_id=found.source_id[:256] if found.source_id else None,
        title=found.title,
        sha256=source_sha256(sources) if sources else None,
        duration_ms=round(seconds * 1000) if seconds is not None else None,
    )


def source_sha256(sources: Sources) -> str | None:
    """Of the bytes as fetched; of two files, the hash of both hashes: it never depends on how they are merged."""
    hashes = [source.sha256 or "" for source in sources.all]
    return hashes[0] if len(hashes) == 1 else hashlib.sha256("\n".join(hashes).encode()).hexdigest()


def metadata(video: Examined, audio: Examined, size: int, seconds: float, container: str | None) -> VideoMetadata:
    """Technical facts of the source; ``audio`` is the same file where one has both."""
    picture, sound = video.media.video, audio.media.audio
    return VideoMetadata(
        resolution=shown(picture) if picture else None,
        width=min(picture.shown[0], MOST_PIXELS) if picture else None,
        height=min(picture.shown[1], MOST_PIXELS) if picture else None,
        duration_ms=round(seconds * 1000),
        size_bytes=size,
        format=container or video.media.demuxer.partition(",")[0][:64] or None,
        video_codec=picture.codec if picture else None,
        audio_codec=sound.codec if sound else None,
        frames_per_second=f"{picture.rate.numerator}/{picture.rate.denominator}" if picture and picture.rate else None,
    )
