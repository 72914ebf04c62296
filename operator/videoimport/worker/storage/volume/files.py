"""Small files of a volume. Each file is read as a whole. A file is written under a temporary name and then renamed.
The metadata of a file is in another file."""

import errno
import fcntl
import hashlib
import os
import stat
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

from videoimport.api.rules.string_rules import OWN_FOLDER
from videoimport.worker.runtime.logging import log
from videoimport.worker.storage import strict_json as strict
from videoimport.worker.storage.base import (
    Content,
    Facts,
    NotAFileError,
    Replaceable,
    UnmetError,
    bounded,
    is_same_version,
)
from videoimport.worker.storage.keys import joined
from videoimport.worker.storage.volume import metadata as sidecars
from videoimport.worker.storage.volume.errors import failure_of, translated
from videoimport.worker.storage.volume.tree import PART_SUFFIX, Tree


class VolumeFiles:
    """The files below one root folder. Object keys are paths."""

    def __init__(self, root: Path, claim: str, prefix: str | None) -> None:
        self.claim = claim
        self._root = root
        self._own = joined(prefix, OWN_FOLDER)
        self.tree = Tree(root, self._own)
        self.witness: Callable[[], tuple[str, Mapping[str, str]]] | None = None
        self.went_on: Callable[[], None] = lambda: None
        self.in_doubt: set[str] = set()
        self.guards: bool | None = True
        self.guards_own: bool | None = True
        self.guards_writes: bool | None = True

    def translated(self, doing: str, needed: int | None = None) -> AbstractContextManager[None]:
        """Convert OSErrors inside the ``with`` block to failures. ``doing`` completes "The volume did not let the
        worker …". ``needed`` is the number of bytes to write."""
        return translated(self.claim, doing, self._root, needed)

    def uri(self, key: str) -> str:
        """Return the address pvc://claim/path."""
        return f"pvc://{self.claim}/{key}"

    def read(self, key: str) -> Content | None:
        """Return the content and the version of a small file. Return None if the file does not exist."""
        with self.translated(f"read {key}"):
            body = self._bytes(key)
        if body is None:
            if self._is_link(key):
                denied = failure_of(errno.ELOOP, self.claim, f"read {key}")
                raise NotAFileError(denied.reason, denied.message)
            return None
        return Content(body if len(body) <= strict.MOST_BYTES else b"", hashlib.sha256(body).hexdigest())

    def _is_link(self, key: str) -> bool:
        try:
            return stat.S_ISLNK(self.tree.stat(key).st_mode)
        except OSError:
            return False

    def _bytes(self, key: str) -> bytes | None:
        """Return at most one byte more than ``strict.MOST_BYTES``. None for a link, a pipe and everything else that is
        not a file: a write replaces it."""
        try:
            with os.fdopen(self.tree.open(key, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
                is_file = stat.S_ISREG(os.fstat(file.fileno()).st_mode)
                return file.read(strict.MOST_BYTES + 1) if is_file else None
        except FileNotFoundError:
            return None
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.ENXIO, errno.EISDIR):
                return None
            raise

    def head(self, key: str) -> Facts | None:
        """Return the properties of a file. Return None if the file does not exist."""
        with self.translated(f"look at {key}"):
            try:
                found = self.tree.stat(key)
            except FileNotFoundError:
                return None
            side = self._side(key, found)
        if side is None:  # another program wrote the file: only inode and time distinguish its versions
            return Facts(found.st_size, None, {}, f"{found.st_ino}-{found.st_mtime_ns}")
        return Facts(found.st_size, side.sha256, side.metadata)

    def _side(self, key: str, found: os.stat_result) -> sidecars.Side | None:
        if not stat.S_ISREG(found.st_mode):
            return None
        return sidecars.side_of(found, self._bytes(sidecars.side_key(self._own, key)))

    def write(
        self, key: str, body: bytes, metadata: Mapping[str, str], *, shown: bool = False, replace: Replaceable = True
    ) -> None:
        """Write a whole small file. Raises UnmetError if ``replace`` does not allow replacing the present file at
        the key."""
        with self.translated(f"write {key}", len(body)):
            temporary = self._written(body)
            try:
                if shown:
                    self._put(temporary, key, hashlib.sha256(body).hexdigest(), metadata, replace=replace)
                else:
                    self.tree.rename(temporary, key, replace=bool(replace))
            except FileExistsError:
                self.tree.remove(temporary)
                raise UnmetError from None

    def _written(self, body: bytes, beside: str | None = None) -> str:
        """Write a temporary file to the disk and return its key: beside another key, or in the importer's own
        folder."""
        temporary = temporary_key(beside or f"{self._own}/temporary/note")
        try:
            with os.fdopen(self.tree.create(temporary), "wb") as file:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            self.tree.remove(temporary)
            raise
        return temporary

    def _put(self, temporary: str, key: str, sha256: str, metadata: Mapping[str, str], *, replace: Replaceable) -> None:
        """Rename a file to its key, and write its metadata. A lock lets one import at a time do this: otherwise the
        metadata of one import could be beside another import's file.

        Raises FileExistsError.
        """
        with self._locked():
            if not self._may_replace(key, replace):
                raise FileExistsError(errno.EEXIST, "exists")
            self._put_side(key, temporary, sha256, metadata)
            self.tree.rename(temporary, key, replace=bool(replace))

    def _may_replace(self, key: str, replace: Replaceable) -> bool:
        if isinstance(replace, bool):
            return replace or not self._stands(key)
        return not self._stands(key) or is_same_version(replace, self.head(key))

    def _stands(self, key: str) -> bool:
        try:
            self.tree.stat(key)
        except FileNotFoundError:
            return False
        return True

    def _put_side(self, key: str, temporary: str, sha256: str, metadata: Mapping[str, str]) -> None:
        """Write the metadata of the file that is about to be renamed."""
        standing = None
        with suppress(FileNotFoundError):
            standing = self._side(key, self.tree.stat(key))
        content = sidecars.with_new(key, self.tree.stat(temporary), sha256, metadata, standing)
        side = sidecars.side_key(self._own, key)
        self.tree.rename(self._written(content), side, replace=True)

    def write_if(
        self,
        key: str,
        body: bytes,
        version: str | None,
        metadata: Mapping[str, str] | None = None,  # noqa: ARG002
    ) -> str:
        """Write a file only if the present file is unchanged, under a lock that all workers on this volume share."""
        with self.translated(f"write {key}", len(body)), self._locked():
            if self._version(key) != version:
                raise UnmetError
            self.tree.rename(self._written(body), key, replace=True)
        return hashlib.sha256(body).hexdigest()

    def _version(self, key: str) -> str | None:
        standing = self._bytes(key)
        return None if standing is None else hashlib.sha256(standing).hexdigest()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        key = f"{self._own}/lock"
        try:
            descriptor = self.tree.create(key)
        except FileExistsError:
            descriptor = self.tree.open(key, os.O_RDWR)  # NFS does not lock a file that is open for reading only
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
            except OSError as error:  # a file system without locks is like a store without conditions
                log().warning("the volume has no locks", error=type(error).__name__)
                self.guards_writes = False
            yield
        finally:
            os.close(descriptor)

    def delete(self, key: str, only: Facts | None = None) -> None:
        """Delete the file at a key and its metadata if the file exists. Raises UnmetError if ``only`` is given and
        the key has another file."""
        with self.translated(f"delete {key}"):
            side = sidecars.side_key(self._own, key)
            if only is None and self._bytes(side) is None:
                self.tree.remove(key)
                return
            with self._locked():
                if only is not None and not self._may_replace(key, only):
                    raise UnmetError
                self.tree.remove(key)
                self.tree.remove(side)

    def delete_if(self, key: str, version: str) -> None:
        """Delete a small file only if it is unchanged, under the lock of ``write_if``. Raises UnmetError."""
        with self.translated(f"delete {key}"), self._locked():
            if self._version(key) not in (None, version):
                raise UnmetError
            self.tree.remove(key)

    def keys(self, prefix: str) -> Iterator[str]:
        """Yield the keys of the files in a folder and in its subfolders. ``prefix`` ends with a slash."""
        with self.translated(f"list {prefix}"):
            yield from bounded(self.tree.files(prefix.rstrip("/")), prefix)

    def sha256_of(self, key: str, size: int) -> str | None:
        """Read a file and return its SHA-256 in hex. Return None if the file does not exist or has another size."""
        with translated(self.claim, f"read {key}"):
            try:
                found = self.tree.stat(key)
            except FileNotFoundError:
                return None
            return self._sha256(key) if stat.S_ISREG(found.st_mode) and found.st_size == size else None

    def _sha256(self, key: str) -> str:
        with os.fdopen(self.tree.open(key, os.O_RDONLY | os.O_NONBLOCK), "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()


def temporary_key(key: str) -> str:
    """Return a new hidden name in the same folder as a key. The random part of the name is short, so that the name
    does not become too long."""
    folder, _, name = key.rpartition("/")
    return joined(folder, f".{name}.{uuid.uuid4().hex[:16]}{PART_SUFFIX}")
