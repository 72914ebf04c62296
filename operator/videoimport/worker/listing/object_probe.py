"""Reading of an object's first bytes, and of the index at its end. These bytes are enough for ffprobe to detect the
type."""

import contextlib
import itertools
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from videoimport.api.reasons import Reason
from videoimport.api.videoimport_source import S3Source
from videoimport.media.container import mp4_boxes as boxes_of
from videoimport.media.container.mp4_boxes import Box
from videoimport.media.source import file_signature as sniff
from videoimport.media.transcode import overlap
from videoimport.worker.fetch import mp4_tail as tail
from videoimport.worker.fetch.content_check import refuse_no_file
from videoimport.worker.fetch.context import Surroundings
from videoimport.worker.fetch.s3_ranges import Reader, Version
from videoimport.worker.listing.process_messages import Look
from videoimport.worker.runtime.errors import ImportFailure

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

HEAD_BYTES = 64 * 1024
MOST_INDEX_BYTES = 16 * 2**20
"""Maximum number of bytes of an index, enough for about eight hours of video. An object with a longer index is left to
its import."""
_LONG_AT_ONCE = 2
"""Maximum number of indexes in memory at once. While an index is read, it takes twice its size."""
_PASSING = (Reason.RATE_LIMITED, Reason.SOURCE_UNAVAILABLE, Reason.ADDRESS_FORBIDDEN)
"""Reasons that are not the fault of one object."""


class Looker:
    """Reads the first bytes of objects in one bucket. Any thread may call it."""

    def __init__(self, client: "S3Client", around: Surroundings) -> None:
        self._client, self._around = client, around
        self._numbers = itertools.count()
        self._long = threading.Semaphore(_LONG_AT_ONCE)

    def look(self, wish: S3Source, version: Version) -> Look:
        """Return the facts that certainly follow from the object's bytes. Only certain facts may reject an object,
        because no import tries a rejected object. Raises ImportFailure for a failure that this object did not cause.
        """
        reader = Reader(self._client, wish, self._around.throttle)
        try:
            return self._look(reader, wish.key, version)
        except ImportFailure as failure:
            if failure.reason in _PASSING:
                raise
            return Look(key=wish.key)  # no bytes were read: the import reads the object itself, and can be retried

    def _look(self, reader: Reader, key: str, version: Version) -> Look:
        head = reader.read(version, 0, min(HEAD_BYTES, version.size) - 1)
        try:
            refuse_no_file(head)
        except ImportFailure as proof:
            return Look(key=key, reason=proof.reason, message=proof.text[:512])
        container = sniff.container(head)
        if container not in ("mp4", "mov"):  # without a hole: ffprobe would search it for the next packet
            return Look(key=key, path=self._kept([(0, head)], len(head)), container=container)
        boxes = tuple(boxes_of.top_level(lambda offset, length: head[offset : offset + length], version.size))
        rest = _index(head, boxes, version.size)
        if rest is None and _is_cut(head, boxes):
            return Look(key=key, container=container)
        pieces = [(0, head)]
        with self._long if rest is not None else contextlib.nullcontext():
            if rest is not None:
                pieces.append((rest[0], reader.read(version, rest[0], rest[1] - 1)))
            path = self._kept(pieces, version.size)
        return Look(key=key, path=path, container=container, is_fragmented=overlap.is_fragmented(boxes))

    def _kept(self, pieces: list[tuple[int, bytes]], size: int) -> str | None:
        """Write the bytes to a file and return its path. Return None if that is impossible, for example for a size that
        no file system supports."""
        path = self._around.folder / f"look-{next(self._numbers)}"
        try:
            _write(path, pieces, size)
        except OSError:
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
            return None
        return str(path)


def _index(head: bytes, boxes: tuple[Box, ...], size: int) -> tuple[int, int] | None:
    """Return the offsets of the part of the index that is not in the head: first byte and end.

    Returns None if the head has the whole index, or if the rest is too long or not found.
    """
    index = next((box for box in boxes if box.name == b"moov"), None)
    if index is not None:
        span = len(head), min(index.end, size)
    elif (first := tail.offset_of(head, size)) is not None:
        span = max(first, len(head)), size
    else:
        return None
    return span if 0 < span[1] - span[0] <= MOST_INDEX_BYTES else None


def _is_cut(head: bytes, boxes: tuple[Box, ...]) -> bool:
    """Return whether the head has only the beginning of the index. ffprobe would report the tracks in that part as all
    tracks of the file."""
    return any(box.name == b"moov" and box.end > len(head) for box in boxes)


def _write(path: Path, pieces: list[tuple[int, bytes]], size: int) -> None:
    """Write a sparse file of the object's size, because an index contains absolute offsets.

    The file takes no more disk space than the bytes that were read.
    """
    with path.open("wb") as file:
        for offset, piece in pieces:
            file.seek(offset)
            file.write(piece)
        file.truncate(size)
