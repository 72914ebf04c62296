"""Hypothesis gets a budget that keeps the layer quick."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "core", max_examples=12, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("core")
