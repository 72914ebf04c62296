"""The host that serves the source of a VideoImport, or the list of a BulkImport."""

from urllib.parse import urlsplit

from videoimport.api.bulkimport_source import BulkSource
from videoimport.api.videoimport import VideoImport
from videoimport.api.videoimport_source import VideoSource

_MAX_HOST = 253


def find_host(video: VideoImport) -> str | None:
    """Return the host of a VideoImport's source; None for a volume."""
    return find_source_host(video.spec.source)


def find_source_host(source: VideoSource) -> str | None:
    """Return the host of a source; None for a volume."""
    if source.s3 is not None:
        return find_store_host(source.s3.endpoint, source.s3.bucket)
    return parse_host(source.url) if source.url is not None else None


def find_store_host(endpoint: str | None, bucket: str) -> str | None:
    """Return the host of a bucket. On AWS it is the bucket's own, because AWS limits the rate of each bucket apart."""
    return f"{bucket}.s3.amazonaws.com" if endpoint is None else parse_host(endpoint)


def parse_host(url: str) -> str | None:
    """Return a URL's host without ``www.``; None if it has none."""
    try:
        host = urlsplit(url).hostname
    except ValueError:
        return None
    return host.removeprefix("www.")[:_MAX_HOST] if host else None


def find_list_host(source: BulkSource) -> str | None:
    """Return the host of a BulkImport's list; None for a list in the cluster."""
    if source.s3 is not None:
        return find_store_host(source.s3.endpoint, source.s3.bucket)
    if source.manifest is not None and source.manifest.s3 is not None:
        return find_store_host(source.manifest.s3.endpoint, source.manifest.s3.bucket)
    url = source.playlist.url if source.playlist else source.manifest.url if source.manifest else None
    return parse_host(url) if url is not None else None
