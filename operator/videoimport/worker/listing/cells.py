"""Cleaning of one cell or line of a list. Invisible characters, quotes and brackets around the text are removed. Pure
functions."""

import re
import unicodedata

_EMPTY_LETTERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0") | {
    chr(number) for first, last in ((0x180B, 0x180F), (0xFE00, 0xFE0F)) for number in range(first, last + 1)
}
"""Characters that are shown as nothing, although Unicode has them as letters, marks or symbols."""
_INVISIBLE = frozenset({"Cc", "Cf", "Zs", "Zl", "Zp"})
"""Unicode categories of controls, formats (zero-width characters, soft hyphen, BOM), spaces and separators."""
_PAIRS = {"<": ">", '"': '"', "'": "'", "`": "`", "“": "”", "„": "“”", "«": "»", "‘": "’", "(": ")"}
_MOST_PAIRS = 3
"""Maximum number of pairs of quotes or brackets around one URL, as in ``"<url>"``. Each pair takes a copy of the
text."""
_MARKDOWN = re.compile(r"!?\[(?P<text>[^\]]{0,500})\]\((?P<url>\S+?)(?:\s+[\"'(][^\n]{0,500})?\)")
_SCHEME = re.compile(r"https?(?=://)", re.I)


def trim(text: str) -> str:
    """Remove spaces and invisible characters from both ends.

    Such characters inside the text are kept, because they may be significant, for example in a query.
    """
    start, end = 0, len(text)
    while start < end and _is_invisible(text[start]):
        start += 1
    while start < end and _is_invisible(text[end - 1]):
        end -= 1
    return text[start:end]


def _is_invisible(letter: str) -> bool:
    return letter == " " or letter in _EMPTY_LETTERS or unicodedata.category(letter) in _INVISIBLE


def unwrap(text: str) -> str:
    """Return the URL in ``<url>``, ``"url"`` or ``[text](url)``, with its scheme in lowercase.

    If the text has no URL, it is only trimmed.
    """
    inner = trim(text)
    if link := _MARKDOWN.fullmatch(inner):
        inner = link["url"]
    for _ in range(_MOST_PAIRS):
        if len(inner) > 1 and inner[-1] in _PAIRS.get(inner[0], ""):
            inner = trim(inner[1:-1])
    if scheme := _SCHEME.match(inner):
        return scheme[0].lower() + inner[scheme.end() :]
    return trim(text)


def begins_address(text: str) -> bool:
    """Return whether a text begins with http:// or https://."""
    return _SCHEME.match(text) is not None


def has_address(text: str) -> bool:
    """Return whether a text contains http:// or https://."""
    return _SCHEME.search(text) is not None
