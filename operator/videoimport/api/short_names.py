"""Slugs: the readable section of an object's name, derived from untrusted text. A slug never contains a secret of a
URL."""

import re
import unicodedata

from videoimport.api.redaction import shown_text

_MOST_READ = 512
"""Maximum number of characters of a text that are used."""
_GAP = re.compile(r"[^a-z0-9]+")


def slug_of(text: str) -> str:
    """Return ``text`` as ASCII letters, digits and hyphens, for use in a name. The result may be empty.

    Accents are removed, and letters of non-Latin alphabets are left out.
    """
    plain = unicodedata.normalize("NFKD", shown_text(text[:_MOST_READ])).casefold()
    return _GAP.sub("-", "".join(letter for letter in plain if _may_stay(letter))).strip("-")


def _may_stay(letter: str) -> bool:
    """Return whether a slug contains the character, or a hyphen in place of it."""
    return letter.isascii() or not (letter.isalnum() or unicodedata.category(letter)[0] in "MC")
