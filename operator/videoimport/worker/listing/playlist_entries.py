"""Conversion of the entries of yt-dlp's flat lists to the worker's types. Pure functions.

All values are untrusted, and most sites omit many of them.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urljoin

from yt_dlp.utils import unsmuggle_url

from videoimport.api.reasons import Reason
from videoimport.worker.fetch.process_messages import sayable
from videoimport.worker.fetch.ytdlp.info import found
from videoimport.worker.listing.addresses import is_address
from videoimport.worker.listing.process_messages import ListEntry

Raw = Mapping[str, Any]
_LIVE = {"is_live": "is live now", "is_upcoming": "has not started"}
_CLOSED = {
    "private": "is private", "premium_only": "is for paying members", "subscriber_only": "is for members",
    "needs_auth": "wants a login",
}  # fmt: skip
_GONE = {"[Private video]": "private", "[Deleted video]": "deleted"}
"""Titles that YouTube gives to hidden videos."""
_MOST_TITLE = 256
"""Maximum number of characters of a title. The name that is made from the title is far shorter."""
_MOST_PIXELS, _MOST_SECONDS, _MOST_DATE = 1_000_000, 1_000_000_000, 10**12


def entry(raw: Raw | None, cursor: str, page: str, *, has_secret: bool) -> ListEntry:
    """Return the entry with the list's data about one video. ``page`` is the URL of the list."""
    if raw is None:
        return ListEntry(
            cursor=cursor, reason=Reason.SOURCE_NOT_FOUND, message="The video of this entry no longer exists."
        )
    url = address(raw, page)
    if url is None:
        what = f"The list gives no address for {sayable(str(raw.get('title') or raw.get('id') or 'this'))[:200]!r}."
        return ListEntry(cursor=cursor, reason=Reason.UNSUPPORTED_SOURCE, message=what)
    objection = _objection(raw, has_secret)
    return ListEntry(
        cursor=cursor,
        url=url,
        title=_title(raw),
        identity=_identity(raw),
        duration_ms=_milliseconds(raw.get("duration")),
        width=_pixels(raw.get("width")),
        height=_pixels(raw.get("height")),
        size_bytes=_whole(raw.get("filesize")),
        reason=objection[0] if objection else None,
        message=objection[1] if objection else "",
    )


def address(raw: Raw, page: str) -> str | None:
    """Return the URL of a video in a list. Return None if a URL alone is not enough to fetch the video."""
    given = [raw.get("url"), raw.get("webpage_url"), raw.get("original_url")]
    if raw.get("_type", "video") == "video":  # its url is a media file, which may expire: the web page comes first
        given = [own for own in given[1:] if own != page] + [_media(raw)]
    for candidate in given:
        if isinstance(candidate, str) and (found := _absolute(candidate, page, is_id=bool(raw.get("ie_key")))):
            return found
    return None


def moment(raw: Raw | None) -> float | None:
    """Return the time of publication in seconds since 1970, or None if the list has no date."""
    for name in ("timestamp", "release_timestamp"):
        if raw and isinstance(told := raw.get(name), int | float) and -_MOST_DATE < told < _MOST_DATE:
            return float(told)
    day = raw.get("upload_date") if raw else None
    try:
        return datetime.strptime(str(day), "%Y%m%d").replace(tzinfo=UTC).timestamp() if day else None
    except ValueError:
        return None


def _absolute(text: str, page: str, *, is_id: bool) -> str | None:
    plain, smuggled = unsmuggle_url(sayable(text), {})
    if set(smuggled) - {"force_videoid"}:
        plain = sayable(text)  # the data of the embedding page may be needed for the fetch
    if "://" not in plain and (not is_id or plain.startswith("/")):
        try:
            plain = urljoin(page, plain)
        except ValueError:
            return None
    return plain if is_address(plain) else None


def _media(raw: Raw) -> str | None:
    """Return the URL of the best file or playlist of a video that has no web page of its own."""
    formats = [one for one in raw.get("formats") or [] if isinstance(one, dict) and one.get("vcodec") != "none"]
    if not formats:
        return raw.get("url")
    whole = [one for one in formats if one.get("acodec") != "none"] or formats
    best = max(enumerate(whole), key=lambda one: (_pixels(one[1].get("height")) or 0, one[0]))[1]
    return best.get("manifest_url") or best.get("url")


def _objection(raw: Raw, has_secret: bool) -> tuple[Reason, str] | None:
    status = raw.get("live_status") or ("is_live" if raw.get("is_live") else "")
    if status in _LIVE:
        return Reason.SOURCE_NOT_YET_AVAILABLE, f"It {_LIVE[status]}. List again once its recording is published."
    gone = _GONE.get(str(raw.get("title")))
    if gone == "deleted":
        return Reason.SOURCE_NOT_FOUND, "It was deleted."
    closed = "is private" if gone else _CLOSED.get(str(raw.get("availability")))
    if closed and not has_secret:
        message = f"It {closed}. Put cookies.txt into the Secret of source.credentialsSecretRef."
        return Reason.SOURCE_AUTH_REQUIRED, message
    return None


def _title(raw: Raw) -> str | None:
    title = raw.get("title")
    return sayable(title[:_MOST_TITLE]) if isinstance(title, str) and title else None


def _identity(raw: Raw) -> str | None:
    """Return the identity that the video's import would report, or None if the entry has no extractor or id."""
    key, name = raw.get("ie_key") or raw.get("extractor_key"), raw.get("id")
    if not key or not name:
        return None
    return found({"extractor_key": key, "id": name}).identity


def _milliseconds(told: Any) -> int | None:
    is_one = isinstance(told, int | float) and 0 < told < _MOST_SECONDS
    return round(told * 1000) if is_one else None


def _pixels(told: Any) -> int | None:
    return told if isinstance(told, int) and 0 < told < _MOST_PIXELS else None


def _whole(told: Any) -> int | None:
    return told if isinstance(told, int) and 0 < told < 2**53 else None
