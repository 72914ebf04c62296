"""The copy of one file to a temporary name beside its final name on a volume. The file may still be growing."""

import os
import threading
import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

from videoimport.worker.runtime.growing_file import AbandonedError, Growing
from videoimport.worker.storage import growing_parts as following
from videoimport.worker.storage import parts
from videoimport.worker.storage.base import Moved, Replaceable, Sent, Ticket
from videoimport.worker.storage.parts import Window

if TYPE_CHECKING:
    from videoimport.worker.storage.volume.store import VolumeStore

_STOP_SECONDS = 1.0


class VolumeUpload:
    """An upload to a volume: a copy in progress."""

    def __init__(
        self, store: "VolumeStore", key: str, temporary: str, descriptor: int, metadata: Mapping[str, str]
    ) -> None:
        self.key = key
        self.id = temporary
        self._store = store
        self._metadata = metadata
        self._descriptor: int | None = descriptor
        self._stop = threading.Event()
        self._open = threading.Lock()
        """Lock for the right to close the descriptor. ``send`` holds the lock, or ``abort`` if it runs first."""
        self._sent: Sent | None = None

    def send(self, file: Growing, moved: Moved, *, held: int = 0, expected: int | None = None) -> Sent:
        """Copy the whole file and sync it to the disk. Parameters and errors are those of ``MultipartUpload.send``."""
        with self._open:
            self._go_on()
            try:
                self._sent = self._copied(file, moved, held, expected)
            except OSError as error:
                with self._store.translated(f"write {self.key}", file.size):
                    raise error from None
            finally:
                self._close()
        return self._sent

    def _close(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def _copied(self, file: Growing, moved: Moved, held: int, expected: int | None) -> Sent:
        windows: dict[int, Window] = {}
        crcs: dict[int, int] = {}
        done = 0
        for window in following.final(file, held, expected, self._go_on):
            windows[window.number] = window
            crcs[window.number] = self._copy(file, window)
            moved(done := done + window.size)
        ordered = [windows[number] for number in sorted(windows)]
        whole = parts.digest(file.descriptor, ordered, lambda: moved(done))
        for window, crc in zip(ordered, whole.crcs, strict=True):
            if crcs[window.number] != crc:  # the part was rewritten since
                self._copy(file, window)
                moved(done)
        assert self._descriptor is not None, "being sent"  # noqa: S101
        os.fsync(self._descriptor)
        return Sent(whole.size, whole.sha256)

    def _copy(self, file: Growing, window: Window) -> int:
        assert self._descriptor is not None, "being sent"  # noqa: S101
        at, crc = window.offset, 0
        for chunk in parts.chunks(file.descriptor, window):
            self._go_on()
            crc = zlib.crc32(chunk, crc)
            left = memoryview(chunk)
            while left:
                written = os.pwrite(self._descriptor, left, at)
                at, left = at + written, left[written:]
        return crc

    def _go_on(self) -> None:
        if self._stop.is_set():
            raise AbandonedError

    @property
    def ticket(self) -> Ticket:
        """The ticket that a later run needs to complete this copy. The ticket is available only after the whole file
        is copied."""
        assert self._sent is not None, "sent"  # noqa: S101
        return Ticket(
            key=self.key,
            upload=self.id,
            size_bytes=self._sent.size,
            sha256=self._sent.sha256,
            checksum=self._sent.sha256,
            seal=self._sent.sha256,
        )

    def complete(self, *, replace: Replaceable) -> None:
        """Rename the temporary file to its final name."""
        ticket = self.ticket
        self._store.show(self.id, self.key, ticket.seal, self._metadata, replace=replace)

    def stop(self) -> None:
        """Stop copying, without waiting."""
        self._stop.set()

    def abort(self) -> bool:
        """Remove the temporary file."""
        self.stop()
        if self._open.acquire(timeout=_STOP_SECONDS):
            self._close()
            self._open.release()
        return self._store.abort(self.key, self.id)
