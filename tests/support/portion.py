"""The part of the tests that ``make test`` runs. ``make full-test`` runs all of them: ``VIDEOIMPORT_TEST_FULL=1``."""

import os
from collections.abc import Collection, Iterable
from typing import TypeVar

IS_FULL = os.environ.get("VIDEOIMPORT_TEST_FULL") == "1"
LEFT_OUT: list[str] = []
"""What this process does not run: ids of tests, and what a module says of its members and repetitions."""
Member = TypeVar("Member")


def portion(what: str, members: Iterable[Member], quick: Collection[Member]) -> list[Member]:
    """Return the members that run. Raises ValueError for a quick one that is not a member."""
    every = list(members)
    if unknown := [name for name in quick if name not in every]:
        raise ValueError(f"not members of the matrix: {unknown}")
    if IS_FULL:
        return every
    LEFT_OUT.extend(f"{what}: {name}" for name in every if name not in quick)
    return [member for member in every if member in quick]


def repetitions(what: str, quick: int, full: int) -> int:
    """Return how often something is repeated: ``quick`` or, in ``make full-test``, ``full`` times."""
    if IS_FULL:
        return full
    LEFT_OUT.append(f"{what}: {full} instead of {quick}")
    return quick
