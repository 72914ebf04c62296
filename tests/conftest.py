"""Of all layers: hypothesis tries the same examples in every run, however busy the machine is.

``VIDEOIMPORT_TEST_EXPLORE=1`` tries others each time.
"""

import os

from hypothesis import HealthCheck, settings

_SHARED = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("repeated", derandomize=True, **_SHARED)
settings.register_profile("explored", **_SHARED)
settings.load_profile("explored" if os.environ.get("VIDEOIMPORT_TEST_EXPLORE") else "repeated")
