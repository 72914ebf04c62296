"""The part of a matrix that ``make test`` runs. ``make matrix-test`` runs all of it."""

import os
from collections.abc import Collection, Iterable
from typing import TypeVar

IS_WHOLE = os.environ.get("VIDEOIMPORT_TEST_MATRIX") == "whole"
Member = TypeVar("Member")


def portion(members: Iterable[Member], quick: Collection[Member]) -> list[Member]:
    """The members that run. Fails for a quick one that is no member."""
    every = list(members)
    if unknown := [name for name in quick if name not in every]:
        raise ValueError(f"no members of the matrix: {unknown}")
    return [member for member in every if IS_WHOLE or member in quick]
