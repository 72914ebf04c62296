"""How many examples hypothesis tries."""

import os
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, settings


def examples(whole: int) -> Callable[[Any], Any]:
    """Return the settings of a property of ``whole`` examples.

    The fast loop tries a quarter of them, the same in every run. With ``VIDEOIMPORT_TEST_EXPLORE=1``, hypothesis tries
    all, and others in every run.
    """
    count = whole if os.environ.get("VIDEOIMPORT_TEST_EXPLORE") else whole // 4
    return settings(max_examples=count, deadline=None, suppress_health_check=[HealthCheck.too_slow])
