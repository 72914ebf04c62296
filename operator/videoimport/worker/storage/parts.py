"""Where a file is cut into parts, and the hashes of its parts and of the whole.

S3 wants parts of at least 5 MiB but for the last, and at most 10,000 of them. Equal parts suit every store (some take
no others), so parts grow only where an estimate was missed by far: from part 5,001 on they double every thousand.
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
"""For a file that is there: fewer requests, and nothing waits for a part to be full."""
_EQUAL_PARTS = 5_000
_DOUBLED_EVERY = 1_000
_CHUNK = 2**20
"""What a reader holds in memory at a time."""


class Window(NamedTuple):
    """A part's place in the file."""

    number: int
    offset: int
    size: int

    @property
    def end(self) -> int:
        """The first byte after it."""
        return self.offset + self.size


@dataclass(frozen=True, slots=True)
class UploadPart:
    """A part as it was read to be sent."""

    window: Window
    sha256: bytes
    md5: bytes
    """Empty where the store keeps SHA-256."""
    crc: int
    """Cheap to have again: tells whether the part was rewritten since."""


@dataclass(frozen=True, slots=True)
class Digest:
    """A finished file."""

    size: int
    sha256: str
    """Of the whole, hex."""
    crcs: tuple[int, ...]
    """Of each part."""
    md5: str | None = None
    """Of the whole, hex; None where it was not asked for."""


def windows_of(size: int) -> Iterator[Window]:
    """The parts of a file that is there; one, though empty, of an empty one."""
    part = max(_WHOLE_PART, -(-size // MOST_PARTS))
    for number, offset in enumerate(range(0, max(size, 1), part), start=1):
        yield Window(number, offset, min(part, size - offset))


def windows_ahead(expected: int | None) -> Iterator[Window]:
    """The parts of a file that is still to come, of about ``expected`` bytes; whoever reads cuts the last one short.

    They hold 67 times what 5,000 equal parts do, so that no estimate worth the name is missed by more.
    """
    part = max(LEAST_PART, -(-(expected or 0) // _EQUAL_PARTS))
    offset = 0
    for number in range(1, MOST_PARTS + 1):
        size = part << max(0, (number - _EQUAL_PARTS - 1) // _DOUBLED_EVERY + 1)
        yield Window(number, offset, size)
        offset += size


def read_part(descriptor: int, window: Window, *, with_md5: bool) -> UploadPart:
    """Hash a part."""
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
    """Hash a finished file from its first byte to its last, with what tells its parts apart.

    ``went_on`` hears of every part: a large file takes minutes, in which nothing else may move.
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
    """The bytes of a part, a mebibyte at a time. Raises ScratchError."""
    at = window.offset
    while at < window.end:
        chunk = read(descriptor, min(_CHUNK, window.end - at), at)
        at += len(chunk)
        yield chunk


def read(descriptor: int, most: int, at: int) -> bytes:
    """Return 1 to ``most`` bytes of a file in scratch. Raises ScratchError, also where the file became shorter."""
    try:
        chunk = os.pread(descriptor, most, at)
    except OSError as error:
        raise ScratchError(f"{errno.errorcode.get(error.errno or 0, 'an unknown error')} at byte {at}") from None
    if not chunk:
        raise ScratchError(f"it became shorter: it ends before byte {at + 1}")
    return chunk


def composite(parts: Sequence[UploadPart]) -> str:
    """What S3 calls the SHA-256 of a multipart object: that of its parts' hashes, and their number."""
    joined = hashlib.sha256(b"".join(part.sha256 for part in parts)).digest()
    return f"{base64.b64encode(joined).decode()}-{len(parts)}"


def joined_etag(parts: Sequence[UploadPart]) -> str:
    """What S3 gives as the ETag of a multipart object: the MD5 of its parts' MD5s, and their number."""
    return f"{hashlib.md5(b''.join(part.md5 for part in parts), usedforsecurity=False).hexdigest()}-{len(parts)}"


def seal(etags: Sequence[tuple[int, int, str]]) -> str:
    """One word for the parts that lie in a store (number, size, ETag): those very ones, or not."""
    lines = "\n".join(f"{number} {size} {etag}" for number, size, etag in sorted(etags))
    return hashlib.sha256(lines.encode()).hexdigest()
