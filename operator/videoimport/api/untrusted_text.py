"""Untrusted text, made safe to show: no control characters, no characters that reorder or hide the text beside them.

Titles, names and messages come from hosts, lists, media files and destinations. A terminal obeys control characters,
and bidirectional controls make one text look like another. The models of reports and statuses use these types, so that
every writer and reader applies them. An identifier keeps its characters: ``clean_uri`` percent-encodes them instead.
"""

import re
from collections.abc import Mapping
from typing import Annotated, TypeVar
from urllib.parse import quote

from pydantic import BeforeValidator

Value = TypeVar("Value", bound=object)

MAX_MESSAGE = 1024
"""Characters of a message in a status."""
MOST_URI = 2048
"""Characters of an address in a status."""
_SPACES = re.compile("[\t\n\v\f\r\x1c-\x1f\x85\u2028\u2029]+")
"""Control characters that separate words or lines."""
_LINE_ENDS = re.compile("\r\n?|[\v\f\x85\u2028\u2029]")
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e00ff\U000e01f0-\U000e0fff]"
)
"""Cc except tab and newline, bidirectional controls, and the characters that Unicode ignores by default
(Default_Ignorable_Code_Point of UAX 44). These can hide a text: separators, soft hyphen, fillers, tags. Visible signs
of Arabic in Cf stay."""
_SELECTORS = "\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef"
_RUN = re.compile(
    f"(?=[{_SELECTORS}\u200c\u200d])([{_SELECTORS}]?)[{_SELECTORS}]*([\u200c\u200d]?)[{_SELECTORS}\u200c\u200d]*"
)
"""Variation selectors and zero-width joiners: scripts and emoji need one of each behind a visible character. A long run
of them hides a text. Without the lookahead the pattern matches between all characters, which takes 20 times as long."""
_SURROGATES = re.compile("[\ud800-\udfff]+")
"""Half a character, as broken pages have them: no JSON can hold one."""
_TO_CLEAN = re.compile(f"{_HIDDEN.pattern[:-1]}\ud800-\udfff{_SELECTORS}\u200c\u200d]")
"""Each character that a pattern of ``clean_lines`` begins with. One search takes a quarter of the time of all four."""
_UNSAFE = re.compile(f"[\t\n]|{_HIDDEN.pattern}|{_SURROGATES.pattern}")


def clean_text(text: str) -> str:
    """Return ``text`` as one line without characters that a terminal or a reader obeys. Idempotent."""
    if text.isascii() and text.isprintable():
        return text
    return clean_lines(_SPACES.sub(" ", text))


def clean_lines(text: str) -> str:
    """The same for text of several lines: tabs and newlines stay, and all other line ends become newlines."""
    if not _TO_CLEAN.search(text):
        return text
    plain = _SURROGATES.sub("?", _HIDDEN.sub("", _LINE_ENDS.sub("\n", text)))
    return _RUN.sub(r"\1\2", plain)


def clean_uri(uri: str) -> str:
    """Return ``uri`` with such characters percent-encoded, so that it still names the same thing; without them where it
    would have more than ``MOST_URI`` characters then. Idempotent."""
    if uri.isascii() and uri.isprintable():
        return uri
    encoded = _UNSAFE.sub(lambda found: quote(found[0], errors="replace"), uri)
    return encoded if len(encoded) <= MOST_URI else _UNSAFE.sub("", uri)


def clean_values(values: Mapping[str, Value]) -> dict[str, Value | str]:
    """Return user metadata with clean names and texts; texts may have several lines, and other values stay. If names
    become equal, the first counts; a name that becomes empty is left out."""
    found: dict[str, Value | str] = {}
    for name, value in values.items():
        found.setdefault(clean_text(name), clean_lines(value) if isinstance(value, str) else value)
    return {name: value for name, value in found.items() if name}


def fit(text: str, limit: int = MAX_MESSAGE) -> str:
    """Return ``text`` in at most ``limit`` characters; an ellipsis shows that it was cut."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _cleaned(value: object) -> object:
    """The field's own check refuses a value that is no text."""
    return clean_text(value) if isinstance(value, str) else value


DisplayText = Annotated[str, BeforeValidator(_cleaned)]
"""One line of untrusted text; state ``max_length`` outside of it."""
DisplayUri = Annotated[str, BeforeValidator(lambda value: clean_uri(value) if isinstance(value, str) else value)]
"""The name of an object or its address, made of untrusted text."""
