"""Reads a file from start to end while its SHA-256 is computed."""

import hashlib
import os
import threading
from collections.abc import Iterator
from contextlib import closing

from videoimport.cli.upload.local_file import LocalFile, open_file

BLOCK = 2**18
"""Number of bytes that are read and sent at once."""
_MARK = 2**26
"""Number of bytes between two positions whose hash is kept."""


class FileChangedError(Exception):
    """The file changed while it was sent."""


class UploadStoppedError(Exception):
    """The command was interrupted."""


class HashedFile:
    """A file that is read from start to end while its hash is computed. The methods raise FileChangedError if the file
    is not the one that the command found, and UploadStoppedError once ``stop`` is set."""

    def __init__(self, file: LocalFile, stop: threading.Event | None = None) -> None:
        self._file, self._stop = file, stop or threading.Event()
        try:
            self._source = open_file(file.path)
        except OSError as error:
            raise FileChangedError(f"{file.path} cannot be read any more: {error.strerror}.") from None
        self._hash = hashlib.sha256()
        self.position = 0
        """Number of bytes that were read and hashed."""
        self._marks = [(0, self._hash.copy())]
        """Positions, each with the hash of the bytes before. After a broken connection, few bytes are hashed again."""

    def move_to(self, start: int) -> None:
        """Go to a position. The bytes before it are read for the hash, if that is not done yet."""
        if self.position > start:
            self._go_back(start)
        for _ in self._read_until(start):
            pass

    def read_blocks(self, start: int, end: int) -> Iterator[bytes]:
        """Yield the bytes from ``start`` to ``end``."""
        self.move_to(start)
        yield from self._read_until(end)

    def compute_sha256(self) -> str:
        """Return the hash of the bytes before the position: of the whole file, once its last byte was read."""
        return self._hash.hexdigest()

    def close(self) -> None:
        """Close the file."""
        self._source.close()

    def _go_back(self, start: int) -> None:
        self.position, mark = max((mark for mark in self._marks if mark[0] <= start), key=lambda mark: mark[0])
        self._hash = mark.copy()

    def _read_until(self, end: int) -> Iterator[bytes]:
        while (left := end - self.position) > 0:
            if self._stop.is_set():
                raise UploadStoppedError
            block = self._read(min(BLOCK, left))
            self._hash.update(block)
            self.position += len(block)
            if self.position >= self._marks[-1][0] + _MARK:
                self._marks.append((self.position, self._hash.copy()))
            yield block

    def _read(self, most: int) -> bytes:
        """Return the next bytes of the open file, whatever file its path names by now. The facts are compared after
        the bytes were read, so that bytes of a changed file are not returned."""
        try:
            self._source.seek(self.position)
            block: bytes | None = self._source.read(most)
            found = os.fstat(self._source.fileno())
        except OSError as error:
            raise FileChangedError(f"{self._file.path} cannot be read any more: {error.strerror}.") from None
        if not block or not self._file.has_facts(found):
            raise FileChangedError(f"{self._file.path} changed while it was sent.")
        return block


def hash_file(file: LocalFile) -> str:
    """Return the SHA-256 of a whole file in hexadecimal digits. Raises FileChangedError if the file changes."""
    with closing(HashedFile(file)) as content:
        content.move_to(file.size)
        return content.compute_sha256()
