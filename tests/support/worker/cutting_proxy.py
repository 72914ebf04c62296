"""A way to a server that breaks in the middle of a file, as a network does."""

import threading
from collections.abc import Sequence

from support.tcp_proxy import TcpProxy


class CuttingProxy(TcpProxy):
    """Breaks the connection once that many bytes went to the server in all, for each of ``cuts`` in turn. After the
    last one, ``holds`` says whether it stands still instead."""

    def __init__(self, endpoint: str, cuts: Sequence[int], *, holds: bool = False) -> None:
        super().__init__(endpoint)
        self._cuts, self._sent, self._lock = list(cuts), 0, threading.Lock()
        self.holds = holds
        self.is_holding = threading.Event()

    @property
    def cuts_left(self) -> int:
        return len(self._cuts)

    def may_pass(self, chunk: bytes, *, outgoing: bool) -> bool:
        with self._lock:
            self._sent += len(chunk) if outgoing else 0
            if not (self._cuts and self._sent >= self._cuts[0]):
                return True
            if self.holds:
                self.is_holding.set()
                return False
            self._cuts.pop(0)
            raise ConnectionResetError
