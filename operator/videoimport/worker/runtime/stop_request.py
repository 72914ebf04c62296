"""The request to end a run from outside. It is made once, and every failure after it is its effect, not a fault."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from videoimport.worker.runtime.errors import Interruption

GRACE_SECONDS = 1.5
"""How long the request may come after its effects. The kubelet that stops a pod signals all its processes, in any
order."""
_LOOK_SECONDS = 0.02


class Stop:
    """Shared by all threads of a worker. It holds no lock, because a signal handler writes it in the main thread."""

    def __init__(self) -> None:
        self._cause: Interruption | None = None
        self._deferrals = 0

    @property
    def cause(self) -> Interruption | None:
        """The first request; None while there is none."""
        return self._cause

    @property
    def is_deferred(self) -> bool:
        """Whether the signal handler must not raise now."""
        return self._deferrals > 0

    def request(self, cause: Interruption) -> None:
        """Record the request. The first one counts."""
        self._cause = self._cause or cause

    def check(self) -> None:
        """Raise the Interruption that was requested, if any. Code may lose the one that a signal handler raises:
        Python drops exceptions in fork hooks, finalizers and weak reference callbacks."""
        if self._cause is not None:
            raise self._cause

    def await_request(self, seconds: float = GRACE_SECONDS) -> None:
        """Wait for a request, at most ``seconds``. Raises the Interruption as soon as it is requested."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.check()
            time.sleep(_LOOK_SECONDS)
        self.check()

    @contextmanager
    def deferred(self) -> Iterator[None]:
        """Inside, in the main thread, a signal only records the request. Raises the Interruption at the end."""
        self._deferrals += 1
        try:
            yield
        finally:
            self._deferrals -= 1
        self.check()
