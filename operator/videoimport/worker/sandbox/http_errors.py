"""Errors of HTTP requests: why a server sent no response, and when to try again. All HTTP clients of the worker share
this."""

import math
import ssl
from dataclasses import dataclass

import urllib3
from urllib3.exceptions import HTTPError, InvalidHeader, NameResolutionError, ProxyError, SSLError

from videoimport.api.reasons import Reason
from videoimport.api.tasks.import_report import MAX_RETRY_AFTER
from videoimport.worker.sandbox.address_guard import ForbiddenError

_RETRY_AFTER = urllib3.Retry(retry_after_max=MAX_RETRY_AFTER)
_MOST_LETTERS = 64
"""Maximum number of characters of a Retry-After header that are read. A date has 29. Python refuses numbers of more
than 4,300 digits."""


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
