"""Dates of feeds mean what they mean to yt-dlp."""

import pytest
from yt_dlp.utils import unified_timestamp

from support.every_case import every_case
from videoimport.worker.listing import feed_dates as dates

DATES = [
    "Wed, 01 Jan 2020 00:01:00 +0000", "Wed, 01 Jan 2020 00:01:00 GMT", "Wed, 01 Jan 2020 00:01:00 -0500",
    "1 Jan 2020 00:01:00 +0200", "2020-01-01T00:01:00Z", "2020-01-01T00:01:00+02:00", "2020-01-01T00:01:00.123Z",
    "2020-01-01", "2020-01-01 00:01:00", "January 1, 2020", "2020/01/01",
]  # fmt: skip


@every_case("text", DATES)
def test_a_date_is_the_one_that_yt_dlp_reads(text: str) -> None:
    assert dates.timestamp(text) == unified_timestamp(text)


@pytest.mark.parametrize(
    "text", [None, "", "soon", "x" * 100_000, "99999-01-01T00:00:00Z", "Mon, 99 Foo 2020 00:00:00 GMT"]
)
def test_what_is_no_date_is_none(text: str | None) -> None:
    assert dates.timestamp(text) is None


@pytest.mark.parametrize("text", DATES[:8])
def test_dates_of_feeds_are_not_tried_in_all_formats(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dates, "unified_timestamp", lambda _: pytest.fail("a feed of 100,000 takes minutes"))
    assert dates.timestamp(text) is not None
