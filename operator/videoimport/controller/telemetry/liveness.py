"""Times of the last progress, shared between threads: working threads set them, and the probe's thread checks them."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from videoimport.controller.queue.workqueue import Clock


@dataclass(frozen=True, slots=True)
class LivenessLimits:
    """In seconds."""

    election: float
    """Since a candidate last tried."""
    news: float
    """Since a leader last had an answer of the cluster, by a watch or a list."""
    head: float
    """A key may wait, or be worked on."""


class Vitals:
    """A standby is live while it tries to lead; a leader while the cluster answers and its queue makes progress."""

    def __init__(self, limits: LivenessLimits, clock: Clock = time.monotonic) -> None:
        self._limits = limits
        self._clock = clock
        self._tried = clock()
        self._heard: float | None = None
        self._filled = False
        self._head_age: Callable[[], float] = lambda: 0.0

    def tried(self) -> None:
        """The election made an attempt, with any outcome."""
        self._tried = self._clock()

    def leads(self, head_age: Callable[[], float]) -> None:
        """From now on the limits of a leader hold."""
        self._head_age = head_age
        self._heard = self._clock()

    def heard(self) -> None:
        """News of the cluster."""
        self._heard = self._clock()

    def compared(self) -> None:
        """Everything was listed."""
        self._filled = True
        self.heard()

    def trouble(self) -> str | None:
        """Why the process should be restarted, or None."""
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
        """Why a leader cannot decide yet, or None. A standby is ready to take over."""
        return "not all is listed yet" if self._heard is not None and not self._filled else None
