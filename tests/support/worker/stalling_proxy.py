"""A way to the object store that can be shut in the middle: whoever sends the awaited bytes goes no further."""

import threading

from support.tcp_proxy import TcpProxy


class StallingProxy(TcpProxy):
    """Forwards connections to an endpoint until one carries ``pattern``; that one is held for good, others pass."""

    def __init__(self, endpoint: str, pattern: bytes) -> None:
        super().__init__(endpoint)
        self._pattern = pattern
        self.held = threading.Event()
        """Set once a connection is held."""
        self._open = threading.Event()

    def open(self) -> None:
        """Hold nobody any more."""
        self._open.set()

    def may_pass(self, chunk: bytes, *, outgoing: bool) -> bool:
        if outgoing and not self._open.is_set() and self._pattern in chunk:
            self.held.set()
            return False
        return True
