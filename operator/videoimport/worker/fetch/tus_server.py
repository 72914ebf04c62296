"""Server of the tus 1.0 protocol for one file: core, creation and expiration. It listens on the loopback address.

Every request except OPTIONS needs the session's token. A client continues at the offset that HEAD returns.
"""

import contextlib
import io
import re
import select
import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler

from videoimport.api.reasons import Reason
from videoimport.worker.fetch.upload_connections import STACK_BYTES, Connections
from videoimport.worker.fetch.upload_receiver import BusyError, OffsetConflictError, Receiver
from videoimport.worker.runtime.errors import ImportFailure

VERSION = "1.0.0"
COLLECTION = "/files"
"""Path for the creation of the upload."""
FILE = f"{COLLECTION}/upload"
"""Path of the one upload."""
FILE_HASH = "Upload-File-SHA256"
"""Request header of the last PATCH: the SHA-256 of the whole file in hexadecimal digits. It is optional."""
CHECKSUM_MISMATCH = 460
"""Status of the tus protocol for bytes with another hash."""
_SHA256 = re.compile(r"[0-9a-f]{64}")
_CHUNK = 2**18
_READ_SECONDS = 60
_MOST_HEAD_BYTES = 2**14
"""Maximum size of a request line with its headers. Any client may send a head, also one without the token."""
_LONGEST = 20
"""Maximum number of digits of a number in a header."""
_ANSWER_SECONDS = 5.0
"""Maximum number of seconds in which a client gets the response to its last request."""
_MORE: dict[int, dict[str, str]] = {
    HTTPStatus.UNAUTHORIZED: {"WWW-Authenticate": "Bearer"},
    HTTPStatus.PRECONDITION_FAILED: {"Tus-Version": VERSION},
}
"""Headers that a refusal of this status has."""


class _RefusedError(Exception):
    """The response to a request that is refused."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status, self.text = status, text


class _HeadTooLargeError(Exception):
    """The head of a request has more than ``_MOST_HEAD_BYTES``."""


class _RequestReader(io.BufferedReader):
    """Reads requests. Only heads are read by line, and the lines of one head have a maximum size together."""

    left = _MOST_HEAD_BYTES
    """Number of bytes that the present head may still have."""

    def readline(self, size: int | None = -1, /) -> bytes:
        """Read a line. Raises _HeadTooLargeError, and holds at most one byte more than the head may have."""
        most = self.left + 1
        line = super().readline(most if size is None or size < 0 else min(size, most))
        self.left -= len(line)
        if self.left < 0:
            raise _HeadTooLargeError
        return line


class _Handler(BaseHTTPRequestHandler):
    server: Connections
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "videoimport", ""
    timeout = _READ_SECONDS

    def setup(self) -> None:
        """Bound the heads of the requests."""
        super().setup()
        self.rfile: _RequestReader = _RequestReader(self.rfile.detach())

    def parse_request(self) -> bool:
        """Read the head of a request. X-HTTP-Method-Override replaces the method, as the protocol demands. A request
        whose length is ambiguous is refused, so that no part of its body is read as another request."""
        if not super().parse_request():
            return False
        self.server.owe_response(self.connection, due=True)
        self.command = self.headers.get("X-HTTP-Method-Override", self.command)
        lengths = self.headers.get_all("Content-Length", [])
        if len(lengths) > 1 or "Transfer-Encoding" in self.headers:
            self._refuse(HTTPStatus.BAD_REQUEST, "Send one Content-Length and no Transfer-Encoding.")
            return False
        if lengths not in ([], ["0"]) and self.command != "PATCH":
            self.close_connection = True  # the body is not read
        return True

    def handle_expect_100(self) -> bool:
        """Ask for the body later, once the request is accepted."""
        return True

    def handle_one_request(self) -> None:
        """Serve one request. Its response is sent once this method returns."""
        self.rfile.left = _MOST_HEAD_BYTES
        try:
            super().handle_one_request()
        except _HeadTooLargeError:
            self.command = self.requestline = ""  # the base class may not have set them yet
            self.request_version = self.protocol_version
            most = f"The request line and the headers may have {_MOST_HEAD_BYTES} bytes together."
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, most)
        if not self.close_connection:
            self.server.owe_response(self.connection, due=False)

    def do_OPTIONS(self) -> None:
        """Tell what this server supports."""
        size = self.server.receiver.size
        self._answer(204, **{"Tus-Version": VERSION, "Tus-Extension": "creation,expiration", "Tus-Max-Size": str(size)})

    def do_POST(self) -> None:
        """Create the upload. A repeated creation returns the same upload."""
        with self._answered():
            self._check(COLLECTION)
            if self._number("Upload-Length") != (size := self.server.receiver.size):
                raise _RefusedError(413, f"Upload-Length differs from source.upload.size, which is {size}.")
            if self.headers.get("Content-Length", "0") != "0":
                raise _RefusedError(413, "Send the bytes by PATCH.")
            self._answer(201, Location=FILE, **self._expiry())

    def do_HEAD(self) -> None:
        """Return the offset at which the client continues."""
        with self._answered():
            self._check(FILE)
            size = str(self.server.receiver.size)
            self._answer(200, **{"Upload-Length": size, "Cache-Control": "no-store"}, **self._state())

    def do_PATCH(self) -> None:
        """Receive bytes from an offset on. Bytes before a broken connection are kept."""
        with self._answered():
            self._check(FILE)
            if self.headers.get("Content-Type") != "application/offset+octet-stream":
                raise _RefusedError(415, "Content-Type must be application/offset+octet-stream.")
            offset, length, sha256 = self._number("Upload-Offset"), self._number("Content-Length"), self._file_hash()
            if offset + length > self.server.receiver.size:
                raise _RefusedError(413, "The bytes go beyond source.upload.size.")
            with self.server.receiver.writing(self.connection, offset) as stop:
                if self.headers.get("Expect", "").lower() == "100-continue":
                    self.send_response_only(HTTPStatus.CONTINUE)
                    self.end_headers()
                if self._receive(length, sha256, stop):
                    self._answer(204, **self._state())

    def _receive(self, length: int, sha256: str | None, stop: int) -> bool:
        """Receive the body. Return whether it arrived completely. ``sha256`` is the hash that the client announced.
        ``stop`` becomes readable when this connection must stop."""
        receiver, left = self.server.receiver, length
        has_bytes = left > 0 and self._has_buffered_bytes()
        while left:
            if not has_bytes:
                self._await_bytes(stop)
            chunk, has_bytes = self.rfile.read1(min(_CHUNK, left)), False
            if not chunk:
                receiver.check_writer()
                self.close_connection = True
                return False
            receiver.keep(chunk)
            left -= len(chunk)
        if receiver.is_complete:
            receiver.check_hashes(sha256)
        return True

    def _has_buffered_bytes(self) -> bool:
        """Return whether bytes of the body were read together with the head. No call waits for bytes."""
        self.connection.settimeout(0)
        try:
            return bool(self.rfile.peek(1))
        finally:
            self.connection.settimeout(_READ_SECONDS)

    def _await_bytes(self, stop: int) -> None:
        """Wait until the client sends bytes or closes the connection. Raises TimeoutError, and the errors of
        ``Receiver.check_writer``."""
        if not select.select([self.connection, stop], [], [], _READ_SECONDS)[0]:
            raise TimeoutError
        self.server.receiver.check_writer()

    def _check(self, path: str) -> None:
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not self.server.receiver.accepts(token.strip()):
            raise _RefusedError(401, "The token of this session is missing or wrong.")
        self.server.prove(self.connection)
        if self.headers.get("Tus-Resumable") != VERSION:
            raise _RefusedError(412, f"Tus-Resumable must be {VERSION}.")
        if self.path.rstrip("/") != path:
            raise _RefusedError(404, f"The upload is at {FILE}.")
        self.server.receiver.check()

    def _number(self, name: str) -> int:
        text = self.headers.get(name, "")
        if not (text.isascii() and text.isdigit() and len(text) < _LONGEST):
            raise _RefusedError(411 if name == "Content-Length" else 400, f"{name} must be a number of bytes.")
        return int(text)

    def _file_hash(self) -> str | None:
        text = self.headers.get(FILE_HASH)
        if text is None:
            return None
        if not _SHA256.fullmatch(found := text.strip().lower()):
            raise _RefusedError(400, f"{FILE_HASH} must be a SHA-256 of 64 hexadecimal digits.")
        return found

    def _state(self) -> dict[str, str]:
        return {"Upload-Offset": str(self.server.receiver.offset), **self._expiry()}

    def _expiry(self) -> dict[str, str]:
        until = datetime.now(UTC) + timedelta(seconds=self.server.receiver.upload.idle_seconds)
        return {"Upload-Expires": format_datetime(until, usegmt=True)}

    @contextlib.contextmanager
    def _answered(self) -> Iterator[None]:
        """Answer every refusal inside the ``with`` block, and close the connection, because bytes may be left."""
        try:
            yield
        except _RefusedError as refused:
            self._refuse(refused.status, refused.text)
        except OffsetConflictError:
            self._refuse(409, f"Continue at offset {self.server.receiver.offset}.")
        except BusyError:
            self._refuse(423, "Another connection sends bytes.")
        except ImportFailure as failure:
            status = (
                CHECKSUM_MISMATCH if failure.reason is Reason.CHECKSUM_MISMATCH else HTTPStatus.UNPROCESSABLE_ENTITY
            )
            self._refuse(status, f"{failure.reason}: {failure.message}")

    def _refuse(self, status: int, text: str) -> None:
        self.close_connection = True
        self._answer(status, text, Connection="close", **_MORE.get(status, {}))

    def _answer(self, status: int, text: str = "", **headers: str) -> None:
        body = f"{text}\n".encode() if text and self.command != "HEAD" else b""
        self.send_response(status, "Checksum Mismatch" if status == CHECKSUM_MISMATCH else None)
        self.send_header("Tus-Resumable", VERSION)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != HTTPStatus.NO_CONTENT:
            self.send_header("Content-Type", "text/plain; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 — the name in the base class
        """Log no request, because its text comes from outside."""


@contextlib.contextmanager
def serving(listener: socket.socket, receiver: Receiver) -> Iterator[None]:
    """Serve the upload inside the ``with`` block. Each client gets its response before the block ends."""
    threading.stack_size(STACK_BYTES)
    server = Connections(listener, receiver, _Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()
        server.await_responses(_ANSWER_SECONDS)
        server.server_close()
