"""The finding that a source is cut short: its data ends early."""

from videoimport.api.reasons import Reason
from videoimport.media.container import truncated_matroska as ebml
from videoimport.media.container import truncated_mp4 as samples
from videoimport.media.container import truncated_other_formats as chunks
from videoimport.media.container.mp4_boxes import Box, Read
from videoimport.media.source.findings import Finding


def find_truncation(read: Read, boxes: tuple[Box, ...], size: int, demuxer: str) -> Finding | None:
    """Return SOURCE_TRUNCATED for a source whose data ends early. Return None otherwise. ``read(offset, length)``
    reads the file.

    The only evidence is data: a sample, block, packet or tag that would continue after the end of the file. A longer
    duration in a header is no evidence. ``boxes`` is empty for a file that is not MP4 or MOV.
    """
    if missing := samples.missing_bytes(read, boxes, size):
        return _truncated(f"its samples are {missing} bytes longer than the file")
    why = ebml.why_cut(read, size) if demuxer == "matroska,webm" else chunks.why_cut(read, size, demuxer)
    return _truncated(why) if why else None


def _truncated(why: str) -> Finding:
    return Finding(Reason.SOURCE_TRUNCATED, f"The source is cut short: {why}.", "Get a complete copy of the source.")
