"""Reading of a file to which another process is still appending."""

import contextlib
import os
import threading
from pathlib import Path

_LOOK_SECONDS = 0.02
"""Seconds between two checks of the file's size. The writer is another process and does not report each write."""


class AbandonedError(Exception):
    """The writer has stopped, and the file is incomplete."""


class Growing:
    """A file that grows until ``end`` or ``fail`` is called. Only the first bytes of the file may change after
    they are written. The file is opened once, so the writer may rename it. Any thread may call any method."""

    def __init__(self, path: Path, total: int | None = None, *, finished: bool = False) -> None:
        self.path = path
        self.total = total
        """Final size in bytes, if it is known."""
        self._descriptor: int | None = None
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._failed = False
        if finished:
            self.end()

    @property
    def descriptor(self) -> int:
        """Return the file descriptor, for reads by offset. Raises FileNotFoundError until the writer has created the
        file."""
        with self._lock:
            if self._descriptor is None:
                self._descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
            return self._descriptor

    @property
    def size(self) -> int:
        """Current size in bytes. The size is 0 until the writer has created the file."""
        try:
            return os.fstat(self.descriptor).st_size
        except FileNotFoundError:
            return 0

    @property
    def ended(self) -> bool:
        """Return whether the file is complete."""
        return self._over.is_set() and not self._failed

    def end(self) -> None:
        """Mark the file as complete."""
        self._over.set()

    def fail(self) -> None:
        """Mark the file as abandoned: no process writes it any more, and no reader waits for more bytes.

        If the file was deleted, this method truncates the file, which frees disk space. The descriptor stays open.
        If it were closed, another file could get the same descriptor number, and a reader could read that file.
        """
        self._failed = True
        self._over.set()
        with self._lock, contextlib.suppress(OSError):
            if self._descriptor is not None and os.fstat(self._descriptor).st_nlink == 0:
                os.truncate(f"/proc/self/fd/{self._descriptor}", 0)

    def wait(self, size: int) -> int:
        """Wait until the file has at least ``size`` bytes or is complete, and return the current number of bytes.

        Raises AbandonedError.
        """
        while True:
            over = self._over.is_set()  # read first, so that the size below includes the writer's last bytes
            if self._failed:
                raise AbandonedError
            found = self.size
            if over or found >= size:
                return found
            self._over.wait(_LOOK_SECONDS)

    def close(self) -> None:
        """Close the file descriptor."""
        with self._lock:
            if self._descriptor is not None:
                os.close(self._descriptor)
                self._descriptor = None
