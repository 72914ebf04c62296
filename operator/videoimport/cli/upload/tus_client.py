"""A client of the tus 1.0 protocol for the upload of one worker.

tuspy reads each chunk into memory, has the same headers for every request, and sends a chunk to its end although the
server has refused it. So this client sends blocks and stops at the first response.
"""

from collections.abc import Callable, Iterable
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPResponse
from types import TracebackType
from typing import Any, Protocol, Self

from videoimport.worker.fetch.tus_server import CHECKSUM_MISMATCH, FILE, FILE_HASH, VERSION

_MOST_TEXT = 4096
"""Maximum number of bytes of a response's text."""
_JUDGED = (HTTPStatus.UNPROCESSABLE_ENTITY, CHECKSUM_MISMATCH)
"""Statuses of a file that the worker refuses."""
_AGAIN = (HTTPStatus.CONFLICT, HTTPStatus.LOCKED)
"""Statuses of a request at the wrong offset, or beside another connection. Another try may succeed."""


class RefusedFileError(Exception):
    """The worker refuses the file. The text names the reason."""


class RefusedSessionError(Exception):
    """The worker does not accept the token of this session, or this client."""


class Connection(Protocol):
    """The methods of a socket that the client uses."""

    def sendall(self, data: bytes) -> None:
        """Send all bytes."""

    def makefile(self, mode: str) -> Any:
        """Return a reader of the responses."""

    def has_input(self) -> bool:
        """Return whether a byte or the end can be read at once."""

    def close(self) -> None:
        """Close the connection."""


class _Http(HTTPConnection):
    """HTTP over a given connection, without a second one."""

    def __init__(self, connection: Connection) -> None:
        super().__init__("127.0.0.1")
        self.sock: Any = connection

    def connect(self) -> None:
        raise ConnectionError("The worker closed the connection.")


class TusClient:
    """An upload over one connection. The methods raise OSError or HTTPException if the connection breaks, and
    RefusedFileError or RefusedSessionError."""

    def __init__(self, connect: Callable[[], Connection], token: str) -> None:
        self._connection = connect()
        self._http = _Http(self._connection)
        self._token = token

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def read_offset(self) -> int:
        """Return the number of bytes that the worker has."""
        self._begin("HEAD", {})
        return _parse_offset(self._read_response())

    def send(self, offset: int, length: int, blocks: Iterable[bytes], sha256: str | None = None) -> int:
        """Send ``length`` bytes from ``offset`` on, and return the new offset. ``sha256`` is the hash of the whole
        file, for the request with the last byte. A response before the last block ends the request."""
        headers = {"Upload-Offset": str(offset), "Content-Length": str(length)}
        headers |= {"Content-Type": "application/offset+octet-stream"} | ({FILE_HASH: sha256} if sha256 else {})
        self._begin("PATCH", headers)
        try:
            for block in blocks:
                if self._connection.has_input():
                    break
                self._http.send(block)
        except ConnectionError:  # the worker may have refused the file before it closed the connection
            if not self._connection.has_input():
                raise
        found = _parse_offset(self._read_response())
        if found != offset + length:
            raise ConnectionError("The worker answered with another offset.")
        return found

    def _begin(self, method: str, headers: dict[str, str]) -> None:
        self._http.putrequest(method, FILE, skip_accept_encoding=True)
        usual = {"Tus-Resumable": VERSION, "Authorization": f"Bearer {self._token}"}
        for name, value in (usual | headers).items():
            self._http.putheader(name, value)
        self._http.endheaders()

    def _read_response(self) -> HTTPResponse:
        response = self._http.getresponse()
        text = response.read(_MOST_TEXT).decode("utf-8", "replace").strip()
        if response.status in _AGAIN:
            raise ConnectionError(text)
        if response.status in _JUDGED:
            raise RefusedFileError(text)
        if response.status not in (HTTPStatus.OK, HTTPStatus.NO_CONTENT):
            raise RefusedSessionError(text or f"The worker answered {response.status}.")
        return response


def _parse_offset(response: HTTPResponse) -> int:
    text = response.headers.get("Upload-Offset", "")
    if not (text.isascii() and text.isdigit()):
        raise HTTPException("The worker answered without an offset.")
    return int(text)
