"""Loopback server that sends a source to ffmpeg during the download. If the next bytes have not arrived, the reader
waits for them.

A reader may wait only for the next bytes. A reader that jumps far beyond the available bytes, or that opens many
connections, would have to wait for the end of the file. The server refuses such a reader with a reason. The import then
runs its stages one after the other.
"""

import contextlib
import os
import re
import secrets
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType

from videoimport.worker.runtime.growing_file import AbandonedError, Growing
from videoimport.worker.source.files import Tail

MOST_CONNECTIONS = 8
"""Maximum number of connections of one reader. ffmpeg needs three for a file with the index at the end."""
AHEAD_BYTES = 2**20
"""Bytes beyond the available bytes at which a request may begin. Such a request is still for the next bytes."""
_CHUNK = 2**18
_LAST_PIECE = b"0\r\n\r\n"
_STRAYED = "ffmpeg asked for bytes far beyond those that had arrived"
_RESTLESS = f"ffmpeg opened more than {MOST_CONNECTIONS} connections"


@dataclass(frozen=True, slots=True)
class ServedFile:
    """A growing file. The object may also have the end of the file, if that was fetched first."""

    growing: Growing
    tail: Growing | None = None
    tail_offset: int = 0

    @classmethod
    def of(cls, growing: Growing, tail: Tail | None) -> "ServedFile":
        """Return the object through which the server reads this file of the source."""
        return cls(growing, Growing(tail.path, finished=True), tail.offset) if tail else cls(growing)

    @property
    def total(self) -> int | None:
        """Number of bytes of the complete file, or None while this number is unknown."""
        return self.growing.size if self.growing.ended else self.growing.total

    def is_near(self, offset: int) -> bool:
        """Return whether the byte at ``offset`` is available or will arrive soon."""
        if self.growing.ended or offset == 0 or self._in_tail(offset):
            return True
        return self.total is not None and offset <= self.growing.size + AHEAD_BYTES

    def home(self, offset: int) -> tuple[Growing, int]:
        """Return the file that contains the byte at ``offset``, and the byte's offset in this file."""
        if self.tail is not None and self._in_tail(offset):
            return self.tail, offset - self.tail_offset
        return self.growing, offset

    def _in_tail(self, offset: int) -> bool:
        return self.tail is not None and not self.growing.ended and offset >= self.tail_offset


class StreamReader:
    """Access of one program to one file. Its URL contains a random value and cannot be guessed."""

    def __init__(self, file: ServedFile, address: tuple[str, int], strayed: Callable[[], None]) -> None:
        self.file = file
        self._strayed = strayed
        self._lock = threading.Lock()
        self.path = f"/{secrets.token_urlsafe(18)}/source"
        self.url = f"http://{address[0]}:{address[1]}{self.path}"
        self.connections = 0
        self.why: str | None = None
        """Reason why the reader cannot continue, as the end of a sentence. None until the server refuses a request."""

    def admit(self, offset: int) -> bool:
        """Record a request for all bytes from ``offset`` on, and return whether the request is allowed. If the
        request is not allowed, call ``strayed``."""
        with self._lock:
            self.connections += 1
            if self.why is None and self.connections > MOST_CONNECTIONS:
                self.why = _RESTLESS
            elif self.why is None and not self.file.is_near(offset):
                self.why = _STRAYED
            lost = self.why is not None
        if lost:
            self._strayed()
        return not lost


class Serving:
    """The server. The server runs while its ``with`` block is active. After the block, no thread of the server waits
    any more."""

    def __enter__(self) -> "Serving":
        self._readers: dict[str, StreamReader] = {}
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._closed = False
        serving = self

        class BoundHandler(_StreamHandler):
            owner = serving

        self._server = _Server(("127.0.0.1", 0), BoundHandler)
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            self._closed = True
            left = list(self._open)
        for connection in left:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self._server.shutdown()
        self._server.server_close()

    def reader(self, file: ServedFile, strayed: Callable[[], None] = lambda: None) -> StreamReader:
        """Return a reader with a new address for a file. The server calls ``strayed`` from another thread if it
        refuses a request of the program. The caller should then stop the program."""
        host, port = self._server.server_address[:2]
        reader = StreamReader(file, (str(host), int(port)), strayed)
        self._readers[reader.path] = reader
        return reader

    def find(self, path: str) -> StreamReader | None:
        """Return the reader whose address has this path. Return None if no reader has this path."""
        return self._readers.get(path)

    @contextlib.contextmanager
    def held(self, connection: socket.socket) -> Iterator[None]:
        """Keep a connection open inside the ``with`` block. The connection closes when the server stops."""
        with self._lock:
            if self._closed:
                raise ConnectionAbortedError
            self._open.add(connection)
        try:
            yield
        finally:
            with self._lock:
                self._open.discard(connection)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: object, client_address: object) -> None:
        """Log nothing, because a stopped reader closes its connection."""


class _StreamHandler(BaseHTTPRequestHandler):
    owner: Serving
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 — the base class's name
        """Log nothing. Addresses contain tokens, and requests have no other facts."""

    def do_GET(self) -> None:
        """Send all bytes from the requested byte on, as the bytes arrive."""
        self.close_connection = True
        reader = self.owner.find(self.path)
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if reader is None:
            self.send_error(404)
            return
        first, total = int(asked[1]) if asked else 0, reader.file.total
        if total is not None and first >= max(1, total):
            self._head(416, **{"Content-Range": f"bytes */{total}", "Content-Length": "0"})
        elif reader.admit(first):
            end = total if total is None or not (asked and asked[2]) else min(int(asked[2]) + 1, total)
            self._describe(first, end, total, is_part=asked is not None)
            # A stopped reader closes the connection, and a failed source has no more bytes.
            with self.owner.held(self.connection), contextlib.suppress(OSError, AbandonedError):
                _send(self.connection, reader.file, first, end)
                if end is None:
                    self.connection.sendall(_LAST_PIECE)

    def _describe(self, first: int, end: int | None, total: int | None, *, is_part: bool) -> None:
        length = {"Transfer-Encoding": "chunked"} if end is None else {"Content-Length": str(end - first)}
        if is_part and end is not None:
            self._head(206, **length, **{"Content-Range": f"bytes {first}-{end - 1}/{total}"})
        else:
            self._head(200, **length)

    def _head(self, status: int, **headers: str) -> None:
        self.send_response(status)
        fixed = {"Content-Type": "application/octet-stream", "Accept-Ranges": "bytes", "Connection": "close"}
        for name, value in (fixed | headers).items():
            self.send_header(name, value)
        self.end_headers()


def _send(connection: socket.socket, file: ServedFile, first: int, end: int | None) -> None:
    """Send the bytes from ``first`` to ``end``. Wait for bytes that have not arrived yet.

    If ``end`` is None, send chunks up to the end of the file. Only with chunks can a reader distinguish the end of the
    file from a broken connection.
    """
    home, offset = file.home(first)
    most = None if end is None else offset + end - first
    while most is None or offset < most:
        there = home.wait(offset + 1)
        if there <= offset:
            return
        length = min(_CHUNK, (there if most is None else min(there, most)) - offset)
        if most is None:
            connection.sendall(b"%x\r\n" % length)
        _send_all(connection, home.descriptor, offset, length)
        if most is None:
            connection.sendall(b"\r\n")
        offset += length


def _send_all(connection: socket.socket, descriptor: int, offset: int, length: int) -> None:
    while length:
        sent = os.sendfile(connection.fileno(), descriptor, offset, length)
        if not sent:
            raise AbandonedError  # the file was truncated because the download started again
        offset, length = offset + sent, length - sent
