"""URLs fit to be shown: without user info, and without the values of query parameters that may be secret."""

import re
from urllib.parse import SplitResult, unquote_plus, urlsplit, urlunsplit

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

_USER_WITHIN = re.compile(r"(?<=:/)[^/\s]*@|(?<=://)[^/\s]*@")
"""Of an address within an address, as archives and proxies write them."""


def shown_url(url: str) -> str:
    """``url`` without user info, and with parameters that look like signatures or keys taken out.

    Never raises. The rest stays as it is written, so that what is shown is never longer than a URL that can be read.
    What is no address, as a mistyped one, is shown from behind its last ``@``.
    """
    try:
        parts = urlsplit(url)
        parts = parts if _has_host(parts) else urlsplit(url.rpartition("@")[2])
    except ValueError:
        return "(unreadable URL)"
    host = parts.netloc.rpartition("@")[2]
    path = _USER_WITHIN.sub("", parts.path)
    query = "&".join(pair for pair in parts.query.split("&") if not _is_secret(pair.partition("=")[0]))
    return urlunsplit((parts.scheme, host, path, query, ""))


def _has_host(parts: SplitResult) -> bool:
    """Whether what stands before the path is a host. ``https://user:a/b@host`` has none: its password has a slash."""
    try:
        parts.port  # noqa: B018 — read for the error it raises
    except ValueError:
        return False
    return bool(parts.netloc) and not parts.netloc.endswith(":")


def _is_secret(parameter: str) -> bool:
    lowered = unquote_plus(parameter).lower()
    return any(word in lowered for word in _SECRET_WORDS) or not _SECRET_NAMES.isdisjoint(re.split(r"\W+", lowered))


def shown_text(text: str) -> str:
    """``text`` with every URL in it as ``shown_url`` has it."""
    return _URL.sub(lambda found: shown_url(found[0]), text)
