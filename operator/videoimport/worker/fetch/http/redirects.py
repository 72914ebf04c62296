"""Where a redirect leads. Pure."""

from urllib.parse import urljoin, urlsplit

import urllib3

from videoimport.api.reasons import Reason
from videoimport.worker.fetch.credentials import is_own
from videoimport.worker.fetch.http import header_text as letters
from videoimport.worker.runtime.errors import ImportFailure
from videoimport.worker.sandbox.http_requests import parse_address

MOST_REDIRECTS = 10
_STATUSES = (300, 301, 302, 303, 307, 308)
_OWN = ("authorization", "cookie", "proxy-authorization")
"""Headers of a page's video that are meant for its host."""


def location_of(status: int, headers: urllib3.HTTPHeaderDict) -> str | None:
    """Return the value of Location where an answer redirects; None where it does not."""
    found = headers.getlist("Location")
    return letters.of_address(found[0]) or None if found and status in _STATUSES else None


def target(url: str, location: str, first: str) -> str:
    """Return where an answer from ``url`` leads. ``first`` is the address whose login is kept for its own host.

    Raises ImportFailure UNSUPPORTED_SOURCE for what is no http or https address.
    """
    message = "The source redirects to something that is not an address."
    try:
        joined = urljoin(url, location)
    except ValueError:
        raise ImportFailure(Reason.UNSUPPORTED_SOURCE, message) from None
    check_well_formed(joined, Reason.UNSUPPORTED_SOURCE, message)
    if (scheme := urlsplit(joined).scheme) not in ("http", "https"):
        message = f"The source redirects to {scheme}:, which is neither http nor https."
        raise ImportFailure(Reason.UNSUPPORTED_SOURCE, message)
    return with_login(joined, first)


def with_login(url: str, first: str) -> str:
    """Return ``url`` with the login in ``first``, if it is of that host and has none."""
    parts, login = urlsplit(url), urlsplit(first).netloc.rpartition("@")[0]
    if not login or "@" in parts.netloc or not is_own(first, url):
        return url
    return parts._replace(netloc=f"{login}@{parts.netloc}").geturl()


def without_own(headers: dict[str, str]) -> dict[str, str]:
    """Return headers for another host than that which they were made for."""
    return {name: value for name, value in headers.items() if name.lower() not in _OWN}


def check_well_formed(url: str, reason: Reason, message: str) -> None:
    """Raise ImportFailure for a URL whose host or port is none."""
    try:
        parse_address(url)
    except ValueError:
        raise ImportFailure(reason, message) from None
