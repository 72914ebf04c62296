"""Fetching of the end of an MP4 or MOV file before the rest.

If the index (moov) is at the end, the file can then be decoded while it grows.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from time import monotonic

from videoimport.media.container import mp4_boxes as boxes
from videoimport.worker.fetch.http.response import ContentRange, HttpResponse, Interrupted, Validator
from videoimport.worker.fetch.limits import CHUNK, FetchLimits, StallDetector, Throttle
from videoimport.worker.fetch.process_messages import Ahead, TailFile, Telling
from videoimport.worker.runtime.errors import ImportFailure
from videoimport.worker.runtime.logging import log

MOST_BYTES = 64 * 2**20
"""Maximum number of bytes of the end of a file. The index of a day of video has about 20 MiB."""


Told = Callable[[int], None]
"""Callback for the number of bytes that have arrived. It raises Interrupted if the fetch takes too long."""


def offset_of(head: bytes, total: int | None) -> int | None:
    """Return the offset of the first byte after the media data. Return None unless the file's first bytes show that the
    index comes after the media data."""
    if total is None:
        return None
    for box in boxes.top_level(lambda offset, length: head[offset : offset + length], total):
        if box.name in (b"moov", b"moof"):
            return None
        if box.name == b"mdat":
            return box.end if 0 < total - box.end <= MOST_BYTES else None
    return None


def holds_index(tail: bytes) -> bool:
    """Return whether the end of the file contains a complete index."""
    found = boxes.top_level(lambda offset, length: tail[offset : offset + length], len(tail))
    return any(box.name == b"moov" and box.end <= len(tail) for box in found)


def fetched(
    folder: Path,
    head: bytes,
    total: int | None,
    limits: FetchLimits,
    throttle: Throttle,
    teller: Telling,
    fetch: Callable[[int, Told], bytes],
) -> TailFile | None:
    """Fetch the end of the file into a separate file.

    Returns None if the end cannot be fetched in time. The import continues without it. ``fetch`` returns all bytes from
    an offset to the end.
    """
    first = offset_of(head, total)
    if first is None or total is None or throttle.seconds(total - first) > limits.tail_seconds:
        return None
    try:
        content = fetch(first, _telling(limits, teller))
    except (Interrupted, ImportFailure) as error:
        log().info("the end cannot be fetched first", why=str(error))
        return None
    if len(content) != total - first or not holds_index(content):
        return None
    path = folder / "tail"
    path.write_bytes(content)
    return TailFile(path=str(path), offset=first)


def _telling(limits: FetchLimits, teller: Telling) -> Told:
    until = monotonic() + limits.tail_seconds

    def told(done: int) -> None:
        if monotonic() > until:
            raise Interrupted(f"it took longer than {limits.tail_seconds:g} seconds")
        teller.tell(Ahead(done=done))

    return told


def by_range(
    get: Callable[[Mapping[str, str]], HttpResponse],
    validator: Validator,
    total: int,
    limits: FetchLimits,
    throttle: Throttle,
) -> Callable[[int, Told], bytes]:
    """Return a function that fetches the end of a file from a web server by a Range request.

    The function accepts only the requested range of the same version. ``get`` sends a request with the given headers.
    """

    def fetch(first: int, told: Told) -> bytes:
        answer = get({"Range": f"bytes={first}-", "If-Range": validator.if_range or ""})
        try:
            right = ContentRange(first, total - 1, total)
            if answer.status != 206 or answer.content_range != right or validator.differs(answer.validator):
                raise Interrupted("it did not send the requested range")
            if answer.is_encoded:
                raise Interrupted("it answers with a compressed range")
            content, stall = b"", StallDetector(limits.pace)
            while len(content) < total - first and (chunk := answer.read(throttle.chunk)):
                content += chunk
                told(len(content))
                throttle.took(len(chunk))
                stall.check(len(content))
            return content
        finally:
            answer.response.close()

    return fetch


def chunks(tail: TailFile) -> Iterator[bytes]:
    """Yield the content of the fetched end in chunks."""
    with Path(tail.path).open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk
