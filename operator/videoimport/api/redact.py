"""URLs fit to be shown: without user info, and without the values of query parameters that may be secret."""

from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

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
)


def shown_url(url: str) -> str:
    """``url`` without user info, and with parameters that look like signatures or keys taken out. Never raises."""
    try:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
        pairs = [
            (name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if not _is_secret(name)
        ]
    except ValueError:
        return "(unreadable URL)"
    query = parts.query if len(pairs) == parts.query.count("&") + 1 else urlencode(pairs)
    return urlunsplit((parts.scheme, host, parts.path, query, ""))


def _is_secret(parameter: str) -> bool:
    lowered = parameter.lower()
    return any(word in lowered for word in _SECRET_WORDS)
