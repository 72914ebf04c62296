"""The host that serves the source of a VideoImport, or the list of a BulkImport."""

from urllib.parse import urlsplit

from videoimport.api.bulkimport_source import BulkSource
from videoimport.api.videoimport import VideoImport
from videoimport.api.videoimport_source import VideoSource

_MAX_HOST = 253


def host_of(video: VideoImport) -> str | None:
    """Whom its source is asked from; None for a volume."""
    return host_of_source(video.spec.source)


def host_of_source(source: VideoSource) -> str | None:
    """Whom a video is asked from; None for a volume."""
    if source.s3 is not None:
        return host_of_store(source.s3.endpoint, source.s3.bucket)
    return host_of_url(source.url) if source.url is not None else None


def host_of_store(endpoint: str | None, bucket: str) -> str | None:
    """AWS itself limits each bucket by itself, and so do its hosts' names: one busy bucket is no reason to leave the
    others alone."""
    return f"{bucket}.s3.amazonaws.com" if endpoint is None else host_of_url(endpoint)


def host_of_url(url: str) -> str | None:
    """The host's name; None where there is none to be found."""
    try:
        host = urlsplit(url).hostname
    except ValueError:
        return None
    return host.removeprefix("www.")[:_MAX_HOST] if host else None


def host_of_list(source: BulkSource) -> str | None:
    """Whom a list is asked from; None for one that stands in the cluster."""
    if source.s3 is not None:
        return host_of_store(source.s3.endpoint, source.s3.bucket)
    if source.manifest is not None and source.manifest.s3 is not None:
        return host_of_store(source.manifest.s3.endpoint, source.manifest.s3.bucket)
    url = source.playlist.url if source.playlist else source.manifest.url if source.manifest else None
    return host_of_url(url) if url is not None else None
