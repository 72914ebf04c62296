"""What an HTTP status that is no success means."""

from http import HTTPStatus
from urllib.parse import urlsplit

from videoimport.api.reasons import Reason
from videoimport.worker.errors import ImportFailure
from videoimport.worker.fetch.answers import Interrupted

_BY_STATUS = {
    401: Reason.SOURCE_AUTH_REQUIRED,
    402: Reason.SOURCE_AUTH_REQUIRED,
    403: Reason.SOURCE_AUTH_REQUIRED,
    407: Reason.SOURCE_AUTH_REQUIRED,
    408: Reason.SOURCE_UNAVAILABLE,
    425: Reason.SOURCE_UNAVAILABLE,
    429: Reason.RATE_LIMITED,
}


def reason_of(status: int) -> Reason:
    """The reason of a status: other 4xx are final (nothing is there for us), everything else may pass."""
    if status in _BY_STATUS:
        return _BY_STATUS[status]
    return Reason.SOURCE_NOT_FOUND if 400 <= status < 500 else Reason.SOURCE_UNAVAILABLE


def said(status: int, host: str) -> str:
    """Who answered what, such as ``example.com answers 404 Not Found``."""
    phrase = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else ""
    return f"{host} answers {status} {phrase}".strip()


def failure(status: int, url: str, retry_after: float | None = None) -> Exception:
    """ImportFailure, or Interrupted for what another try may mend."""
    reason, told = reason_of(status), said(status, urlsplit(url).hostname or "the source")
    if reason is Reason.SOURCE_UNAVAILABLE:
        return Interrupted(told, retry_after=retry_after)
    return ImportFailure(reason, f"{told}.", retry_after if reason is Reason.RATE_LIMITED else None)
