"""One message to one receiver: a POST that follows nothing, and what its answer means.

Only a connection that never came about is tried again here, since nothing has been sent then; whether and when an
answer other than 2xx is tried again is for the controller to say.
"""

import math
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from urllib.parse import unquote, urlsplit

import urllib3
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NameResolutionError,
    NewConnectionError,
    ProxyError,
    SSLError,
)

from videoimport.api.reasons import Reason
from videoimport.api.tasks.webhook_task import MAX_RETRY_AFTER
from videoimport.worker.runtime.errors import ImportFailure
from videoimport.worker.sandbox.address_guard import ForbiddenError
from videoimport.worker.sandbox.proxy import Route

CONNECT_SECONDS = 10.0
READ_SECONDS = 30.0
_MOST_CONNECTIONS = 3
_AGENT = "videoimport (+https://videoimport.io)"
_JSON = "application/json"
_UNREACHED = (NameResolutionError, NewConnectionError, ConnectTimeoutError)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the receiver said, or why it said nothing; no reason means that it took the message."""

    reason: Reason | None
    message: str
    retry_after_seconds: int | None = None
    advice: str = ""
    """What to do, where that is more exact than the reason's own advice."""


class _Unreached(Exception):  # noqa: N818 — an event of the network, not of our code
    """There was no connection, so nothing was sent."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.message)
        self.answer = answer


def send(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    route: Route,
    answered: Callable[[], None] = lambda: None,
    sleep: Callable[[float], None] = time.sleep,
) -> Answer:
    """Raises ImportFailure INVALID_SPEC for a URL that is no address. ``answered`` is called as soon as the receiver
    has answered."""
    bare, host, login = _parts(url)
    pool = route.pool(urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS))
    sent = {**headers, "Content-Type": _JSON, "User-Agent": _AGENT, "Accept": "*/*"}
    if login:
        sent |= urllib3.make_headers(basic_auth=login)
    tries = Retrying(
        retry=retry_if_exception_type(_Unreached),
        stop=stop_after_attempt(_MOST_CONNECTIONS),
        wait=wait_exponential(multiplier=1, max=5),
        sleep=sleep,
        reraise=True,
    )
    try:
        return tries(_once, pool, bare, body, sent, host, answered)
    except _Unreached as unreached:
        return unreached.answer
    finally:
        pool.clear()


def _once(
    pool: urllib3.PoolManager,
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    host: str,
    answered: Callable[[], None],
) -> Answer:
    try:
        response = pool.request("POST", url, body=body, headers=headers, preload_content=False, redirect=False)
    except HTTPError as error:
        failed = _failure(error, host)
        if isinstance(error, _UNREACHED) and failed.reason is Reason.WEBHOOK_FAILED:
            raise _Unreached(failed) from None
        return failed
    answered()
    response.close()  # the status says it all; whatever else is sent is not waited for
    return _answer(response.status, response.headers.get("Retry-After"), host)


def _parts(url: str) -> tuple[str, str, str | None]:
    """The address as it is asked, its host, and the login in it."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        bare = parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment="").geturl()
        urllib3.util.parse_url(bare)
        parts.port  # noqa: B018 — read for the error it raises
        host.encode("ascii" if ":" in host else "idna")
    except ValueError:
        raise ImportFailure(Reason.INVALID_SPEC, "spec.webhook.url is not an address.") from None
    login = f"{unquote(parts.username)}:{unquote(parts.password or '')}" if parts.username else None
    return bare, host, login


def _answer(status: int, retry_after: str | None, host: str) -> Answer:
    """By https://www.standardwebhooks.com: nothing but 2xx is success, redirects are not followed, and 410 is a wish
    to hear no more."""
    phrase = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else ""
    told = f"{host} answered {status} {phrase}".strip()
    if 200 <= status < 300:
        return Answer(None, f"{told}.")
    if status == HTTPStatus.GONE:
        return Answer(Reason.WEBHOOK_GONE, f"{told}.")
    if 300 <= status < 400:
        advice = "Set webhook.url to the final address, since redirects are not followed."
        return Answer(Reason.WEBHOOK_FAILED, f"{told}.", advice=advice)
    return Answer(Reason.WEBHOOK_FAILED, f"{told}.", seconds_of(retry_after, datetime.now(UTC)))


def seconds_of(retry_after: str | None, now: datetime) -> int | None:
    """Of a Retry-After header, which has seconds or a date; at most MAX_RETRY_AFTER."""
    text = (retry_after or "").strip()
    if text.isascii() and text.isdigit():
        return min(int(text[:9]), MAX_RETRY_AFTER)
    try:
        wanted = parsedate_to_datetime(text)
        seconds = (wanted if wanted.tzinfo else wanted.replace(tzinfo=UTC)) - now
    except (ValueError, OverflowError):
        return None
    return min(max(0, math.ceil(seconds.total_seconds())), MAX_RETRY_AFTER)


def _failure(error: HTTPError, host: str) -> Answer:
    """urllib3's own words may hold the whole address, so they are not passed on."""
    cause = error.__cause__ or error.__context__ or error
    if isinstance(cause, ForbiddenError):
        return Answer(Reason.ADDRESS_FORBIDDEN, f"{host}: {cause}.")
    if isinstance(error, SSLError) or isinstance(cause, ssl.SSLError):
        return _handshake(error, cause, host)
    if isinstance(error, ProxyError):
        return Answer(Reason.WEBHOOK_FAILED, f"The proxy of template.worker.proxy does not let us reach {host}.")
    if isinstance(error, NameResolutionError):
        return Answer(Reason.WEBHOOK_FAILED, f"The name {host} does not resolve.")
    if isinstance(error, _UNREACHED):
        return Answer(Reason.WEBHOOK_FAILED, f"{host} could not be reached.")
    return Answer(Reason.WEBHOOK_FAILED, f"{host} did not answer ({type(error).__name__}).")


def _handshake(error: HTTPError, cause: BaseException, host: str) -> Answer:
    told = next((arg for arg in (*error.args, cause) if isinstance(arg, ssl.SSLCertVerificationError)), None)
    if told is None:
        return Answer(Reason.WEBHOOK_FAILED, f"{host} broke off the TLS handshake.")
    return Answer(Reason.CERTIFICATE_INVALID, f"The certificate of {host} is not valid: {told.verify_message}.")
