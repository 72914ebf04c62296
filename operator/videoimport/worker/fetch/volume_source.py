"""A source that is a file in a mounted volume. The process reads the file without a copy.

No path can lead out of the volume. This includes ``..``, symbolic links and races with a program that moves files. Each
segment of the path is opened relative to a folder that is already open.
"""

import hashlib
import os
import stat
from collections import deque
from pathlib import Path

from videoimport.api.reasons import Reason
from videoimport.media.source import file_signature as sniff
from videoimport.worker.fetch.content_check import refuse_no_file
from videoimport.worker.fetch.context import Surroundings
from videoimport.worker.fetch.process_messages import Fetched, File, FileGrowing, Found
from videoimport.worker.runtime.errors import ImportFailure

_MOST_LINKS = 40
_CHUNK = 2**20
_HERE = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC
_ADVICE = "Correct source.persistentVolumeClaim.path."


def open_beneath(root: str, path: str) -> int:
    """Return a file descriptor for reading a regular file below ``root``. Raises ImportFailure."""
    try:
        return _VolumeWalk(root, path).open()
    except FileNotFoundError:
        raise ImportFailure(Reason.SOURCE_NOT_FOUND, f"There is no {path!r} in the volume.", advice=_ADVICE) from None
    except NotADirectoryError:
        message = f"A part of {path!r} is a file and not a folder."
        raise ImportFailure(Reason.SOURCE_NOT_FOUND, message, advice=_ADVICE) from None
    except PermissionError:
        message = f"User {os.geteuid()} may not read {path!r} in the volume."
        advice = "Change the owner or the mode of the file, then change retryToken."
        raise ImportFailure(Reason.SOURCE_AUTH_REQUIRED, message, advice=advice) from None
    except OSError as error:
        message = f"{path!r} in the volume cannot be opened ({os.strerror(error.errno or 0)})."
        raise ImportFailure(Reason.SOURCE_UNAVAILABLE, message) from None


class _VolumeWalk:
    """Opens a path part by part, and keeps the folders open."""

    def __init__(self, root: str, path: str) -> None:
        self._path = path
        self._left = deque(path.split("/"))
        self._links = 0
        self._folders = [os.open(root, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)]

    def open(self) -> int:
        """Return the descriptor of the file at the end of the path."""
        try:
            while self._left:
                if (found := self._step(self._left.popleft())) is not None:
                    return found
            raise _unsupported(self._path, "is a folder; give one file in it")
        finally:
            for folder in self._folders:
                os.close(folder)

    def _step(self, name: str) -> int | None:
        """Follow one part of the path. Returns the file's descriptor at the end of the path, else None."""
        if name in ("", "."):
            return None
        if name == "..":
            self._up()
            return None
        here = os.open(name, _HERE, dir_fd=self._folders[-1])
        mode = os.fstat(here).st_mode
        if stat.S_ISDIR(mode):
            self._folders.append(here)
            return None
        try:
            if stat.S_ISLNK(mode):
                self._follow(os.readlink("", dir_fd=here))
                return None
            return self._file(here, mode)
        finally:
            os.close(here)

    def _up(self) -> None:
        if len(self._folders) == 1:
            raise _unsupported(self._path, "leads out of the volume")
        os.close(self._folders.pop())

    def _follow(self, target: str) -> None:
        self._links += 1
        if self._links > _MOST_LINKS:
            raise _unsupported(self._path, f"goes through more than {_MOST_LINKS} symbolic links")
        if target.startswith("/"):
            raise _unsupported(self._path, "goes through a symbolic link that leads out of the volume")
        self._left.extendleft(reversed(target.split("/")))

    def _file(self, here: int, mode: int) -> int:
        if self._left:
            raise NotADirectoryError
        if not stat.S_ISREG(mode):
            raise _unsupported(self._path, "is not a regular file")
        return os.open(f"/proc/self/fd/{here}", os.O_RDONLY | os.O_CLOEXEC)


def _unsupported(path: str, what: str) -> ImportFailure:
    return ImportFailure(Reason.UNSUPPORTED_SOURCE, f"{path!r} in the volume {what}.", advice=_ADVICE)


def fetch(around: Surroundings, root: str, path: str) -> Fetched:
    """Read and hash the file without a copy. Raises ImportFailure."""
    with os.fdopen(open_beneath(root, path), "rb") as file:
        before = os.fstat(file.fileno())
        around.limits.check_wish(before.st_size)
        head = file.read(sniff.ENOUGH)
        refuse_no_file(head)
        around.teller.found(_found(path, before.st_size))
        shown = str(Path(root) / path)
        kind = sniff.container(head)
        around.teller.tell(
            FileGrowing(
                part="video", path=shown, size=before.st_size, seekable=True, is_whole=True, container=kind,
                inode=(before.st_dev, before.st_ino),
            )
        )  # fmt: skip
        digest, done = hashlib.sha256(head), len(head)
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            done += len(chunk)
            around.teller.moved(done, before.st_size)
        after = os.fstat(file.fileno())
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns) or done != before.st_size:
        raise changed(path)
    return Fetched(video=File(path=shown, size=done, sha256=digest.hexdigest(), seekable=True))


def changed(path: str) -> ImportFailure:
    """Return the failure for a file that another program changed or replaced."""
    return ImportFailure(Reason.SOURCE_CHANGED, f"The file {path!r} in the volume changed while the worker read it.")


def _found(path: str, size: int) -> Found:
    name = path.rpartition("/")[2]
    title = (name.rpartition(".")[0] or name)[:512]
    return Found(type="PersistentVolumeClaim", filename=name[:512], title=title, source_id=path[:256], size=size)
