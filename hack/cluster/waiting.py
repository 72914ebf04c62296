"""Wait for a condition with a time limit."""

import time
from collections.abc import Callable

from cluster.errors import ClusterError

PAUSE = 0.1


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Check a condition until it is true. Return False when the time is over."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= end:
            return False
        time.sleep(PAUSE)
    return True


def wait_for(what: str, condition: Callable[[], bool], seconds: float, *, while_true: Callable[[], bool]) -> None:
    """Wait for a condition that can only become true while another condition holds.

    For example, wait for an answer while a process runs.
    """
    if not wait_until(lambda: condition() or not while_true(), seconds):
        raise ClusterError(f"{what}: not within {seconds:.0f} s")
    if not while_true():
        raise ClusterError(f"{what}: the process ended")
