"""URLs fit to be shown: without user info, and without the values of query parameters that may be secret."""

import re
from urllib.parse import unquote_plus, urlsplit, urlunsplit

_SECRET_WORDS = (
    "sig",
    "token",
    "key",
    "secret",
    "credential",
    "password",
    "passwd",
    "auth",
    "policy",
    "expires",
    "hdnea",
    "hdnts",
    "hmac",
    "jwt",
    "session",
    "access",
    "verify",
)
"""Anywhere in a parameter's name."""
_SECRET_NAMES = frozenset(("st", "oh", "pass", "pwd", "md5", "hash"))
"""Whole words of a name: too short or too usual to look for within others. nginx signs links with ``md5``."""
_URL = re.compile(r"https?://[^\s\"'<>`]+", re.IGNORECASE)
"""Within a text, where quotes and brackets stand around one."""


def shown_url(url: str) -> str:
    """``url`` without user info, and with parameters that look like signatures or keys taken out.

    Never raises. The rest stays as it is written, so that what is shown is never longer than a URL that can be read.
    """
    try:
        parts = urlsplit(url)
    except ValueError:
        return "(unreadable URL)"
    host = parts.netloc.rpartition("@")[2]
    query = "&".join(pair for pair in parts.query.split("&") if not _is_secret(pair.partition("=")[0]))
    return urlunsplit((parts.scheme, host, parts.path, query, ""))


def _is_secret(parameter: str) -> bool:
    lowered = unquote_plus(parameter).lower()
    return any(word in lowered for word in _SECRET_WORDS) or not _SECRET_NAMES.isdisjoint(re.split(r"\W+", lowered))


def shown_text(text: str) -> str:
    """``text`` with every URL in it as ``shown_url`` has it."""
    return _URL.sub(lambda found: shown_url(found[0]), text)
