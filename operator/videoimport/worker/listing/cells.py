"""One cell or line of a list, without the quotes and brackets around it. Pure."""

import re
import unicodedata

_EMPTY_LETTERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0") | {
    chr(number) for first, last in ((0x180B, 0x180F), (0xFE00, 0xFE0F)) for number in range(first, last + 1)
}
"""Shown as nothing, though Unicode counts them as letters, marks or symbols."""
_INVISIBLE = frozenset({"Cc", "Cf", "Zs", "Zl", "Zp"})
"""Categories of controls, formats (zero-width, soft hyphen, BOM), spaces and separators."""
_PAIRS = {"<": ">", '"': '"', "'": "'", "`": "`", "“": "”", "„": "“”", "«": "»", "‘": "’", "(": ")"}
_MOST_PAIRS = 3
"""Around one address, as in ``"<address>"``. Each takes a copy of the text."""
_MARKDOWN = re.compile(r"!?\[(?P<text>[^\]]{0,500})\]\((?P<url>\S+?)(?:\s+[\"'(][^\n]{0,500})?\)")
_SCHEME = re.compile(r"https?(?=://)", re.I)


def trim(text: str) -> str:
    """Take spaces and invisible characters off both ends. Inside, as in a query, they stay: they may be meant."""
    start, end = 0, len(text)
    while start < end and _is_invisible(text[start]):
        start += 1
    while start < end and _is_invisible(text[end - 1]):
        end -= 1
    return text[start:end]


def _is_invisible(letter: str) -> bool:
    return letter == " " or letter in _EMPTY_LETTERS or unicodedata.category(letter) in _INVISIBLE


def unwrap(text: str) -> str:
    """Return the address of ``<address>``, ``"address"`` or ``[text](address)``, with its scheme in lowercase.

    What is no address comes back trimmed only.
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
    """Whether a text begins like an http or https address."""
    return _SCHEME.match(text) is not None


def has_address(text: str) -> bool:
    """Whether an http or https address begins anywhere in a text."""
    return _SCHEME.search(text) is not None
