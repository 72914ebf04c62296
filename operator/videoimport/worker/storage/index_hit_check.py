"""Checks of a video that the destination already has. The checks return whether this import would accept the video
if it fetched the source."""

from videoimport.api.quantity import bytes_of
from videoimport.api.reasons import Reason
from videoimport.api.requirements import Requirements
from videoimport.api.videoimport import VideoImportSpec
from videoimport.api.videoimport_status import VideoMetadata
from videoimport.worker.runtime.errors import ImportFailure
from videoimport.worker.storage.video_index import Committed


def suits(entry: Committed, spec: VideoImportSpec) -> bool:
    """Return whether a stored video satisfies the spec, without a fetch of the source.

    An unknown fact does not satisfy the spec. In this case the worker fetches and checks the source. If that check
    fails, it gives the reason.
    """
    return meets(entry, spec.source.checksum, spec.requirements)


def meets(entry: Committed, checksum: str | None, requirements: Requirements | None) -> bool:
    """Return the same result as ``suits``. This function is for callers that do not have the whole spec."""
    if checksum is not None and checksum != f"sha256:{entry.source_sha256}":
        return False
    if _is_too_damaged(entry, requirements):
        return False
    return requirements is None or _meets(entry.metadata or VideoMetadata(), requirements)


def _meets(known: VideoMetadata, wanted: Requirements) -> bool:
    if known.width is None or known.height is None or known.duration_ms is None or known.size_bytes is None:
        return False
    return (
        known.format in wanted.formats
        and wanted.min_height <= min(known.width, known.height) <= wanted.max_height
        and known.duration_ms <= wanted.max_duration_seconds * 1000
        and (wanted.max_size is None or known.size_bytes <= bytes_of(wanted.max_size))
    )


def _is_too_damaged(entry: Committed, wanted: Requirements | None) -> bool:
    return entry.lossy and (wanted is None or wanted.damage == "Refuse")


def refuse_damaged(entry: Committed, spec: VideoImportSpec) -> None:
    """Raise ImportFailure SOURCE_CORRUPT if an earlier import of the same bytes found damage and this spec does not
    tolerate damage."""
    if _is_too_damaged(entry, spec.requirements):
        message = (
            f"The source is damaged: {entry.uri} was made from the same bytes, and a part of the video is missing."
        )
        raise ImportFailure(Reason.SOURCE_CORRUPT, message)
