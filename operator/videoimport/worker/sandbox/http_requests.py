"""Functions that all HTTP clients of the worker share: parsing of URLs and logins, urllib3's errors, and
Retry-After."""

import math
import ssl
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote, urlsplit

import urllib3
from urllib3.exceptions import HTTPError, InvalidHeader, NameResolutionError, ProxyError, SSLError

from videoimport.api.reasons import Reason
from videoimport.api.tasks.import_report import MAX_RETRY_AFTER
from videoimport.worker.sandbox.address_guard import ForbiddenError

AGENT = "videoimport (+https://videoimport.io)"
"""Value of the User-Agent header."""
_RETRY_AFTER = urllib3.Retry(retry_after_max=MAX_RETRY_AFTER)
_MOST_LETTERS = 64
"""Maximum number of characters of a Retry-After header that are read. A date has 29. Python refuses numbers of more
than 4,300 digits."""


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


@dataclass(frozen=True, slots=True)
class Problem:
    """The reason why a server sent no response."""

    text: str
    """A clause without a period. The host is the only part of the URL in it."""
    reason: Reason | None = None
    """Reason of the failure. None for an error that another try may solve."""

    @property
    def sentence(self) -> str:
        """The clause as a sentence. If it begins with a host name, the first letter stays in lowercase."""
        return f"T{self.text[1:]}." if self.text.startswith("the ") else f"{self.text}."


def explain_error(error: HTTPError, host: str, proxy_field: str) -> Problem:
    """Return the Problem that an error of urllib3 describes. The result does not contain the error's own text,
    because this text may contain the whole URL."""
    cause = error.__cause__ or error.__context__ or error
    if isinstance(cause, ForbiddenError):
        return Problem(f"{host}: {cause}", Reason.ADDRESS_FORBIDDEN)
    if isinstance(error, SSLError) or isinstance(cause, ssl.SSLError):
        invalid = next((arg for arg in (*error.args, cause) if isinstance(arg, ssl.SSLCertVerificationError)), None)
        if invalid is None:
            return Problem(f"{host} broke off the TLS handshake")
        text = f"the certificate of {host} is not valid: {invalid.verify_message}"
        return Problem(text, Reason.CERTIFICATE_INVALID)
    if isinstance(error, ProxyError):
        return Problem(f"the proxy of {proxy_field} refuses a connection to {host}")
    if isinstance(error, NameResolutionError):
        return Problem(f"the name {host} does not resolve")
    return Problem(f"{host} did not answer ({type(error).__name__})")


def parse_retry_after(header: str | None) -> int | None:
    """Return the number of seconds in a Retry-After header, which is a number or a date.

    The result is 0 for a date in the past, at most MAX_RETRY_AFTER, and None for an invalid header.
    """
    text = (header or "").strip()[:_MOST_LETTERS]
    try:
        return math.ceil(_RETRY_AFTER.parse_retry_after(text)) if text.isascii() else None
    except (InvalidHeader, ValueError, OverflowError):
        return None
