"""One POST request to a webhook receiver, and the result for each status. Redirects are not followed.

The code here repeats only the opening of a connection, because no data has been sent at that point. For a status
other than 2xx, the controller decides whether and when to retry.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus

import urllib3
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NameResolutionError, NewConnectionError

from videoimport.api.reasons import Reason
from videoimport.worker.runtime.errors import ImportFailure
from videoimport.worker.sandbox.http_errors import explain_error, parse_retry_after
from videoimport.worker.sandbox.http_urls import AGENT, Address, parse_address
from videoimport.worker.sandbox.proxy import Route

CONNECT_SECONDS = 10.0
READ_SECONDS = 30.0
_MOST_CONNECTIONS = 3
_JSON = "application/json"
_UNREACHED = (NewConnectionError, ConnectTimeoutError)


@dataclass(frozen=True, slots=True)
class WebhookResponse:
    """The receiver's response, or the reason why the receiver sent no response. If ``reason`` is None, the receiver
    accepted the message."""

    reason: Reason | None
    message: str
    retry_after_seconds: int | None = None
    advice: str = ""
    """Advice for the user, if it is more exact than the default advice of the reason."""


class _Unreached(Exception):  # noqa: N818 — an event of the network, not of our code
    """No connection could be opened, so nothing was sent."""

    def __init__(self, answer: WebhookResponse) -> None:
        super().__init__(answer.message)
        self.answer = answer


def send(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    route: Route,
    answered: Callable[[], None] = lambda: None,
    sleep: Callable[[float], None] = time.sleep,
) -> WebhookResponse:
    """Send the message and return the result. ``answered`` is called as soon as the receiver has sent a response.
    Raises ImportFailure INVALID_SPEC for an invalid URL."""
    address = _parse(url)
    pool = route.pool(urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS))
    sent = {**headers, "Content-Type": _JSON, "User-Agent": AGENT, "Accept": "*/*"}
    if address.login:
        sent |= urllib3.make_headers(basic_auth=address.login)
    tries = Retrying(
        retry=retry_if_exception_type(_Unreached),
        stop=stop_after_attempt(_MOST_CONNECTIONS),
        wait=wait_exponential(multiplier=1, max=5),
        sleep=sleep,
        reraise=True,
    )
    try:
        return tries(_once, pool, address, body, sent, route.proxy_field, answered)
    except _Unreached as unreached:
        return unreached.answer
    finally:
        pool.clear()


def _once(
    pool: urllib3.PoolManager,
    address: Address,
    body: bytes,
    headers: Mapping[str, str],
    proxy_field: str,
    answered: Callable[[], None],
) -> WebhookResponse:
    try:
        response = pool.request("POST", address.url, body=body, headers=headers, preload_content=False, redirect=False)
    except HTTPError as error:
        failed = _failure(error, address.host, proxy_field)
        if isinstance(error, _UNREACHED) and failed.reason is Reason.WEBHOOK_FAILED:
            raise _Unreached(failed) from None
        return failed
    answered()
    response.close()  # only the status is needed, so the body is not read
    return _answer(response.status, response.headers.get("Retry-After"), address.host)


def _parse(url: str) -> Address:
    try:
        return parse_address(url)
    except ValueError:
        raise ImportFailure(Reason.INVALID_SPEC, "spec.webhook.url is not an address.") from None


def _answer(status: int, retry_after: str | None, host: str) -> WebhookResponse:
    """Return the result for a status, by the rules of https://www.standardwebhooks.com.

    Only 2xx is success, redirects are not followed, and 410 ends all further messages.
    """
    phrase = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else ""
    told = f"{host} answered {status} {phrase}".strip()
    if 200 <= status < 300:
        return WebhookResponse(None, f"{told}.")
    if status == HTTPStatus.GONE:
        return WebhookResponse(Reason.WEBHOOK_GONE, f"{told}.")
    if 300 <= status < 400:
        advice = "Set webhook.url to the final address, since redirects are not followed."
        return WebhookResponse(Reason.WEBHOOK_FAILED, f"{told}.", advice=advice)
    return WebhookResponse(Reason.WEBHOOK_FAILED, f"{told}.", parse_retry_after(retry_after))


def _failure(error: HTTPError, host: str, proxy_field: str) -> WebhookResponse:
    problem = explain_error(error, host, proxy_field)
    if problem.reason:
        return WebhookResponse(problem.reason, problem.sentence)
    if isinstance(error, _UNREACHED) and not isinstance(error, NameResolutionError):
        return WebhookResponse(Reason.WEBHOOK_FAILED, f"{host} could not be reached.")
    return WebhookResponse(Reason.WEBHOOK_FAILED, problem.sentence)
