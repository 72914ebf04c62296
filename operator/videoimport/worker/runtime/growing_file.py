"""A file that another process is still appending to, as its readers see it."""

import contextlib
import os
import threading
from pathlib import Path

_LOOK_SECONDS = 0.02
"""Between two reads of the file's size: the writer is another process, and sends no other signal."""


class AbandonedError(Exception):
    """Nothing more will come, and what is there is not the whole."""


class Growing:
    """Grows until a call of ``end`` or ``fail``. Bytes that were read stay unchanged, except perhaps those at its
    start.

    It is opened once, so that a writer may rename it. Every method may be called from any thread.
    """

    def __init__(self, path: Path, total: int | None = None, *, finished: bool = False) -> None:
        self.path = path
        self.total = total
        """Bytes in the end, where known."""
        self._descriptor: int | None = None
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._failed = False
        if finished:
            self.end()

    @property
    def descriptor(self) -> int:
        """For reading by offset. Raises FileNotFoundError before the writer made the file."""
        with self._lock:
            if self._descriptor is None:
                self._descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
            return self._descriptor

    @property
    def size(self) -> int:
        """Bytes that are there now."""
        try:
            return os.fstat(self.descriptor).st_size
        except FileNotFoundError:
            return 0

    @property
    def ended(self) -> bool:
        """Whether all of it is there."""
        return self._over.is_set() and not self._failed

    def end(self) -> None:
        """All of it is there."""
        self._over.set()

    def fail(self) -> None:
        """No process writes it any more, and no reader may wait for it.

        If it was removed, its space is free from now on. It is cut off and not closed, because a reader of it might
        otherwise read another file under the same number.
        """
        self._failed = True
        self._over.set()
        with self._lock, contextlib.suppress(OSError):
            if self._descriptor is not None and os.fstat(self._descriptor).st_nlink == 0:
                os.truncate(f"/proc/self/fd/{self._descriptor}", 0)

    def wait(self, size: int) -> int:
        """Bytes that are there once it has at least ``size`` of them, or all. Raises AbandonedError."""
        while True:
            over = self._over.is_set()  # looked at first: what the writer wrote last is then seen below
            if self._failed:
                raise AbandonedError
            found = self.size
            if over or found >= size:
                return found
            self._over.wait(_LOOK_SECONDS)

    def close(self) -> None:
        """Read no more of it."""
        with self._lock:
            if self._descriptor is not None:
                os.close(self._descriptor)
                self._descriptor = None
