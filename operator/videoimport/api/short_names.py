"""Short names of imported videos: the readable part of an object's name, and the text of a table's column.

Both are derived from untrusted text. Neither has a query, user info or a signature of an address.
"""

import re
import unicodedata
from urllib.parse import unquote, urlsplit

from videoimport.api.redaction import shown_text, shown_url

MOST_SHOWN = 40
"""Characters of a column's text: with it, a row of usual names fits a terminal of 120 columns."""
_MOST_READ = 512
"""Characters of a text that are looked at."""
_MOST_ENCODINGS = 3
"""Times that an address may be percent-encoded over and over, as proxies and archives do it."""
_EXTENSION = re.compile(r"\.[A-Za-z0-9]{1,5}$")
_NOT_A_NAME = re.compile(r"[?#;&=]")
"""What begins a query, a fragment or a parameter, also within a path."""
_GAP = re.compile(r"[^a-z0-9]+")


def slug_of(text: str) -> str:
    """``text`` in letters, digits and hyphens of ASCII, fit to be part of a name; empty where nothing is left of it.
    Accents go, and letters of other alphabets are left out."""
    plain = unicodedata.normalize("NFKD", shown_text(text[:_MOST_READ])).casefold()
    return _GAP.sub("-", "".join(letter for letter in plain if _may_stay(letter))).strip("-")


def _may_stay(letter: str) -> bool:
    """Whether a slug has it, or a hyphen in its stead."""
    return letter.isascii() or not (letter.isalnum() or unicodedata.category(letter)[0] in "MC")


def stem_of_url(url: str) -> str:
    """The file name of a URL without its extension; empty where its path ends in a slash."""
    return _EXTENSION.sub("", file_of_url(url))


def stem_of_key(key: str) -> str:
    """The file name of an object's key without its extension."""
    return _EXTENSION.sub("", key.rstrip("/").rpartition("/")[2])


def file_of_url(url: str) -> str:
    """The last segment of a URL's path, decoded. Never raises."""
    try:
        path = urlsplit(shown_url(url)).path
    except ValueError:
        return ""
    for _ in range(_MOST_ENCODINGS):
        path = unquote(path)
    path = _NOT_A_NAME.split(path)[0]
    return path.rpartition("/")[2].rpartition("@")[2]


def host_of_url(url: str) -> str:
    """The host of a URL, without user info and port; empty where there is none. Never raises."""
    try:
        return urlsplit(shown_url(url)).hostname or ""
    except ValueError:
        return ""


def shown_name(text: str) -> str:
    """``text`` on one line of at most MOST_SHOWN characters, without control and formatting characters."""
    plain = "".join(_shown(letter) for letter in shown_text(text[:_MOST_READ]))
    short = " ".join(plain.split())
    return short if len(short) <= MOST_SHOWN else f"{short[: MOST_SHOWN - 1].rstrip()}…"


def _shown(letter: str) -> str:
    if letter.isspace() or letter in "\u2028\u2029":
        return " "
    return "" if unicodedata.category(letter)[0] == "C" else letter
