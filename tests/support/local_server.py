"""An HTTP server of this process, on loopback, for fakes and for proxies that stand in front of a real server."""

import contextlib
import ssl
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self


class QuietHandler(BaseHTTPRequestHandler):
    """Writes no line for each request."""

    def log_message(self, *_: Any) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], OSError):  # a client that was killed hangs up
            super().handle_error(request, client_address)


@contextlib.contextmanager
def serving(
    handler: type[BaseHTTPRequestHandler], address: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None
) -> Iterator[int]:
    """Serve while the block lasts, each request in a thread of its own; gives the port."""
    server = _Server((address, port), handler)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def tls_of(certificate: Path | None, key: Path | None = None) -> ssl.SSLContext | None:
    """What a server needs to speak TLS: a PEM file, with the key in it or in a file of its own. None for none."""
    if certificate is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


class LocalServer:
    """A context manager that serves what ``handler`` returns at ``endpoint``."""

    address: str = "127.0.0.1"
    certificate: Path | None = None
    """A PEM file of key and certificate: then it speaks TLS."""

    def handler(self) -> type[BaseHTTPRequestHandler]:
        """The class that answers requests."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        self._stack = ExitStack()
        tls = tls_of(self.certificate)
        self.port = self._stack.enter_context(serving(self.handler(), self.address, tls=tls))
        self.endpoint = f"{'https' if tls else 'http'}://{self.address}:{self.port}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()
