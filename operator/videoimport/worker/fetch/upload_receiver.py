"""The file of an upload while a client sends it: the offset, the one connection that may write, and the end.

The threads of the server write, and the thread of the fetch waits for new bytes or the end.
"""

import hashlib
import hmac
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from videoimport.api.reasons import Reason
from videoimport.worker.fetch.partial_file import Landing
from videoimport.worker.fetch.process_messages import SentFile
from videoimport.worker.runtime.errors import ImportFailure, unexpected

_TAKEOVER_SECONDS = 5.0
"""Maximum number of seconds that a new connection waits for the end of the one before."""


class OffsetConflictError(Exception):
    """The client continues at an offset other than the number of received bytes."""


class BusyError(Exception):
    """Another connection still writes."""


class Receiver:
    """The received bytes of one upload. ``failure`` is set once the upload is refused."""

    def __init__(
        self,
        upload: SentFile,
        landing: Landing,
        clock: Callable[[], float] = time.monotonic,
        checksum: str | None = None,
        start_over: Callable[[], None] | None = None,
    ) -> None:
        """``checksum`` is the SHA-256 in source.checksum, if the spec has one. ``start_over`` empties a file whose
        first bytes another session sent. None means that this session sent all bytes."""
        self._checksum, self._start_over = checksum, start_over
        self.upload, self._landing, self._clock = upload, landing, clock
        self._news = threading.Condition()
        self._writer: socket.socket | None = None
        self._stop = -1
        """The eventfd that tells the writing connection to stop."""
        self._is_replaced = False
        self._last_byte = clock()
        self.failure: ImportFailure | None = None
        self.is_checked = landing.size == upload.file.size
        """True once the whole file has the expected hashes. An earlier run keeps a whole file only if it has them."""

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
    def is_readable(self) -> bool:
        """Return whether a reader may have the bytes before the end. Bytes of another session must have the hash of the
        spec first, because the client of this session may have another file."""
        return self._start_over is None or self.is_checked

    @property
    def idle_seconds(self) -> float:
        """The seconds since the last byte."""
        return self._clock() - self._last_byte

    def accepts(self, token: str) -> bool:
        """Return whether this is the session's token. The comparison takes the same time for every token."""
        found = hashlib.sha256(token.encode("utf-8", "surrogateescape")).hexdigest()
        return hmac.compare_digest(found, self.upload.token_sha256)

    @contextmanager
    def writing(self, connection: socket.socket, offset: int) -> Iterator[int]:
        """Let ``connection`` write from ``offset`` on. First end the connection that has written so far, because it may
        be broken. Yield a file descriptor that becomes readable when this connection must stop. Raises BusyError and
        OffsetConflictError."""
        with self._news:
            self._end_writer()
            if not self._news.wait_for(lambda: self._writer is None, _TAKEOVER_SECONDS):
                raise BusyError
            if offset != self.offset:
                raise OffsetConflictError
            self._stop = os.eventfd(0)
            self._writer, self._is_replaced = connection, False
        try:
            yield self._stop
        finally:
            with self._news:
                self._writer = None
                os.close(self._stop)
                self._news.notify_all()

    def _end_writer(self) -> None:
        """End the writing connection. A connection that waits for bytes wakes up, and one that has bytes stops at
        ``keep``. The socket stays open for reading: otherwise the system would reset the connection at the
        next bytes of the client, which would lose its response."""
        if self._writer is not None:
            self._is_replaced = True
            os.eventfd_write(self._stop, 1)

    def is_writer(self, connection: socket.socket) -> bool:
        """Return whether this connection sends the file."""
        return self._writer is connection

    def keep(self, chunk: bytes) -> None:
        """Append bytes to the file. Only the writing connection may call this. Raises ImportFailure if the upload is
        refused, or if scratch has no space. Raises BusyError if another connection writes now."""
        self.check_writer()
        with self._ended_by_errors():
            self._landing.keep(chunk)

    @contextmanager
    def _ended_by_errors(self) -> Iterator[None]:
        """Refuse the upload after an error of scratch. The file may have a part of the bytes, so no request may
        continue it."""
        try:
            yield
        except (ImportFailure, OSError, MemoryError) as error:
            self.failure = error if isinstance(error, ImportFailure) else unexpected(error)
            raise self.failure from None
        finally:
            with self._news:
                self._last_byte = self._clock()
                self._news.notify_all()

    def check(self) -> None:
        """Raise the ImportFailure of a refused upload."""
        if self.failure:
            raise self.failure

    def check_writer(self) -> None:
        """Raise the ImportFailure of a refused upload. Raise BusyError if another connection writes now. Only the
        writing connection may call this."""
        self.check()
        if self._is_replaced:
            raise BusyError

    def check_hashes(self, announced: str | None) -> None:
        """Compare the complete file with the hash in the spec and with the hash that the client announced. Then
        ``is_checked`` is True. Raises ImportFailure if a hash differs, or if scratch fails. If a hash differs and
        another session sent the first bytes, the file is emptied once, and OffsetConflictError lets the client start
        again."""
        found = self._landing.file(seekable=True).sha256
        expected = {
            "source.upload.sha256": self.upload.file.sha256,
            "source.checksum": self._checksum,
            "the hash that the client sent": announced,
        }
        wrong = [f"{name} is {value}" for name, value in expected.items() if value not in (None, found)]
        if wrong and self._start_over and not self.is_checked:
            with self._ended_by_errors():
                self._start_over()
            self._start_over = None  # only now, because from here on a reader may have the file
            raise OffsetConflictError
        if wrong:
            message = f"The SHA-256 of the received file is {found}, and {' and '.join(wrong)}."
            advice = "Send the file named in the spec, and do not change the file while it is sent."
            self._landing.forget()
            self.refuse(ImportFailure(Reason.CHECKSUM_MISMATCH, message, advice=advice))
            raise self.failure or AssertionError
        if not self.is_checked:  # a later request without bytes finds the file closed
            with self._ended_by_errors():
                self._landing.prove()
                self.is_checked = True

    def refuse(self, failure: ImportFailure) -> None:
        """Refuse all further bytes. The client that sends at this moment gets the failure as its response."""
        with self._news:
            self.failure = self.failure or failure
            self._end_writer()
            self._news.notify_all()

    def wait(self, seconds: float) -> None:
        """Wait for new bytes, at most ``seconds``."""
        with self._news:
            self._news.wait(seconds)
