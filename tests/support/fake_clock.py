"""A clock that stands still unless a test moves it."""

import math


class FakeClock:
    """Seconds that pass only by ``sleep``, or when a test sets ``now``."""

    def __init__(self, now: float = 0.0, end: float = math.inf) -> None:
        self.now = now
        self._end = end
        """Later than anything that is tested may take."""

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        assert self.now < self._end, "it never ends"

    def __call__(self) -> float:
        return self.now
