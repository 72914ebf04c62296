"""Bounded readers of ffprobe's output. A file's header may claim anything, and ffprobe repeats it.

Each reader takes a value of any type and returns one within its bounds, or None. None of them raises.
"""

import json
import math
import re
from fractions import Fraction
from typing import Any

MOST_ANSWER = 16 * 2**20
"""Characters of ffprobe's JSON. 256 streams have some 400,000; the rest is room for tags."""
LATEST_SECONDS = 1e10
"""Three centuries: times of day since 1970 are within it, and sums of such times stay exact to microseconds."""
MOST_INTEGER = 2**31 - 1
"""libavformat's sizes, rates and counts are C integers of 32 bits."""
MOST_BYTES = 2**40
"""Of one packet."""
MOST_NAME = 64
"""Characters of a codec's, a profile's or a container's name, as a status holds it."""
_MOST_DIGITS = 50
"""Of a number. What is cut after so many still exceeds every bound; Python refuses to read some thousands."""
_INTEGER = re.compile(r"-?[0-9]+")
_UNPRINTABLE = re.compile(r"[^ -~]+")


def parse_object(text: str) -> dict[str, Any]:
    """Return a JSON object whose numbers are still text, so that a reader bounds each before it is one.

    Raises ValueError for anything else.
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
    """Return an object, or an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def read_objects(value: object, most: int) -> list[dict[str, Any]]:
    """Return the objects of a list, at most the first ``most`` of its entries."""
    return [entry for entry in value[:most] if isinstance(entry, dict)] if isinstance(value, list) else []


def read_name(value: object) -> str:
    """Return printable ASCII, at most ``MOST_NAME`` characters; empty for anything that is no text."""
    return _UNPRINTABLE.sub("?", value[:MOST_NAME]) if isinstance(value, str) else ""


def read_integer(value: object, *, most: int = MOST_INTEGER, least: int = 0) -> int | None:
    """Return a whole number. One above ``most`` counts as ``most``; one below ``least`` counts as missing."""
    text = _number_text(value)
    if not _INTEGER.fullmatch(text):
        return None
    found = int(text)
    return min(found, most) if found >= least else None


def read_flag(value: object) -> bool:
    """Return whether a disposition is set: ffprobe prints 0 or 1."""
    return read_integer(value) == 1


def read_duration(value: object) -> float | None:
    """Return seconds from 0 to ``LATEST_SECONDS``, which a longer one counts as; a negative one counts as missing."""
    found = read_number(value)
    return min(found, LATEST_SECONDS) if found is not None and found >= 0 else None


def read_time(value: object) -> float | None:
    """Return seconds on a file's clock; None for a time beyond ``LATEST_SECONDS`` in either direction."""
    found = read_number(value)
    return found if found is not None and abs(found) <= LATEST_SECONDS else None


def read_number(value: object) -> float | None:
    """Return a finite number."""
    try:
        found = float(_number_text(value))
    except ValueError:
        return None
    return found if math.isfinite(found) else None


def read_ratio(value: object, separator: str = "/") -> Fraction | None:
    """Return a positive fraction such as ``30000/1001``; None for ``0/0``, ``0/1`` and what exceeds 32 bits."""
    above, _, below = value.partition(separator) if isinstance(value, str) else ("", "", "")
    numerator, denominator = (read_integer(part, most=MOST_INTEGER + 1, least=1) for part in (above, below))
    if numerator is None or denominator is None or max(numerator, denominator) > MOST_INTEGER:
        return None
    return Fraction(numerator, denominator)


def _number_text(value: object) -> str:
    if isinstance(value, str):
        return value[:_MOST_DIGITS].strip()
    return str(value) if type(value) in (int, float) else ""
