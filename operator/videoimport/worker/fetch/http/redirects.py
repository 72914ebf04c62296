"""Targets of redirects. Pure functions."""

from urllib.parse import urljoin, urlsplit

import urllib3

from videoimport.api.reasons import Reason
from videoimport.worker.fetch.credentials import is_own
from videoimport.worker.fetch.http import header_text as letters
from videoimport.worker.runtime.errors import ImportFailure
from videoimport.worker.sandbox.http_urls import parse_address

MOST_REDIRECTS = 10
_STATUSES = (300, 301, 302, 303, 307, 308)
_OWN = ("authorization", "cookie", "proxy-authorization")
"""Headers of a web page's video that are only for its own host."""


def location_of(status: int, headers: urllib3.HTTPHeaderDict) -> str | None:
    """Return the URL in the Location header of a redirect, or None if the response is not a redirect."""
    found = headers.getlist("Location")
    return letters.of_address(found[0]) or None if found and status in _STATUSES else None


def target(url: str, location: str, first: str) -> str:
    """Return the URL to which a response from ``url`` redirects.

    The login in ``first`` is kept if the target is on the host of ``first``. Raises ImportFailure UNSUPPORTED_SOURCE if
    the target is not an http or https URL.
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
    """Return ``url`` with the login of ``first``, if both have the same host and ``url`` has no login."""
    parts, login = urlsplit(url), urlsplit(first).netloc.rpartition("@")[0]
    if not login or "@" in parts.netloc or not is_own(first, url):
        return url
    return parts._replace(netloc=f"{login}@{parts.netloc}").geturl()


def without_own(headers: dict[str, str]) -> dict[str, str]:
    """Return ``headers`` without the headers that must not be sent to another host."""
    return {name: value for name, value in headers.items() if name.lower() not in _OWN}


def check_well_formed(url: str, reason: Reason, message: str) -> None:
    """Raise ImportFailure if the host or port of a URL is invalid."""
    try:
        parse_address(url)
    except ValueError:
        raise ImportFailure(reason, message) from None
