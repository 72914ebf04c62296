"""Parser for JSON Lines: one object per line. Pure functions."""

import json
import math
import re
from typing import Any

from videoimport.worker.listing.cells import trim, unwrap
from videoimport.worker.listing.row_to_item import Given, passed_over

FIELDS = ("url", "name", "checksum", "metadata")
_MOST_DIGITS = 20
_LISTED = re.compile(r'\{\s*("[^"]{0,100}"\s*:\s*[\[{]?)?\s*$')
"""The first line of an object that is written over several lines."""
_MOST_FIRST_LETTERS = 300


class JsonLines:
    """Reads one object from each line."""

    def read(self, text: str) -> Given:
        """Return the fields of a line. A comma after the object is ignored. Raises ValueError."""
        line = trim(text)
        if given := passed_over(line):
            return given
        found = parse(line.removesuffix(","))
        if unknown := sorted(set(found) - set(FIELDS)):
            raise ValueError(
                f"it has unknown fields ({', '.join(unknown)[:100]}); the known fields are {', '.join(FIELDS)}"
            )
        fields = {name: value for name, value in found.items() if value is not None}
        url = fields.get("url")
        return Given(fields | ({"url": unwrap(url)} if isinstance(url, str) else {}))


def is_document(first: str) -> bool:
    """Return whether a file with this first line contains the whole list as one JSON document."""
    if len(first) <= _MOST_FIRST_LETTERS and _LISTED.fullmatch(first):
        return True
    try:
        found = parse(first.removesuffix(","))
    except ValueError:
        return False
    return "url" not in found and any(isinstance(value, list) for value in found.values())


def parse(text: str) -> dict[str, Any]:
    """Return a JSON object. Its numbers are within the ranges of common JSON parsers. Raises ValueError."""
    try:
        found = json.loads(text, parse_constant=_no_number, parse_float=_finite, parse_int=_counted)
    except ValueError as error:
        raise ValueError(
            f"it is not valid JSON ({error.msg if isinstance(error, json.JSONDecodeError) else error})"
        ) from None
    except RecursionError:
        raise ValueError("it is not valid JSON: its lists are nested too deeply") from None
    if isinstance(found, dict):
        return found
    raise ValueError("it is not a JSON object")


def _no_number(name: str) -> float:
    raise ValueError(f"{name[:20]} is not a number")


def _finite(digits: str) -> float:
    """Return a finite number. Raises ValueError for a number that would be infinite as a float."""
    number = float(digits)
    return number if math.isfinite(number) else _no_number(digits)


def _counted(digits: str) -> int:
    """Return an integer that fits into 64 bits, which is the limit of the API server. Raises ValueError for others."""
    if len(digits) > _MOST_DIGITS or not -(2**63) <= int(digits) < 2**63:
        raise ValueError(f"{digits[:20]} is too large a number")
    return int(digits)
