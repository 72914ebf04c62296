"""Removal of unsafe characters from untrusted text: control characters, and characters that reorder or hide other text.

Titles, names and messages come from hosts, lists, media files and destinations. A terminal executes control characters,
and bidirectional controls give one text the appearance of another. The models of reports and statuses use these types,
so that every writer and reader applies the rules. Identifiers must keep their characters, so ``clean_uri``
percent-encodes unsafe characters.
"""

import re
from collections.abc import Mapping
from typing import Annotated, TypeVar
from urllib.parse import quote

from pydantic import BeforeValidator

Value = TypeVar("Value", bound=object)

MAX_MESSAGE = 1024
"""Maximum number of characters of a message in a status."""
MOST_URI = 2048
"""Maximum number of characters of an address in a status."""
_SPACES = re.compile("[\t\n\v\f\r\x1c-\x1f\x85\u2028\u2029]+")
"""Control characters that separate words or lines."""
_LINE_ENDS = re.compile("\r\n?|[\v\f\x85\u2028\u2029]")
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e00ff\U000e01f0-\U000e0fff]"
)
"""Characters to remove.

These are Cc except tab and newline, bidirectional controls, and the characters that Unicode ignores by default
(Default_Ignorable_Code_Point of UAX 44). Separators, soft hyphens, fillers and tags can hide a text. Visible Arabic
signs of the category Cf are kept.
"""
_SELECTORS = "\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef"
_RUN = re.compile(
    f"(?=[{_SELECTORS}\u200c\u200d])([{_SELECTORS}]?)[{_SELECTORS}]*([\u200c\u200d]?)[{_SELECTORS}\u200c\u200d]*"
)
"""Variation selectors and zero-width joiners. Scripts and emoji need one of each after a visible character.

A long sequence of these characters hides a text. Without the lookahead the pattern matches between all characters,
which takes 20 times as long.
"""
_SURROGATES = re.compile("[\ud800-\udfff]+")
"""Half of a character, as in broken web pages. JSON cannot contain such a character."""
_TO_CLEAN = re.compile(f"{_HIDDEN.pattern[:-1]}\ud800-\udfff{_SELECTORS}\u200c\u200d]")
"""Every character with which a pattern of ``clean_lines`` begins. One search takes a quarter of the time of all
four."""
_UNSAFE = re.compile(f"[\t\n{_HIDDEN.pattern[1:-1]}\ud800-\udfff]+")
"""The characters that ``clean_uri`` encodes. One set is searched in half the time of three alternatives."""


def clean_text(text: str) -> str:
    """Return ``text`` as one line without unsafe characters. The function is idempotent."""
    if text.isascii() and text.isprintable():
        return text
    return clean_lines(_SPACES.sub(" ", text))


def clean_lines(text: str) -> str:
    """Return text of several lines without unsafe characters. Tabs and newlines are kept, and all other line ends
    become newlines."""
    if not _TO_CLEAN.search(text):
        return text
    plain = _SURROGATES.sub("?", _HIDDEN.sub("", _LINE_ENDS.sub("\n", text)))
    return _RUN.sub(r"\1\2", plain)


def clean_uri(uri: str) -> str:
    """Return ``uri`` with unsafe characters percent-encoded, so that the address still names the same object. The
    function is idempotent.

    If the result would have more than ``MOST_URI`` characters, the unsafe characters are removed instead.
    """
    if uri.isascii() and uri.isprintable():
        return uri
    encoded = _UNSAFE.sub(lambda found: quote(found[0], errors="replace"), uri)
    return encoded if len(encoded) <= MOST_URI else _UNSAFE.sub("", uri)


def clean_values(values: Mapping[str, Value]) -> dict[str, Value | str]:
    """Return user metadata with clean names and texts. Texts may have several lines, and other values are unchanged.

    If two cleaned names are equal, the first value is kept. A value whose cleaned name is empty is left out.
    """
    found: dict[str, Value | str] = {}
    for name, value in values.items():
        found.setdefault(clean_text(name), clean_lines(value) if isinstance(value, str) else value)
    return {name: value for name, value in found.items() if name}


def fit(text: str, limit: int = MAX_MESSAGE) -> str:
    """Return ``text`` with at most ``limit`` characters. A text that is cut ends with an ellipsis."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _cleaned(value: object) -> object:
    """Clean a text. Other values are unchanged, because the check of the field rejects them."""
    return clean_text(value) if isinstance(value, str) else value


DisplayText = Annotated[str, BeforeValidator(_cleaned)]
"""One line of untrusted text. A type that uses this type adds ``max_length``."""
DisplayUri = Annotated[str, BeforeValidator(lambda value: clean_uri(value) if isinstance(value, str) else value)]
"""The name or address of an object, derived from untrusted text."""
