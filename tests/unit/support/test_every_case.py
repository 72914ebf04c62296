"""A test of many cases fails if one fails, and names it."""

from pathlib import Path
from typing import Any

import pytest

from support.every_case import every_case


def test_each_case_that_fails_is_named_and_the_others_run_too() -> None:
    seen: list[tuple[int, int]] = []

    @every_case("a, b", [(1, 1), (1, 2), pytest.param(3, 4, id="named"), (5, 5)])
    def check(a: int, b: int) -> None:
        seen.append((a, b))
        if a != b:
            raise ValueError("not equal")

    with pytest.raises(ExceptionGroup, match="2 of 4 cases failed") as failed:
        check()
    assert seen == [(1, 1), (1, 2), (3, 4), (5, 5)]
    notes = [failure.__notes__ for failure in failed.value.exceptions]
    assert notes == [["case: {'a': 1, 'b': 2}"], ["case: {'a': 3, 'b': 4}"]]


def test_every_case_of_one_list_meets_every_case_of_another() -> None:
    seen: list[tuple[int, Any]] = []

    @every_case("a", [1, 2])
    @every_case("b", ["x", (3, 4)])
    def check(a: int, b: Any) -> None:
        seen.append((a, b))

    check()
    assert seen == [(1, "x"), (1, (3, 4)), (2, "x"), (2, (3, 4))]


def test_a_test_without_cases_fails() -> None:
    @every_case("a", [])
    def check(a: int) -> None:
        """Without a case, it would pass."""

    with pytest.raises(AssertionError, match="no cases"):
        check()


@every_case("name", ["a", "b"])
def test_what_is_no_case_is_a_fixture(name: str, tmp_path: Path) -> None:
    assert tmp_path.is_dir()
    assert name in ("a", "b")
