"""What a webhook's Secret must be, and what an answer means."""

import base64
from datetime import UTC, datetime
from pathlib import Path
from socket import gaierror

import pytest
from standardwebhooks import Webhook
from urllib3.connection import HTTPConnection
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    NameResolutionError,
    NewConnectionError,
    ProxyError,
    SSLError,
)

from videoimport.api.reasons import Reason
from videoimport.worker.runtime.errors import ImportFailure
from videoimport.worker.sandbox.http_requests import Address
from videoimport.worker.webhook import http_post as sending
from videoimport.worker.webhook import signature as signing

NOW = datetime(2026, 5, 4, 12, 0, 0, tzinfo=UTC)
KEY = bytes(range(32))
SECRET = f"whsec_{base64.b64encode(KEY).decode()}"


def folder(tmp_path: Path, **keys: str) -> Path:
    for name, value in keys.items():
        (tmp_path / name.replace("_", "-")).write_text(value)
    return tmp_path


def refusal(path: Path) -> str:
    with pytest.raises(ImportFailure) as caught:
        signing.read_signers("hook-key", path)
    assert caught.value.reason is Reason.CREDENTIALS_NOT_FOUND
    return caught.value.message


def test_a_message_is_signed_as_the_library_verifies_it(tmp_path: Path) -> None:
    body, now = '{"name": "動画"}', datetime.now(UTC)
    signers = signing.read_signers("hook-key", folder(tmp_path, webhook_secret=f"{SECRET}\n"))
    headers = signing.headers(signers, "msg_1", body, now)
    assert Webhook(SECRET).verify(body.encode(), headers) == {"name": "動画"}


def test_while_a_key_is_replaced_either_verifies(tmp_path: Path) -> None:
    other = f"whsec_{base64.b64encode(bytes(24)).decode()}"
    signers = signing.read_signers("hook-key", folder(tmp_path, webhook_secret=f"{SECRET}\n{other}\n"))
    headers = signing.headers(signers, "msg_1", "{}", datetime.now(UTC))
    for secret in (SECRET, other):
        assert Webhook(secret).verify(b"{}", headers) == {}


def test_a_missing_secret_or_key_is_named(tmp_path: Path) -> None:
    assert "no Secret 'hook-key'" in refusal(tmp_path / "none")
    assert "no Secret 'hook-key'" in refusal(tmp_path)
    assert "has no key webhook-secret" in refusal(folder(tmp_path, other="x"))


@pytest.mark.parametrize(
    "value",
    [
        "",
        base64.b64encode(KEY).decode(),
        "whsec_",
        "whsec_tell!nobody!tell!nobody!tell!nobody!",
        "whsec_" + base64.urlsafe_b64encode(b"\xff" * 32).decode(),
        "whsec_" + base64.b64encode(bytes(23)).decode(),
        "whsec_" + base64.b64encode(bytes(65)).decode(),
        f"{SECRET}\ntell-nobody",
        "\n".join([SECRET] * 5),
    ],
)
def test_a_malformed_secret_is_refused_and_not_told(tmp_path: Path, value: str) -> None:
    message = refusal(folder(tmp_path, webhook_secret=value))
    assert "whsec_ and the base64 of 24 to 64 random bytes" in message
    assert all(word.removeprefix("whsec_") not in message for word in value.split() if word != "whsec_")


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_2xx_is_success(status: int) -> None:
    assert sending._answer(status, None, "example.com").reason is None


@pytest.mark.parametrize("status", [300, 302, 304, 307, 400, 401, 404, 409, 429, 500, 502, 503, 504, 999])
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
        (ProxyError("x", OSError()), "The proxy of template.worker.proxy does not let us reach h.example."),
        (SSLError("x"), "h.example broke off the TLS handshake."),
        (HTTPError("https://h.example/?secret=1"), "h.example did not answer (HTTPError)."),
    ],
)
def test_an_error_of_the_network_is_told_by_its_host_alone(error: HTTPError, message: str) -> None:
    answer = sending._failure(error, "h.example")
    assert (answer.reason, answer.message) == (Reason.WEBHOOK_FAILED, message)
