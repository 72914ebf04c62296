"""The connections of an upload's clients: at most a fixed number, and each gets its response before the end.

A port-forward can open any number of connections, and each has a thread. Connections that have not shown the token end
only each other: first those that have a response already, then any of the others at random. So a client that needs a
moment to show its token has a chance, however many connections others open. A client with the token that opens too many
loses its own oldest connections.
"""

import contextlib
import secrets
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from videoimport.worker.fetch.upload_receiver import Receiver

MOST_CONNECTIONS = 8
"""Maximum number of open connections that have shown the token."""
MOST_UNPROVEN = 64
"""Maximum number of open connections that have not shown the token."""
STACK_BYTES = 2**20
"""Size of the stack of a connection's thread. It counts towards the memory limit of the fetching process, and the
default size is 8 MiB."""
_LINGER_SECONDS = 5.0
"""Maximum number of seconds in which the rest of a refused request is read."""
_DISCARDED = 2**16


class Connections(ThreadingHTTPServer):
    """An HTTP server on a socket that listens already, for the upload of one file."""

    daemon_threads = True

    def __init__(self, listener: socket.socket, receiver: Receiver, handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(listener.getsockname(), handler, bind_and_activate=False)
        self.socket.close()
        self.socket, self.receiver = listener, receiver
        self._news = threading.Condition()
        self._open: dict[socket.socket, bool] = {}
        """The open connections, the oldest first. The value is True while a response is due."""
        self._proven: set[socket.socket] = set()
        """The open connections that have shown the token."""
        self._answered: set[socket.socket] = set()
        """The open connections that have got a response."""

    def process_request(self, request: Any, client_address: Any) -> None:
        """Serve a new connection. End another connection without the token, if there are too many."""
        with self._news:
            unproven = [one for one in self._open if one not in self._proven]
            if len(unproven) >= MOST_UNPROVEN:
                self._end(secrets.choice([one for one in unproven if one in self._answered] or unproven))
            self._open[request] = False
        super().process_request(request, client_address)

    def prove(self, request: socket.socket) -> None:
        """Record that this connection has shown the token. End the oldest other ones that have shown it and do not send
        the file, if there are too many."""
        with self._news:
            if request in self._open and request not in self._proven:
                self._proven.add(request)
                self._end_oldest([*(one for one in self._open if one in self._proven and one is not request), request])

    def _end_oldest(self, alike: list[socket.socket]) -> None:
        """End the first of these connections, so that the maximum number is left. The last one is new and stays."""
        idle = [one for one in alike[:-1] if not self.receiver.is_writer(one)]
        for oldest in idle[: max(0, len(alike) - MOST_CONNECTIONS)]:
            self._end(oldest)

    def _end(self, request: socket.socket) -> None:
        self._forget(request)
        with contextlib.suppress(OSError):
            request.shutdown(socket.SHUT_RDWR)

    def _forget(self, request: socket.socket) -> None:
        self._open.pop(request, None)
        self._proven.discard(request)
        self._answered.discard(request)

    def shutdown_request(self, request: Any) -> None:
        """Close a connection. Unread bytes would reset the connection, and the client would lose the response. So they
        are read first."""
        with self._news:
            if lingers := request in self._open:
                self._answered.add(request)
        with contextlib.suppress(OSError):
            request.shutdown(socket.SHUT_WR)
            if lingers:
                _discard(request)
        self.close_request(request)
        with self._news:
            self._forget(request)
            self._news.notify_all()

    def owe_response(self, request: socket.socket, *, due: bool) -> None:
        """Record whether a response to the client of this connection is due."""
        with self._news:
            if request in self._open:
                self._open[request] = due
                if not due:
                    self._answered.add(request)
                self._news.notify_all()

    def await_responses(self, seconds: float) -> None:
        """Wait until no response is due, at most ``seconds``."""
        with self._news:
            self._news.wait_for(lambda: not any(self._open.values()), seconds)

    def handle_error(self, request: object, client_address: object) -> None:
        """Log nothing for a broken connection, because the client continues."""


def _discard(request: socket.socket) -> None:
    """Read and drop what a client still sends, until it closes the connection."""
    end = time.monotonic() + _LINGER_SECONDS
    while (left := end - time.monotonic()) > 0:
        request.settimeout(left)
        if not request.recv(_DISCARDED):
            return
