"""A way to a server on loopback that stands between: it forwards each connection, and may look at what it carries."""

import socket
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self

CHUNK = 64 * 1024


class TcpProxy:
    """A context manager; ``endpoint`` leads where the given one leads. Subclasses say what becomes of a chunk."""

    def __init__(self, endpoint: str) -> None:
        host, _, port = endpoint.removeprefix("http://").partition(":")
        self._target = (host, int(port))

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.close()

    def may_pass(self, chunk: bytes, *, outgoing: bool) -> bool:
        """False holds the connection at this chunk for good, and an OSError breaks it. ``outgoing`` is towards the
        server."""
        raise NotImplementedError

    def prepare(self, near: socket.socket) -> None:
        """A connection that was just taken."""

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            self.prepare(near)
            far = socket.create_connection(self._target)
            for source, sink, outgoing in ((near, far, True), (far, near, False)):
                threading.Thread(target=self._forward, args=(source, sink, outgoing), daemon=True).start()

    def _forward(self, source: socket.socket, sink: socket.socket, outgoing: bool) -> None:
        try:
            while chunk := source.recv(CHUNK):
                if not self.may_pass(chunk, outgoing=outgoing):
                    return
                sink.sendall(chunk)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            for end in (source, sink):
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)
            sink.close()
