"""What becomes of a message, by the answer of its receiver."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from videoimport.api.reasons import Reason
from videoimport.api.tasks.webhook_task import MAX_RETRY_AFTER
from videoimport.worker.runtime.errors import ImportFailure
from videoimport.worker.webhook import http_post as sending

NOW = datetime(2026, 5, 4, 12, 0, 0, tzinfo=UTC)


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


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120),
        ("0", 0),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90),
        (format_datetime(NOW - timedelta(seconds=90), usegmt=True), 0),
        ("9" * 5000, MAX_RETRY_AFTER),
        ("Fri, 31 Dec 9999 23:59:59 GMT", MAX_RETRY_AFTER),
        ("-1", None),
        ("soon", None),
        ("", None),
        (None, None),
        ("²", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(text: str | None, seconds: int | None) -> None:
    assert sending.seconds_of(text, NOW) == seconds


@pytest.mark.parametrize("url", ["http://example.com:99999/", "http://exa mple.com/", "http://[::1/", "http://a..b/"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ImportFailure) as caught:
        sending._parts(url)
    assert caught.value.reason is Reason.INVALID_SPEC


def test_a_login_is_taken_out_of_the_address() -> None:
    assert sending._parts("https://ann:a%3Ab@example.com/x?y#z") == (
        "https://example.com/x?y",
        "example.com",
        "ann:a:b",
    )
