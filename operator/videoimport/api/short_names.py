"""The readable part of an object's name, derived from text that others wrote. It never holds a secret of an address."""

import re
import unicodedata

from videoimport.api.redaction import shown_text

_MOST_READ = 512
"""Characters of a text that are looked at."""
_GAP = re.compile(r"[^a-z0-9]+")


def slug_of(text: str) -> str:
    """``text`` in letters, digits and hyphens of ASCII, fit to be part of a name; empty where nothing is left of it.
    Accents go, and letters of other alphabets are left out."""
    plain = unicodedata.normalize("NFKD", shown_text(text[:_MOST_READ])).casefold()
    return _GAP.sub("-", "".join(letter for letter in plain if _may_stay(letter))).strip("-")


def _may_stay(letter: str) -> bool:
    """Whether a slug has it, or a hyphen in its stead."""
    return letter.isascii() or not (letter.isalnum() or unicodedata.category(letter)[0] in "MC")
