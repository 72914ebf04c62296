"""How long tests wait, in one place: waits end as soon as their condition holds, so only a failure takes all of it."""

LONGEST_SECONDS = 900.0
"""Longer than a busy machine needs for any single step, such as fifty imports on two cores."""
