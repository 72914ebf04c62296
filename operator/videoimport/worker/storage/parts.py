"""The division of a file into parts of a multipart upload, and the hashes of the parts and of the whole file.

S3 allows at most 10,000 parts. Each part except the last must have at least 5 MiB. All stores accept parts of equal
size, and some accept no others. So parts grow only if a file is much larger than expected. From part 5,001 on, the size
doubles every thousand parts.
"""

import base64
import errno
import hashlib
import os
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from videoimport.worker.runtime.errors import ScratchError

LEAST_PART = 5 * 2**20
MOST_PARTS = 10_000
_WHOLE_PART = 8 * 2**20
"""Bytes of a part of a complete file. Larger parts need fewer requests, and no upload waits for a part to be full."""
_EQUAL_PARTS = 5_000
_DOUBLED_EVERY = 1_000
_CHUNK = 2**20
"""Bytes that a reader holds in memory at a time."""


class Window(NamedTuple):
    """The position of a part in the file."""

    number: int
    offset: int
    size: int

    @property
    def end(self) -> int:
        """The offset of the first byte after the part."""
        return self.offset + self.size


@dataclass(frozen=True, slots=True)
class UploadPart:
    """The hashes of a part, computed before the part is sent."""

    window: Window
    sha256: bytes
    md5: bytes
    """MD5 of the part. The value is empty if the store keeps SHA-256."""
    crc: int
    """CRC-32 of the part. It is cheap to compute again, and shows whether the part was rewritten since."""


@dataclass(frozen=True, slots=True)
class Digest:
    """The size and the hashes of a finished file."""

    size: int
    sha256: str
    """SHA-256 of the whole file, hex."""
    crcs: tuple[int, ...]
    """CRC-32 of each part."""
    md5: str | None = None
    """MD5 of the whole file, hex, or None if it was not requested."""


def windows_of(size: int) -> Iterator[Window]:
    """Yield the parts of a complete file. An empty file has one empty part."""
    part = max(_WHOLE_PART, -(-size // MOST_PARTS))
    for number, offset in enumerate(range(0, max(size, 1), part), start=1):
        yield Window(number, offset, min(part, size - offset))


def windows_ahead(expected: int | None) -> Iterator[Window]:
    """Yield the parts of a file that does not exist yet and will have about ``expected`` bytes. The reader shortens the
    last part.

    All parts together hold 67 times as many bytes as 5,000 equal parts. So a file may be 67 times larger than
    expected.
    """
    part = max(LEAST_PART, -(-(expected or 0) // _EQUAL_PARTS))
    offset = 0
    for number in range(1, MOST_PARTS + 1):
        size = part << max(0, (number - _EQUAL_PARTS - 1) // _DOUBLED_EVERY + 1)
        yield Window(number, offset, size)
        offset += size


def read_part(descriptor: int, window: Window, *, with_md5: bool) -> UploadPart:
    """Compute the hashes of a part."""
    sha256, md5, crc = hashlib.sha256(), hashlib.md5(usedforsecurity=False), 0
    for chunk in chunks(descriptor, window):
        sha256.update(chunk)
        crc = zlib.crc32(chunk, crc)
        if with_md5:
            md5.update(chunk)
    return UploadPart(window, sha256.digest(), md5.digest() if with_md5 else b"", crc)


def digest(
    descriptor: int,
    windows: Sequence[Window],
    went_on: Callable[[], None] = lambda: None,
    *,
    with_md5: bool = False,
) -> Digest:
    """Compute the hashes of a finished file from its first byte to its last, and the CRC-32 of each part.

    ``went_on`` is called after every part to report progress, because a large file takes minutes.
    """
    whole, md5, crcs = hashlib.sha256(), hashlib.md5(usedforsecurity=False), []
    for window in windows:
        crc = 0
        for chunk in chunks(descriptor, window):
            whole.update(chunk)
            if with_md5:
                md5.update(chunk)
            crc = zlib.crc32(chunk, crc)
        crcs.append(crc)
        went_on()
    size = sum(window.size for window in windows)
    return Digest(size, whole.hexdigest(), tuple(crcs), md5.hexdigest() if with_md5 else None)


def chunks(descriptor: int, window: Window) -> Iterator[bytes]:
    """Yield the bytes of a part, at most 1 MiB at a time. Raises ScratchError."""
    at = window.offset
    while at < window.end:
        chunk = read(descriptor, min(_CHUNK, window.end - at), at)
        at += len(chunk)
        yield chunk


def read(descriptor: int, most: int, at: int) -> bytes:
    """Return 1 to ``most`` bytes of a file in scratch, from the offset ``at``. Raises ScratchError, also if the file
    became shorter."""
    try:
        chunk = os.pread(descriptor, most, at)
    except OSError as error:
        raise ScratchError(f"{errno.errorcode.get(error.errno or 0, 'an unknown error')} at byte {at}") from None
    if not chunk:
        raise ScratchError(f"it became shorter: it ends before byte {at + 1}")
    return chunk


def composite(parts: Sequence[UploadPart]) -> str:
    """Return the composite SHA-256 that S3 gives a multipart object: the SHA-256 of the parts' hashes, and the number
    of parts."""
    joined = hashlib.sha256(b"".join(part.sha256 for part in parts)).digest()
    return f"{base64.b64encode(joined).decode()}-{len(parts)}"


def joined_etag(parts: Sequence[UploadPart]) -> str:
    """Return the ETag that S3 gives a multipart object: the MD5 of the parts' MD5s, and the number of parts."""
    return f"{hashlib.md5(b''.join(part.md5 for part in parts), usedforsecurity=False).hexdigest()}-{len(parts)}"


def seal(etags: Sequence[tuple[int, int, str]]) -> str:
    """Return a digest of the parts that a store has, from the numbers, sizes and ETags of the parts. Two lists of
    parts are equal if their digests are equal."""
    lines = "\n".join(f"{number} {size} {etag}" for number, size, etag in sorted(etags))
    return hashlib.sha256(lines.encode()).hexdigest()
