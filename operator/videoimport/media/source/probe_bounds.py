"""Readers of ffprobe's output that limit every value, because the header of a file may contain any value.

Each reader takes a value of any type. It returns a value within its limits, or a default if there is no such value.
Only ``parse_object`` raises an error.
"""

import json
import math
import re
from fractions import Fraction
from typing import Any

MOST_ANSWER = 16 * 2**20
"""Maximum number of characters in ffprobe's JSON output. 256 streams have about 400,000; the rest is room for tags."""
LATEST_SECONDS = 1e10
"""Maximum time in seconds, about three centuries. Times of day since 1970 are within this limit.

Sums of such times stay exact to microseconds.
"""
MOST_INTEGER = 2**31 - 1
"""Maximum integer. libavformat stores sizes, rates and counts as C integers of 32 bits."""
MOST_BYTES = 2**40
"""Maximum number of bytes in one packet."""
MOST_NAME = 64
"""Maximum number of characters in the name of a codec, a profile or a container format, as a status holds it."""
_MOST_DIGITS = 50
"""Maximum number of digits that are read from a number. A number cut to this length still exceeds every limit.

Python refuses to read a number of several thousand digits.
"""
_INTEGER = re.compile(r"-?[0-9]+")
_UNPRINTABLE = re.compile(r"[^ -~]+")


def parse_object(text: str) -> dict[str, Any]:
    """Return a JSON object with its numbers as text, so that each reader can limit a number before converting it.

    Raises ValueError for any other text.
    """
    if len(text) > MOST_ANSWER:
        raise ValueError(f"{len(text)} characters, more than {MOST_ANSWER}")
    try:
        found = json.loads(text, parse_int=str, parse_float=str, parse_constant=str)
    except RecursionError as nested:
        raise ValueError("lists nested too deeply") from nested
    if isinstance(found, dict):
        return found
    raise ValueError("no JSON object")


def read_object(value: object) -> dict[str, Any]:
    """Return ``value`` if it is an object. Return an empty object otherwise."""
    return value if isinstance(value, dict) else {}


def read_objects(value: object, most: int) -> list[dict[str, Any]]:
    """Return the objects among the first ``most`` entries of a list."""
    return [entry for entry in value[:most] if isinstance(entry, dict)] if isinstance(value, list) else []


def read_name(value: object) -> str:
    """Return at most ``MOST_NAME`` characters of printable ASCII. Return an empty text if ``value`` is not a text."""
    return _UNPRINTABLE.sub("?", value[:MOST_NAME]) if isinstance(value, str) else ""


def read_integer(value: object, *, most: int = MOST_INTEGER, least: int = 0) -> int | None:
    """Return an integer from ``least`` to ``most``. A larger integer becomes ``most``. Return None for a smaller
    integer, and for any other value."""
    text = _number_text(value)
    if not _INTEGER.fullmatch(text):
        return None
    found = int(text)
    return min(found, most) if found >= least else None


def read_flag(value: object) -> bool:
    """Return whether a disposition is set. ffprobe prints 0 or 1."""
    return read_integer(value) == 1


def read_duration(value: object) -> float | None:
    """Return a duration in seconds, at most ``LATEST_SECONDS``. Return None for a negative duration."""
    found = read_number(value)
    return min(found, LATEST_SECONDS) if found is not None and found >= 0 else None


def read_time(value: object) -> float | None:
    """Return a time in seconds on a file's clock.

    Return None for a time beyond ``LATEST_SECONDS`` in either direction.
    """
    found = read_number(value)
    return found if found is not None and abs(found) <= LATEST_SECONDS else None


def read_number(value: object) -> float | None:
    """Return a finite number. Return None for any other value."""
    try:
        found = float(_number_text(value))
    except ValueError:
        return None
    return found if math.isfinite(found) else None


def read_ratio(value: object, separator: str = "/") -> Fraction | None:
    """Return a positive fraction such as ``30000/1001``.

    Return None for ``0/0``, ``0/1``, and a number of more than 31 bits.
    """
    above, _, below = value.partition(separator) if isinstance(value, str) else ("", "", "")
    numerator, denominator = (read_integer(part, most=MOST_INTEGER + 1, least=1) for part in (above, below))
    if numerator is None or denominator is None or max(numerator, denominator) > MOST_INTEGER:
        return None
    return Fraction(numerator, denominator)


def _number_text(value: object) -> str:
    if isinstance(value, str):
        return value[:_MOST_DIGITS].strip()
    return str(value) if type(value) in (int, float) else ""
