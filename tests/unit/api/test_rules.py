"""Texts of rules mean to the API server what they mean to our programs."""

import re

from hypothesis import given
from hypothesis import strategies as some

from videoimport.api.rules.validation import quoted

_ESCAPES = re.compile(r"\\(?:u([0-9a-f]{4})|U([0-9a-f]{8})|(.))")


def as_cel_reads_it(literal: str) -> str:
    """By the language's definition ``\\u`` has four digits, and ``\\U`` has eight."""
    inner = literal.removeprefix("'").removesuffix("'")
    return _ESCAPES.sub(lambda found: found[3] or chr(int(found[1] or found[2], 16)), inner)


@given(some.text(alphabet=some.characters(exclude_categories=["Cs"])))
def test_a_literal_has_the_letters_that_it_is_made_of(text: str) -> None:
    assert as_cel_reads_it(quoted(text)) == text
    assert quoted(text).isascii()


def test_a_letter_beyond_the_basic_plane_is_one_letter() -> None:
    assert quoted("[\x80-\U0010ffff]") == r"'[\u0080-\U0010ffff]'"
