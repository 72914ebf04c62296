"""The file of an upload while a client sends it: the offset, the one connection that may write, and the end.

The threads of the server write, and the thread of the fetch waits for news.
"""

import hashlib
import hmac
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from videoimport.api.reasons import Reason
from videoimport.worker.fetch.partial_file import Landing
from videoimport.worker.fetch.protocol import SentFile
from videoimport.worker.runtime.errors import ImportFailure

_TAKEOVER_SECONDS = 5.0
"""Maximum number of seconds that a new connection waits for the end of the one before."""


class OffsetConflictError(Exception):
    """The client continues at an offset other than the number of received bytes."""


class BusyError(Exception):
    """Another connection still writes."""


class Receiver:
    """The received bytes of one upload. ``failure`` is set once the upload is refused."""

    def __init__(self, upload: SentFile, landing: Landing, clock: Callable[[], float] = time.monotonic) -> None:
        self.upload, self._landing, self._clock = upload, landing, clock
        self._news = threading.Condition()
        self._writer: socket.socket | None = None
        self._last_byte = clock()
        self.failure: ImportFailure | None = None

    @property
    def offset(self) -> int:
        """The number of bytes that arrived."""
        return self._landing.size

    @property
    def size(self) -> int:
        """The number of bytes of the whole file."""
        return self.upload.file.size

    @property
    def is_complete(self) -> bool:
        """Return whether all bytes arrived."""
        return self.offset == self.size

    @property
    def idle_seconds(self) -> float:
        """The seconds since the last byte."""
        return self._clock() - self._last_byte

    def accepts(self, token: str) -> bool:
        """Return whether this is the session's token. The comparison takes the same time for every token."""
        found = hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()
        return hmac.compare_digest(found, self.upload.token_sha256)

    @contextmanager
    def writing(self, connection: socket.socket, offset: int) -> Iterator[None]:
        """Let ``connection`` write from ``offset`` on, and end the connection before, which may be broken. Raises
        BusyError and OffsetConflictError."""
        with self._news:
            if self._writer is not None:
                with suppress(OSError):
                    self._writer.shutdown(socket.SHUT_RD)
            if not self._news.wait_for(lambda: self._writer is None, _TAKEOVER_SECONDS):
                raise BusyError
            if offset != self.offset:
                raise OffsetConflictError
            self._writer = connection
        try:
            yield
        finally:
            with self._news:
                self._writer = None
                self._news.notify_all()

    def keep(self, chunk: bytes) -> None:
        """Append bytes to the file. Only the writing connection may call this. Raises ImportFailure if the upload is
        refused, or if scratch has no space."""
        with self._news:
            if self.failure:
                raise self.failure
            try:
                self._landing.keep(chunk)
            except ImportFailure as failure:
                self.failure = failure
                raise
            finally:
                self._last_byte = self._clock()
                self._news.notify_all()

    def check_hashes(self, announced: str | None) -> None:
        """Compare the complete file with the hash in the spec and with the hash that the client announced. Raises
        ImportFailure."""
        found = self._landing.file(seekable=True).sha256
        expected = {"source.upload.sha256": self.upload.file.sha256, "the hash that the client sent": announced}
        wrong = [f"{name} is {value}" for name, value in expected.items() if value not in (None, found)]
        if wrong:
            message = f"The SHA-256 of the received file is {found}, and {' and '.join(wrong)}."
            advice = "Send the file named in the spec, and do not change the file while it is sent."
            self.refuse(ImportFailure(Reason.CHECKSUM_MISMATCH, message, advice=advice))
            raise self.failure or AssertionError

    def refuse(self, failure: ImportFailure) -> None:
        """Refuse all further bytes."""
        with self._news:
            self.failure = self.failure or failure
            self._news.notify_all()

    def wait(self, seconds: float) -> None:
        """Wait for new bytes, at most ``seconds``."""
        with self._news:
            self._news.wait(seconds)

    def wait_for_answer(self, seconds: float) -> None:
        """Wait until the writing connection has its response, at most ``seconds``."""
        with self._news:
            self._news.wait_for(lambda: self._writer is None, seconds)
