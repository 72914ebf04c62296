"""A folder tree that no path can leave. Every step opens a folder by its descriptor and follows no link."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from videoimport.api.destination import MOST_KEY_BYTES

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
_TRIES = 5
PART_SUFFIX = ".videoimport-part"
"""Suffix of temporary names, which also begin with a dot."""


class Tree:
    """The files and folders below a root folder, addressed by keys with slashes. Every method may raise OSError."""

    def __init__(self, root: Path, own: str | None = None) -> None:
        """``own`` is the importer's own folder. All folders in it belong to the importer."""
        self._root = root
        self._own = own
        self._made: set[str] = set()
        """Folders that this object created."""

    @contextmanager
    def parent(self, key: str, *, make: bool = False) -> Iterator[tuple[int, str]]:
        """Yield a descriptor of the folder that contains a key, and the last part of the key."""
        *folders, name = key.split("/")
        descriptor = os.open(self._root, _FOLDER)
        try:
            for depth, folder in enumerate(folders, start=1):
                if make and _make(descriptor, folder):
                    self._made.add("/".join(folders[:depth]))
                descriptor = _entered(descriptor, folder)
            yield descriptor, name
        finally:
            os.close(descriptor)

    def create(self, key: str) -> int:
        """Create a file for reading and writing, and all enclosing folders. Return the file's descriptor. If another
        program removes a folder meanwhile, the folder is created again."""
        for left in reversed(range(_TRIES)):
            try:
                with self.parent(key, make=True) as (folder, name):
                    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
                    return os.open(name, flags, 0o644, dir_fd=folder)
            except FileNotFoundError:
                if not left or not self._root.is_dir():
                    raise
        raise AssertionError("unreachable")

    def open(self, key: str, mode: int = os.O_RDONLY) -> int:
        """Open an existing file, and return its descriptor."""
        with self.parent(key) as (folder, name):
            return os.open(name, mode | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)

    def stat(self, key: str) -> os.stat_result:
        """Return the status of the file at a key, without following a link."""
        with self.parent(key) as (folder, name):
            return os.stat(name, dir_fd=folder, follow_symlinks=False)

    def rename(self, key: str, target: str, *, replace: bool) -> None:
        """Rename a file to its final name, and sync the folder to the disk. Raises FileExistsError if the name exists
        and ``replace`` is False."""
        for left in reversed(range(_TRIES)):
            try:
                with self.parent(key) as (here, temporary), self.parent(target, make=True) as (there, name):
                    if replace:
                        os.replace(temporary, name, src_dir_fd=here, dst_dir_fd=there)
                    else:
                        _link(here, temporary, there, name)
                    os.fsync(there)
                    return
            except FileNotFoundError:  # the target's folder was empty, and another program removed it
                if not left:
                    raise

    def remove(self, key: str) -> None:
        """Remove a file if it exists. Then remove the empty folders around it that the importer created."""
        with suppress(FileNotFoundError), self.parent(key) as (folder, name):
            os.unlink(name, dir_fd=folder)
            os.fsync(folder)
        self.prune(key)

    def prune(self, key: str) -> None:
        """Remove the empty folders that enclose a key. Stop at the first folder that the importer did not create,
        because a user may have created this folder and set its permissions."""
        above = key.rpartition("/")[0]
        while above in self._made or (self._own and f"{above}/".startswith(f"{self._own}/")):
            try:
                with self.parent(above) as (folder, name):
                    os.rmdir(name, dir_fd=folder)
            except OSError:
                return
            above = above.rpartition("/")[0]

    def names(self, folder_key: str) -> list[str]:
        """Return the sorted names in a folder. The result is empty if the folder does not exist."""
        try:
            with self.parent(f"{folder_key}/x" if folder_key else "x") as (folder, _):
                return sorted(os.listdir(folder))  # noqa: PTH208 — by descriptor
        except FileNotFoundError:
            return []

    def files(self, folder_key: str) -> Iterator[str]:
        """Yield the keys of the regular files below a folder. Keys that are too long for an import are left out, which
        also limits the depth."""
        for name in self.names(folder_key):
            key = f"{folder_key}/{name}" if folder_key else name
            if len(os.fsencode(key)) > MOST_KEY_BYTES:
                continue
            try:
                mode = self.stat(key).st_mode
            except FileNotFoundError:
                continue
            if mode & 0o170000 == 0o040000:
                yield from self.files(key)
            elif mode & 0o170000 == 0o100000 and not name.endswith(PART_SUFFIX):
                yield key


def _make(descriptor: int, folder: str) -> bool:
    """Create a folder. Return False if it exists already."""
    _check(folder)
    try:
        os.mkdir(folder, 0o755, dir_fd=descriptor)
    except FileExistsError:
        return False
    os.fsync(descriptor)
    return True


def _check(folder: str) -> None:
    if folder in ("", ".", ".."):
        raise OSError(errno.ENOTDIR, "not a folder's name")


def _entered(descriptor: int, folder: str) -> int:
    """Open a folder within a folder, and return its descriptor. On success, ``descriptor`` is closed."""
    _check(folder)
    inner = os.open(folder, _FOLDER | os.O_NOFOLLOW, dir_fd=descriptor)
    os.close(descriptor)
    return inner


def _link(here: int, temporary: str, there: int, name: str) -> None:
    """Rename a file only if the new name is free. If the file system has no hard links, check the name and then rename
    the file, which is not atomic."""
    try:
        os.link(temporary, name, src_dir_fd=here, dst_dir_fd=there, follow_symlinks=False)
    except FileExistsError:
        raise
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK, errno.ENOSYS):
            raise
        with suppress(FileNotFoundError):
            os.stat(name, dir_fd=there, follow_symlinks=False)
            raise FileExistsError(errno.EEXIST, "exists") from None
        os.replace(temporary, name, src_dir_fd=here, dst_dir_fd=there)
        return
    os.unlink(temporary, dir_fd=here)
