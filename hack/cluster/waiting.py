"""Waiting for a condition, with an end."""

import time
from collections.abc import Callable

from cluster.errors import ClusterError

PAUSE = 0.1


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Look again and again; False when the time is over."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() >= end:
            return False
        time.sleep(PAUSE)
    return True


def wait_for(what: str, condition: Callable[[], bool], seconds: float, *, while_true: Callable[[], bool]) -> None:
    """Wait for a condition that only comes while another holds, such as "it answers" while "it runs"."""
    if not wait_until(lambda: condition() or not while_true(), seconds):
        raise ClusterError(f"{what}: not within {seconds:.0f} s")
    if not while_true():
        raise ClusterError(f"{what}: the process ended")
