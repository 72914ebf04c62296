"""Conversion of yt-dlp's results to the worker's types. All values are untrusted, so each value has a maximum size."""

from typing import Any

from videoimport.api.reasons import Reason
from videoimport.worker.fetch.process_messages import Found, identity, sayable
from videoimport.worker.runtime.errors import ImportFailure

_LIVE = {
    "is_live": "is live now",
    "is_upcoming": "has not started",
    "post_live": "has just ended and has no recording yet",
}
_MOST_SECONDS = 1_000_000_000
_WITHOUT_IDENTITY = ("Generic", "HTML5MediaEmbed")
"""Extractors whose ids are made from the URL. Such an id proves nothing about the bytes."""


def only_video(info: dict[str, Any] | None) -> dict[str, Any]:
    """Return the only video of a web page. Raises ImportFailure if the page has no video, or several."""
    if info is None:
        raise ImportFailure(Reason.UNSUPPORTED_SOURCE, "yt-dlp finds nothing at this address.")
    if info.get("_type", "video") == "video":
        return _with_own_name(info)
    entries = [entry for entry in info.get("entries") or [] if entry]
    if len(entries) == 1 and entries[0].get("_type", "video") == "video":
        return _with_own_name(dict(entries[0]))
    what = "is a list of videos" if entries else "has no video"
    raise ImportFailure(Reason.UNSUPPORTED_SOURCE, f"The page {what}.", advice="Give the address of one video.")


def refuse_live(info: dict[str, Any]) -> None:
    """Raise ImportFailure for a live stream, or a stream that has not started."""
    status = info.get("live_status") or ("is_live" if info.get("is_live") else "")
    if status in _LIVE:
        advice = "Wait until its recording is published."
        raise ImportFailure(Reason.SOURCE_NOT_YET_AVAILABLE, f"The source {_LIVE[status]}.", advice=advice)


def found(info: dict[str, Any]) -> Found:
    """Return the facts that are reported before the bytes arrive."""
    extractor = str(info.get("extractor_key") or "Generic")[:64]
    has_identity = bool(info.get("id")) and extractor not in _WITHOUT_IDENTITY
    return Found(
        type=extractor,
        identity=identity("page", extractor, sayable(str(info["id"]))) if has_identity else None,
        source_id=bounded(info.get("id"), 256),
        title=bounded(info.get("title"), 512),
        duration_seconds=_seconds(info.get("duration")),
    )


def bounded(text: Any, limit: int) -> str | None:
    """Return at most the first ``limit`` characters of a text. Return None if the text is empty."""
    return sayable(str(text))[:limit] if text else None


def _with_own_name(info: dict[str, Any]) -> dict[str, Any]:
    """Return ``info`` without the number that yt-dlp adds to the title and id of a video tag.

    yt-dlp adds the number even to the only video of a web page.
    """
    if info.get("extractor_key") != "HTML5MediaEmbed":
        return info
    own = {"title": str(info.get("title", "")).removesuffix(" (1)"), "id": str(info.get("id", "")).removesuffix("-1")}
    return {**info, **own}


def _seconds(told: Any) -> float | None:
    """Return a duration in seconds, or None if the value is not a valid duration."""
    return float(told) if isinstance(told, int | float) and 0 < told < _MOST_SECONDS else None
