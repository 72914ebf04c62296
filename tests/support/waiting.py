"""How long tests wait, in one place: waits end as soon as their condition holds, so only a failure takes all of it."""

import time
from collections.abc import Callable

LONGEST_SECONDS = 900.0
"""Longer than a busy machine needs for any single step, such as fifty imports on two cores."""


def until(condition: Callable[[], object], seconds: float = LONGEST_SECONDS) -> None:
    """Wait for a condition; fails when it does not come true, long after a machine with much else to do would have
    come to it."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "what was waited for did not happen"
        time.sleep(0.02)
