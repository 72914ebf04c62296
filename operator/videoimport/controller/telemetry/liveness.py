"""Times of the last progress, for the health checks.

Several threads share these times: working threads set them, and the health server's threads check them.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from videoimport.controller.queue.workqueue import Clock


@dataclass(frozen=True, slots=True)
class LivenessLimits:
    """Liveness limits in seconds."""

    election: float
    """Maximum time since a standby last tried to lead."""
    news: float
    """Maximum time since a leader last received a response from the cluster, from a watch or a list."""
    head: float
    """Maximum time that a key may wait or be processed."""


class Vitals:
    """The liveness of this process.

    A standby is live while it tries to become the leader. A leader is live while the cluster answers and the queue
    makes progress.
    """

    def __init__(self, limits: LivenessLimits, clock: Clock = time.monotonic) -> None:
        self._limits = limits
        self._clock = clock
        self._tried = clock()
        self._heard: float | None = None
        self._filled = False
        self._head_age: Callable[[], float] = lambda: 0.0

    def tried(self) -> None:
        """Record an attempt of the election, successful or not."""
        self._tried = self._clock()

    def leads(self, head_age: Callable[[], float]) -> None:
        """Record that this process is the leader now, so that the limits of a leader apply."""
        self._head_age = head_age
        self._heard = self._clock()

    def heard(self) -> None:
        """Record a response from the cluster."""
        self._heard = self._clock()

    def compared(self) -> None:
        """Record that the cache was compared with a full list."""
        self._filled = True
        self.heard()

    def trouble(self) -> str | None:
        """Return the reason why the process should be restarted, or None."""
        now, limits = self._clock(), self._limits
        if self._heard is None:
            silent = now - self._tried
            return f"no attempt to lead for {silent:.0f} s" if silent > limits.election else None
        if self._filled and now - self._heard > limits.news:
            return f"no answer from the cluster for {now - self._heard:.0f} s"
        if (age := self._head_age()) > limits.head:
            return f"a key has waited for {age:.0f} s"
        return None

    def unready(self) -> str | None:
        """Return the reason why a leader cannot decide yet, or None. A standby is always ready."""
        return "not all objects are listed yet" if self._heard is not None and not self._filled else None
