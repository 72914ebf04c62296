"""Where bytes land: a file in scratch that only ever grows, hashed on the way.

What starts over goes to a file of another name: whoever still reads the first one reads a part of one version, never a
mixture of two.
"""

import errno
import hashlib
from pathlib import Path
from types import TracebackType
from typing import IO

from videoimport.api.reasons import Reason
from videoimport.worker.errors import ImportFailure
from videoimport.worker.fetch.protocol import File


class Landing:
    """One file's place. Raises ImportFailure SCRATCH_FULL when there is no room."""

    def __init__(self, folder: Path, name: str = "source") -> None:
        self._folder, self._name = folder, name
        self._number = 0
        self._file: IO[bytes] | None = None
        self._hash = hashlib.sha256()
        self.size = 0
        """Bytes that are there."""

    @property
    def path(self) -> Path:
        """The file as it is called now."""
        return self._folder / (f"{self._name}-{self._number}" if self._number else self._name)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file:
            self._file.close()

    def __enter__(self) -> "Landing":
        return self

    def keep(self, chunk: bytes) -> None:
        """More of it, seen by other readers at once."""
        try:
            file = self._open()
            file.write(chunk)
            file.flush()
        except OSError as error:
            raise self._without_room(error) from None
        self._hash.update(chunk)
        self.size += len(chunk)

    def start_over(self) -> None:
        """Throw away what is there."""
        if self._file is None:
            return
        self._file.close()
        self.path.unlink(missing_ok=True)
        self._file, self._hash, self.size = None, hashlib.sha256(), 0
        self._number += 1

    def file(self, *, seekable: bool) -> File:
        """The whole file, as it is told."""
        self._open()
        return File(path=str(self.path), size=self.size, sha256=self._hash.hexdigest(), seekable=seekable)

    def _open(self) -> IO[bytes]:
        if self._file is None:
            self._file = self.path.open("wb")
        return self._file

    def _without_room(self, error: OSError) -> Exception:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            return error
        message = f"There is no room in scratch after {self.size} bytes; raise worker.scratch.size."
        return ImportFailure(Reason.SCRATCH_FULL, message)
