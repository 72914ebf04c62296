"""The target file of a download in scratch. The file only grows, and its hash is computed while it grows.

A download that starts again uses a new file name. So a reader of the first file never reads a mixture of two versions.

If scratch outlives the pod, a small file beside it (the mark) records the version and the number of bytes on the disk.
"""

import contextlib
import hashlib
import os
import time
from collections.abc import Callable
from operator import attrgetter
from pathlib import Path
from types import TracebackType
from typing import IO, Annotated

from pydantic import Field, ValidationError

from videoimport.api.base import Model
from videoimport.worker.fetch.process_messages import File
from videoimport.worker.runtime import disk_space as disks

_MARK_NAME = "fetched.json"


class Mark(Model):
    """The record about an incomplete file. The record contains only a hash of the source's address, because the address
    may contain secrets."""

    source: str
    """The ``protocol.identity`` of the URL or object."""
    version: str
    """Version of the bytes that the source reports: an ETag, a date or a version ID. For an upload, the session that
    sent the first bytes."""
    total: int | None = None
    name: Annotated[str, Field(pattern=r"^[a-z0-9-]+$")]
    number: int = 0
    kept: Annotated[int, Field(ge=0)]
    """Number of bytes that are certainly on the disk. After a crash, bytes beyond them may be wrong."""

    @property
    def usable(self) -> int:
        """Number of bytes that a later run can use. The number is less than the size of the file, so that at least one
        byte is requested again. The response shows whether the source has changed."""
        return self.kept if self.total is None else max(0, min(self.kept, self.total - 1))


def read_mark(folder: Path) -> Mark | None:
    """Return the mark in ``folder``, or None if it is missing or invalid."""
    try:
        return Mark.model_validate_json((folder / _MARK_NAME).read_bytes())
    except (OSError, ValidationError):
        return None


def write_mark(folder: Path, mark: Mark) -> None:
    """Write the mark atomically. If the disk is full, the old mark stays, and a later run fetches some bytes twice."""
    new = folder / f"{_MARK_NAME}.new"
    with contextlib.suppress(OSError):
        with new.open("w") as file:
            file.write(mark.model_dump_json(by_alias=True))
            file.flush()
            os.fsync(file.fileno())
        new.replace(folder / _MARK_NAME)


def remove_mark(folder: Path) -> None:
    """Remove the mark, so that no later run continues the file."""
    (folder / _MARK_NAME).unlink(missing_ok=True)


SYNCED_BYTES = 16 * 2**20
"""Number of bytes between two marks. At most this many bytes are lost if a node fails."""
PUSHED_BYTES = 64 * 2**20
"""The same for a client that sends more than ``SYNCED_BYTES`` in ``_SYNC_SECONDS``. The receiver waits for the disk at
each mark, and such a client soon sends these bytes again."""
_SYNC_SECONDS = 0.25
_HASHED_BYTES = 16 * 2**20
"""Number of bytes to hash between two progress reports."""


class Landing:
    """The target file of one download. Raises ImportFailure SCRATCH_FULL if scratch has no space."""

    def __init__(
        self,
        folder: Path,
        name: str = "source",
        *,
        outlives: bool = False,
        is_pushed: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``is_pushed`` states that a client sends the file, so no byte can be requested again. The last byte is left
        out of the mark until ``prove`` is called. So a later run uses a whole file only if this run has checked it."""
        self.folder, self._first_name = folder, name
        self._name, self._number = name, 0
        self._outlives = outlives
        self._is_pushed, self._is_proved = is_pushed, not is_pushed
        self._file: IO[bytes] | None = None
        self._clock, self._synced_at = clock, clock()
        self._hash = hashlib.sha256()
        self._mark: Mark | None = None
        self._total: int | None = None
        self.size = 0
        """Number of bytes in the file."""

    @property
    def path(self) -> Path:
        """The current path of the file."""
        return self.folder / self._name

    def __enter__(self) -> "Landing":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file:
            self._synced()
            self._file.close()

    def recover(
        self,
        source: str,
        hashed: Callable[[int], None],
        count_usable: Callable[[Mark], int] = attrgetter("usable"),
    ) -> Mark | None:
        """Continue with the bytes of this source that an earlier run fetched, and hash them again.

        If there are no such bytes, remove the files of earlier runs and return None. ``hashed`` is called with the
        number of hashed bytes. ``count_usable`` returns how many bytes of a mark this run may use.
        """
        if not self._outlives:
            return None
        mark = read_mark(self.folder)
        path = self.folder / mark.name if mark else self.path
        usable = 0 if mark is None else count_usable(mark)
        if mark is None or mark.source != source or usable == 0 or not _holds(path, usable):
            remove_mark(self.folder)
            for left in self.folder.glob(f"{self._first_name}*"):
                left.unlink()  # files of other sources from earlier runs are of no use
            return None
        self._name, self._number = mark.name, mark.number
        self._file = path.open("r+b")
        self._file.truncate(usable)
        while chunk := self._file.read(_HASHED_BYTES):
            self._hash.update(chunk)
            self.size += len(chunk)
            hashed(self.size)
        self._mark, self._total = mark, mark.total
        self._is_proved |= self.size == mark.total
        return mark

    def head(self, length: int) -> bytes:
        """Return the first ``length`` bytes of the file."""
        with self.path.open("rb") as file:
            return file.read(length)

    def remember(self, source: str, version: str | None, total: int | None) -> None:
        """Record the version of the source whose bytes are written next. Without a version, no later run can continue
        the file."""
        self._mark, self._total = None, total
        if self._outlives and version:
            self._mark = Mark(
                source=source, version=version, total=total, name=self._name, number=self._number, kept=self.size
            )
            write_mark(self.folder, self._mark)

    def keep(self, chunk: bytes) -> None:
        """Append bytes to the file. Other readers of the file can read them at once."""
        try:
            file = self._open()
            file.write(chunk)
            file.flush()
        except OSError as error:
            raise self._without_room(error) from None
        self._hash.update(chunk)
        self.size += len(chunk)
        if self._mark and self._needs_sync(self.size - self._mark.kept):
            self._synced()

    def _needs_sync(self, fresh: int) -> bool:
        is_fast = self._is_pushed and self._clock() - self._synced_at < _SYNC_SECONDS
        return fresh >= (PUSHED_BYTES if is_fast else SYNCED_BYTES)

    def prove(self) -> None:
        """Record that the whole file was checked, so that a later run may use the file as it is."""
        self._is_proved = True
        self._synced()

    def forget(self) -> None:
        """Let no later run continue this file."""
        self._mark = None
        remove_mark(self.folder)

    def start_over(self) -> None:
        """Delete the bytes that were fetched so far, and continue with a new file name."""
        self.forget()
        if self._file is None:
            return
        self._file.close()
        self.path.unlink(missing_ok=True)
        self._file, self._hash, self.size = None, hashlib.sha256(), 0
        self._number += 1
        self._name = f"{self._first_name}-{self._number}"

    def file(self, *, seekable: bool) -> File:
        """Return the description of the complete file, for the report."""
        self._open()
        return File(path=str(self.path), size=self.size, sha256=self._hash.hexdigest(), seekable=seekable)

    def _open(self) -> IO[bytes]:
        if self._file is None:
            self._file = self.path.open("wb")
        return self._file

    def _synced(self) -> None:
        if self._mark and self._file:
            os.fdatasync(self._file.fileno())
            is_unproved = self.size == self._mark.total and not self._is_proved
            self._mark = self._mark.model_copy(update={"kept": self.size - is_unproved})
            write_mark(self.folder, self._mark)
            self._synced_at = self._clock()

    def _without_room(self, error: OSError) -> Exception:
        if not disks.is_full(error):
            return error
        of = f" of {self._total}" if self._total else ""
        return disks.scratch_full(self.folder, f"{self.size}{of} bytes of the source are there")


def _holds(path: Path, size: int) -> bool:
    return path.is_file() and not path.is_symlink() and path.stat().st_size >= size
