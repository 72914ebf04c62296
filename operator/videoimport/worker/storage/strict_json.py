"""Strict reading of JSON that any program with write access to the destination may have written.

The size is limited. Texts must not contain characters that control a terminal or hide text from a reader.
"""

import json
import unicodedata
from typing import Any, TypeVar

from pydantic import TypeAdapter

MOST_BYTES = 4 * 2**20
"""Maximum number of bytes of a record. The longest is an intent with a result.json of 500 chapters and 16 captions,
about 1 MiB."""
_CATEGORIES = ("Cc", "Cs", "Zl", "Zp")
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""The format characters of the Unicode Bidirectional Algorithm (UAX 9): they change the order of what is shown."""
Parsed = TypeVar("Parsed")


def is_plain(text: str) -> bool:
    """Return whether a text has no control characters, line separators, lone surrogates or bidirectional control
    characters."""
    return not any(letter in _BIDI or unicodedata.category(letter) in _CATEGORIES for letter in text)


def plain(text: str) -> str:
    """Return the text without the characters that ``is_plain`` refuses."""
    return "".join(letter for letter in text if is_plain(letter))


def parse(adapter: TypeAdapter[Parsed], body: bytes, *, documents: tuple[str, ...] = ()) -> Parsed | None:
    """Return the parsed value. Return None if the body is too long, does not match the type, or has a text that is not
    plain.

    ``documents`` are the names of fields of the outermost object that contain a whole document. Line breaks are
    allowed in these fields.
    """
    if len(body) > MOST_BYTES:
        return None
    try:
        content = json.loads(body)
        if isinstance(content, dict):
            content = {name: value for name, value in content.items() if name not in documents}
        return adapter.validate_json(body) if _has_plain_texts(content) else None
    except (RecursionError, ValueError):  # pydantic's and json's errors are ValueErrors
        return None


def _has_plain_texts(content: Any) -> bool:
    left = [content]
    while left:
        one = left.pop()
        if isinstance(one, dict):
            left += [*one, *one.values()]
        elif isinstance(one, list):
            left += one
        elif isinstance(one, str) and not is_plain(one):
            return False
    return True
