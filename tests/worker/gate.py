"""A way to the object store that can be shut in the middle: whoever sends the awaited bytes goes no further."""

import socket
import threading
from types import TracebackType


class Gate:
    """Forwards connections to an endpoint until one carries ``pattern``; that one is held for good, others pass."""

    def __init__(self, endpoint: str, pattern: bytes) -> None:
        host, _, port = endpoint.removeprefix("http://").partition(":")
        self._target = (host, int(port))
        self._pattern = pattern
        self.held = threading.Event()
        """Set once a connection is held."""
        self._open = threading.Event()

    def __enter__(self) -> "Gate":
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.close()

    def open(self) -> None:
        """Hold nobody any more."""
        self._open.set()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.create_connection(self._target)
            threading.Thread(target=self._forward, args=(near, far, True), daemon=True).start()
            threading.Thread(target=self._forward, args=(far, near, False), daemon=True).start()

    def _forward(self, source: socket.socket, target: socket.socket, watched: bool) -> None:
        try:
            while chunk := source.recv(65536):
                if watched and not self._open.is_set() and self._pattern in chunk:
                    self.held.set()
                    return
                target.sendall(chunk)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            target.close()
