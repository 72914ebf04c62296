"""What becomes of a message, by the answer of its receiver."""

from socket import gaierror

import pytest
from urllib3.connection import HTTPConnection
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NameResolutionError,
    NewConnectionError,
    ProxyError,
    SSLError,
)

from support.every_case import every_case
from videoimport.api.reasons import Reason
from videoimport.worker.runtime.errors import ImportFailure
from videoimport.worker.sandbox.http_urls import Address
from videoimport.worker.webhook import http_post as sending


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_2xx_is_success(status: int) -> None:
    assert sending._answer(status, None, "example.com").reason is None


@every_case("status", [300, 302, 304, 307, 400, 401, 404, 409, 429, 500, 502, 503, 504, 999])
def test_all_else_is_tried_again(status: int) -> None:
    answer = sending._answer(status, None, "example.com")
    assert answer.reason is Reason.WEBHOOK_FAILED
    assert f"example.com answered {status}" in answer.message


def test_gone_is_final() -> None:
    assert sending._answer(410, "60", "example.com").reason is Reason.WEBHOOK_GONE


@pytest.mark.parametrize("url", ["http://example.com:99999/", "http://exa mple.com/", "http://[::1/", "http://a..b/"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ImportFailure) as caught:
        sending._parse(url)
    assert caught.value.reason is Reason.INVALID_SPEC


def test_a_login_is_taken_out_of_the_address() -> None:
    assert sending._parse("https://ann:a%3Ab@example.com/x?y#z") == Address(
        "https://example.com/x?y",
        "example.com",
        "ann:a:b",
    )


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (
            NameResolutionError("h.example", HTTPConnection("h.example"), gaierror()),
            "The name h.example does not resolve.",
        ),
        (NewConnectionError(HTTPConnection("h.example"), "x"), "h.example could not be reached."),
        (ConnectTimeoutError(), "h.example could not be reached."),
        (ProxyError("x", OSError()), "The proxy of spec.template.worker.proxy refuses a connection to h.example."),
        (SSLError("x"), "h.example broke off the TLS handshake."),
        (HTTPError("https://h.example/?secret=1"), "h.example did not answer (HTTPError)."),
    ],
)
def test_an_error_of_the_network_is_told_by_its_host_alone(error: HTTPError, message: str) -> None:
    answer = sending._failure(error, "h.example", "spec.template.worker.proxy")
    assert (answer.reason, answer.message) == (Reason.WEBHOOK_FAILED, message)
