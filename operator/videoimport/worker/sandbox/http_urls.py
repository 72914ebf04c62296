"""URLs of HTTP requests and their logins. All HTTP clients of the worker share this."""

from dataclasses import dataclass
from urllib.parse import SplitResult, unquote, urlsplit

import urllib3

AGENT = "videoimport (+https://videoimport.io)"
"""Value of the User-Agent header."""


@dataclass(frozen=True, slots=True)
class Address:
    """Target of a request."""

    url: str
    """The URL without login and fragment."""
    host: str
    login: str | None
    """The login as ``user:password``, with its percent-escapes decoded."""


def parse_address(url: str) -> Address:
    """Return the components of a URL. Raises ValueError for an invalid host or port. With such a URL, every request
    of urllib3 would fail."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    bare = without_login(parts)._replace(fragment="").geturl()
    urllib3.util.parse_url(bare)
    parts.port  # noqa: B018 — read because an invalid port raises ValueError
    host.encode("ascii" if ":" in host else "idna")
    return Address(bare, host, login_of(parts))


def without_login(parts: SplitResult) -> SplitResult:
    """Return the URL from its components, without the login."""
    return parts._replace(netloc=parts.netloc.rpartition("@")[2])


def login_of(parts: SplitResult) -> str | None:
    """Return the login in a URL as ``user:password``, or None if the URL has no login."""
    return f"{unquote(parts.username)}:{unquote(parts.password or '')}" if parts.username else None
