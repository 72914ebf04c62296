"""What every HTTP client shares: how long a server asks to wait."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as some
from urllib3 import HTTPHeaderDict, HTTPResponse

from support.every_case import every_case
from videoimport.api.reasons import Reason
from videoimport.api.tasks import import_report, webhook_task
from videoimport.api.tasks.import_report import MAX_RETRY_AFTER
from videoimport.worker.fetch.http.response import HttpResponse, Interrupted
from videoimport.worker.fetch.http.retry import RetryPolicy
from videoimport.worker.sandbox.http_errors import parse_retry_after
from videoimport.worker.webhook import http_post


def by_source(header: str) -> float | None:
    headers = HTTPHeaderDict({"Retry-After": header})
    return HttpResponse(
        HTTPResponse(status=429, headers=headers, preload_content=False), "https://h.example/"
    ).retry_after


def by_receiver(header: str) -> float | None:
    return http_post._answer(503, header, "h.example").retry_after_seconds


READERS = [parse_retry_after, by_source, by_receiver]


@every_case("read", READERS)
@every_case(
    ("header", "seconds"),
    [
        ("120", 120),
        (" 120 ", 120),
        ("0", 0),
        ("9" * 5000, MAX_RETRY_AFTER),
        ("Fri, 31 Dec 9999 23:59:59 GMT", MAX_RETRY_AFTER),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0),
        ("-1", None),
        ("1.5", None),
        ("1e9", None),
        ("120, 120", None),
        ("soon", None),
        ("", None),
        ("\u00b2", None),
        ("Fri, 31 Dec 99999999999999999999 23:59:59 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date_within_a_day(
    read: Callable[[str], float | None], header: str, seconds: int | None
) -> None:
    assert read(header) == seconds


@pytest.mark.parametrize("read", READERS)
def test_a_date_is_waited_for(read: Callable[[str], float | None]) -> None:
    asked = read(format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True))
    assert asked is not None
    assert 80 <= asked <= 90


def test_no_header_asks_for_nothing() -> None:
    assert parse_retry_after(None) is None


@given(some.text(alphabet=" ,:-+0123456789FriDecGMT\x00\xff", max_size=80))
def test_no_header_makes_a_wait_endless_or_negative(header: str) -> None:
    seconds = parse_retry_after(header)
    assert seconds is None or 0 <= seconds <= MAX_RETRY_AFTER


def test_each_report_takes_the_longest_wait() -> None:
    assert webhook_task.MAX_RETRY_AFTER == import_report.MAX_RETRY_AFTER


def test_a_server_that_asks_for_no_wait_is_not_asked_again_at_once() -> None:
    waits: list[float] = []
    tries = iter(range(3))
    for attempt in RetryPolicy(waits.append).attempts():
        with attempt:
            if next(tries) < 2:
                raise Interrupted("503", reason=Reason.SOURCE_UNAVAILABLE, retry_after=0)
    assert min(waits) >= 0.5
