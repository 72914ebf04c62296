"""Parts that all HTTP clients of the worker share: addresses and their logins, the meaning of urllib3's errors, and
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
"""The User-Agent."""
_RETRY_AFTER = urllib3.Retry(retry_after_max=MAX_RETRY_AFTER)
_MOST_LETTERS = 64
"""Of a Retry-After header that is read: a date has 29, and Python refuses numbers of more than 4,300 digits."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a request goes."""

    url: str
    """Without login and fragment."""
    host: str
    login: str | None
    """``user:password``, as the URL has it."""


def parse_address(url: str) -> Address:
    """Return the parts of a URL. Raises ValueError where host or port is none: urllib3 would fail at every try."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    bare = without_login(parts)._replace(fragment="").geturl()
    urllib3.util.parse_url(bare)
    parts.port  # noqa: B018 — read for the error it raises
    host.encode("ascii" if ":" in host else "idna")
    return Address(bare, host, login_of(parts))


def without_login(parts: SplitResult) -> SplitResult:
    """Return an address without the login in it."""
    return parts._replace(netloc=parts.netloc.rpartition("@")[2])


def login_of(parts: SplitResult) -> str | None:
    """Return the login in an address as ``user:password``; None where there is none."""
    return f"{unquote(parts.username)}:{unquote(parts.password or '')}" if parts.username else None


@dataclass(frozen=True, slots=True)
class Problem:
    """Why no answer came."""

    text: str
    """A clause without a period. It holds nothing of the address but its host."""
    reason: Reason | None = None
    """None for an error that another try may solve."""

    @property
    def sentence(self) -> str:
        """The clause as a sentence. One that begins with a host's name keeps its small letters."""
        return f"T{self.text[1:]}." if self.text.startswith("the ") else f"{self.text}."


def explain_error(error: HTTPError, host: str, proxy_field: str) -> Problem:
    """Return what an error of urllib3 means; its own words may hold the whole address, so they are not passed on."""
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
    """Return the seconds of a Retry-After header, a number or a date: 0 for the past, at most MAX_RETRY_AFTER. None for
    anything else."""
    text = (header or "").strip()[:_MOST_LETTERS]
    try:
        return math.ceil(_RETRY_AFTER.parse_retry_after(text)) if text.isascii() else None
    except (InvalidHeader, ValueError, OverflowError):
        return None
