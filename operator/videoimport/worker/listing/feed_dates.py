"""Dates of feeds, without a try of each format that any site has ever used. yt-dlp's own way takes a millisecond a
date, and a feed may have 100,000."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from yt_dlp.extractor import generic
from yt_dlp.utils import unified_timestamp

_MOST_LETTERS = 64
"""Of a date that is read here."""


def timestamp(text: str | None) -> int | None:
    """Return the seconds since 1970 of RSS's dates (RFC 822) and Atom's (RFC 3339), and of whatever else yt-dlp knows.
    A date without a zone is UTC's."""
    if text is None:
        return None
    for parse in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            found = parse(text.strip() if len(text) <= _MOST_LETTERS else "")
            return int((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp())
        except (ValueError, TypeError, OverflowError, IndexError):
            continue
    told: int | None = unified_timestamp(text)
    return told


def use_for_feeds() -> None:
    """Make yt-dlp's reader of RSS use it."""
    generic.unified_timestamp = timestamp
