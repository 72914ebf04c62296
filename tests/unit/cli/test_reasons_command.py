"""Reasons by their names and by the numbers that commands show."""

import pytest

from videoimport.api.reasons import Reason, info
from videoimport.cli.errors import UnusableError
from videoimport.cli.reasons_command import find_reason

WAY_OUT = "give a name, or a code from 64 to 103."


@pytest.mark.parametrize("reason", [reason for reason in Reason if info(reason).exit_code is not None])
def test_a_reason_is_found_by_its_name_and_by_its_exit_code(reason: Reason) -> None:
    assert find_reason(reason.upper()) is reason
    assert find_reason(str(info(reason).exit_code)) is reason


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("SourceNotFond", "SourceNotFond is not a reason; did you mean SourceNotFound?"),
        ("2", f"2 is not the exit code of a reason; {WAY_OUT}"),
        ("7", f"7 is not the exit code of a reason (as CODE of `list`, it means failed); {WAY_OUT}"),
        ("130", f"130 is not the exit code of a reason; {WAY_OUT}"),
    ],
)
def test_another_word_or_number_is_told_with_the_way_out(word: str, told: str) -> None:
    with pytest.raises(UnusableError) as refused:
        find_reason(word)
    assert str(refused.value) == told
