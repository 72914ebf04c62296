"""Hypothesis gets a budget that keeps the layer quick: a whole history of an import is one example."""

import os

from hypothesis import settings

EXPLORES = bool(os.environ.get("VIDEOIMPORT_TEST_EXPLORE"))
settings.register_profile(
    "core", settings.get_profile("explored" if EXPLORES else "repeated"), max_examples=24 if EXPLORES else 6
)
settings.load_profile("core")
