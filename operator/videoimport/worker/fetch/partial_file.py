"""The target of a download: a file in scratch that only ever grows, hashed meanwhile.

A download that starts again goes to a file of another name. So a reader of the first one reads a part of one version,
never a mixture of two. In scratch that outlives the pod a mark beside it records how many bytes can be trusted, and of
which version.
"""

import contextlib
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import IO, Annotated

from pydantic import Field, ValidationError

from videoimport.api.base import Model
from videoimport.worker.fetch.protocol import File
from videoimport.worker.runtime import disk_space as disks

_MARK_NAME = "fetched.json"


class Mark(Model):
    """A partial file's. Holds no address, which may hold secrets, but the hash of one."""

    source: str
    """protocol.identity of the address or object."""
    version: str
    """The source's identifier of these bytes: an ETag, a date, a version."""
    total: int | None = None
    name: Annotated[str, Field(pattern=r"^[a-z0-9-]+$")]
    number: int = 0
    kept: Annotated[int, Field(ge=0)]
    """Bytes that are certainly on the disk; what is beyond them may be anything after a crash."""

    @property
    def usable(self) -> int:
        """Bytes to continue from. One is left over, so that the source is asked whether it is still the same."""
        return self.kept if self.total is None else max(0, min(self.kept, self.total - 1))


def read_mark(folder: Path) -> Mark | None:
    """None for what is absent or not understood."""
    try:
        return Mark.model_validate_json((folder / _MARK_NAME).read_bytes())
    except (OSError, ValidationError):
        return None


def write_mark(folder: Path, mark: Mark) -> None:
    """Write the whole mark or nothing. If the disk is full, a later run fetches some bytes again."""
    new = folder / f"{_MARK_NAME}.new"
    with contextlib.suppress(OSError):
        with new.open("w") as file:
            file.write(mark.model_dump_json(by_alias=True))
            file.flush()
            os.fsync(file.fileno())
        new.replace(folder / _MARK_NAME)


def remove_mark(folder: Path) -> None:
    """Nothing can be gone on with."""
    (folder / _MARK_NAME).unlink(missing_ok=True)


SYNCED_BYTES = 16 * 2**20
"""Between two marks: the most that is lost if a node fails."""
_HASHED_BYTES = 16 * 2**20
"""At once, and then it is reported."""


class Landing:
    """One file's place. Raises ImportFailure SCRATCH_FULL when there is no room."""

    def __init__(self, folder: Path, name: str = "source", *, outlives: bool = False) -> None:
        self.folder, self._first_name = folder, name
        self._name, self._number = name, 0
        self._outlives = outlives
        self._file: IO[bytes] | None = None
        self._hash = hashlib.sha256()
        self._mark: Mark | None = None
        self._total: int | None = None
        self.size = 0
        """Bytes that are there."""

    @property
    def path(self) -> Path:
        """The file as it is called now."""
        return self.folder / self._name

    def __enter__(self) -> "Landing":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file:
            self._synced()
            self._file.close()

    def recover(self, source: str, hashed: Callable[[int], None]) -> Mark | None:
        """Continue with the bytes that an earlier run fetched of this source, and hash them again. None if there are
        none; earlier files are then removed."""
        if not self._outlives:
            return None
        mark = read_mark(self.folder)
        path = self.folder / mark.name if mark else self.path
        if mark is None or mark.source != source or mark.usable == 0 or not _holds(path, mark.usable):
            remove_mark(self.folder)
            for left in self.folder.glob(f"{self._first_name}*"):
                left.unlink()  # what earlier runs left of other sources is of no use
            return None
        self._name, self._number = mark.name, mark.number
        self._file = path.open("r+b")
        self._file.truncate(mark.usable)
        while chunk := self._file.read(_HASHED_BYTES):
            self._hash.update(chunk)
            self.size += len(chunk)
            hashed(self.size)
        self._mark = mark
        return mark

    def head(self, length: int) -> bytes:
        """The first bytes of the file."""
        with self.path.open("rb") as file:
            return file.read(length)

    def remember(self, source: str, version: str | None, total: int | None) -> None:
        """The version of the bytes from now on; without one, no later run can continue with them."""
        self._mark, self._total = None, total
        if self._outlives and version:
            self._mark = Mark(
                source=source, version=version, total=total, name=self._name, number=self._number, kept=self.size
            )
            write_mark(self.folder, self._mark)

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
        if self._mark and self.size - self._mark.kept >= SYNCED_BYTES:
            self._synced()

    def start_over(self) -> None:
        """Throw away what is there."""
        self._mark = None
        remove_mark(self.folder)
        if self._file is None:
            return
        self._file.close()
        self.path.unlink(missing_ok=True)
        self._file, self._hash, self.size = None, hashlib.sha256(), 0
        self._number += 1
        self._name = f"{self._first_name}-{self._number}"

    def file(self, *, seekable: bool) -> File:
        """The whole file, for the report."""
        self._open()
        return File(path=str(self.path), size=self.size, sha256=self._hash.hexdigest(), seekable=seekable)

    def _open(self) -> IO[bytes]:
        if self._file is None:
            self._file = self.path.open("wb")
        return self._file

    def _synced(self) -> None:
        if self._mark and self._file:
            os.fdatasync(self._file.fileno())
            self._mark = self._mark.model_copy(update={"kept": self.size})
            write_mark(self.folder, self._mark)

    def _without_room(self, error: OSError) -> Exception:
        if not disks.is_full(error):
            return error
        of = f" of {self._total}" if self._total else ""
        return disks.scratch_full(self.folder, f"{self.size}{of} bytes of the source are there")


def _holds(path: Path, size: int) -> bool:
    return path.is_file() and not path.is_symlink() and path.stat().st_size >= size
