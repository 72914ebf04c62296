"""The request to end a run, for example because of a signal. The request is recorded once. A failure after the
request is treated as an effect of the request, and not as a fault."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from videoimport.worker.runtime.errors import Interruption

GRACE_SECONDS = 1.5
"""Maximum number of seconds by which the request may arrive after its effects.

A kubelet that stops a pod signals all processes of the pod, in any order.
"""
_LOOK_SECONDS = 0.02


class Stop:
    """The stop request that all threads of a worker share. It has no lock, because a signal handler sets it in the main
    thread."""

    def __init__(self) -> None:
        self._cause: Interruption | None = None
        self._deferrals = 0

    @property
    def cause(self) -> Interruption | None:
        """The first request. The value is None if there is no request."""
        return self._cause

    @property
    def is_deferred(self) -> bool:
        """Return whether the signal handler must only record the request, and raise no exception."""
        return self._deferrals > 0

    def request(self, cause: Interruption) -> None:
        """Record the request. Only the first request is kept."""
        self._cause = self._cause or cause

    def check(self) -> None:
        """Raise the requested Interruption, if there is one.

        The exception that the signal handler raises can get lost. Python drops exceptions in fork hooks, finalizers and
        weak reference callbacks.
        """
        if self._cause is not None:
            raise self._cause

    def await_request(self, seconds: float = GRACE_SECONDS) -> None:
        """Wait at most ``seconds`` for a request. Raises the Interruption as soon as there is a request."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.check()
            time.sleep(_LOOK_SECONDS)
        self.check()

    @contextmanager
    def deferred(self) -> Iterator[None]:
        """While the context is active in the main thread, a signal only records the request.

        At the end of the context, a recorded Interruption is raised.
        """
        self._deferrals += 1
        try:
            yield
        finally:
            self._deferrals -= 1
        self.check()
