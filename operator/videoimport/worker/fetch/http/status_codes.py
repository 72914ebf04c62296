"""What an HTTP status that is no success means."""

from http import HTTPStatus
from urllib.parse import urlsplit

from videoimport.api.reasons import Reason
from videoimport.worker.fetch.http.response import Interrupted
from videoimport.worker.runtime.errors import ImportFailure

_BY_STATUS = {
    401: Reason.SOURCE_AUTH_REQUIRED,
    402: Reason.SOURCE_AUTH_REQUIRED,
    403: Reason.SOURCE_AUTH_REQUIRED,
    406: Reason.SOURCE_AUTH_REQUIRED,  # firewalls of web servers answer so to what is no browser
    407: Reason.SOURCE_AUTH_REQUIRED,
    408: Reason.SOURCE_UNAVAILABLE,
    425: Reason.SOURCE_UNAVAILABLE,
    429: Reason.RATE_LIMITED,
}

_REFUSED = (
    "Put a login, or the User-Agent header of a browser under the key headers, into the Secret of "
    "source.credentialsSecretRef, then change retryToken."
)
"""Some hosts refuse all clients but browsers with the status of a missing login."""


def reason_of(status: int) -> Reason:
    """The reason of a status: other 4xx are final (nothing is there for us), everything else may pass."""
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    return Reason.SOURCE_NOT_FOUND if 400 <= status < 500 else Reason.SOURCE_UNAVAILABLE


def said(status: int, host: str) -> str:
    """Who answered what, such as ``example.com answers 404 Not Found``."""
    phrase = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else ""
    return f"{host} answers {status} {phrase}".strip()


def advice_of(status: int) -> str:
    """What to do about a status, where that is more exact than its reason's own advice."""
    return _REFUSED if status in (403, 406) else ""


def failure(status: int, url: str, retry_after: float | None = None) -> Exception:
    """ImportFailure, or Interrupted for what another try may mend."""
    reason, told = reason_of(status), said(status, urlsplit(url).hostname or "the source")
    if reason is Reason.SOURCE_UNAVAILABLE:
        return Interrupted(told, retry_after=retry_after)
    seconds = retry_after if reason is Reason.RATE_LIMITED else None
    return ImportFailure(reason, f"{told}.", seconds, advice=advice_of(status))
