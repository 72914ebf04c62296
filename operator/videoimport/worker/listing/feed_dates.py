"""Parser for dates in feeds.

yt-dlp tries each format that any site has ever used, which takes a millisecond for each date. A feed may have 100,000
dates.
"""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from yt_dlp.extractor import generic
from yt_dlp.utils import unified_timestamp

_MOST_LETTERS = 64
"""Maximum number of characters of a date that is parsed without yt-dlp."""


def timestamp(text: str | None) -> int | None:
    """Return the seconds since 1970 for a date in the format of RSS (RFC 822), Atom (RFC 3339) or yt-dlp.

    A date without a time zone is in UTC.
    """
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
    """Make yt-dlp's RSS parser use ``timestamp``."""
    generic.unified_timestamp = timestamp
