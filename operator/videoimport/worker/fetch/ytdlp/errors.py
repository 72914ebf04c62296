"""Conversion of yt-dlp's errors to ImportFailure. The messages contain yt-dlp's text without the secrets in URLs."""

import errno
import re
from collections.abc import Iterable, Iterator

from yt_dlp.networking.exceptions import CertificateVerifyError, HTTPError, IncompleteRead, RequestError, TransportError
from yt_dlp.utils import ContentTooShortError, ExtractorError, GeoRestrictedError, UnsupportedError, UserNotLive

from videoimport.api.reasons import Reason
from videoimport.api.redaction import shown_text
from videoimport.worker.fetch.http.response import advice_of, reason_of
from videoimport.worker.runtime.errors import ImportFailure

_TYPES: tuple[tuple[type[BaseException], Reason], ...] = (
    (GeoRestrictedError, Reason.GEO_BLOCKED),
    (UnsupportedError, Reason.UNSUPPORTED_SOURCE),
    (UserNotLive, Reason.SOURCE_NOT_YET_AVAILABLE),
    (CertificateVerifyError, Reason.CERTIFICATE_INVALID),
    (IncompleteRead, Reason.SOURCE_TRUNCATED),
    (ContentTooShortError, Reason.SOURCE_TRUNCATED),
    # This is the last type, because types above are subclasses of it. Texts are checked after the types: only a
    # site's own error messages have such texts.
    (TransportError, Reason.SOURCE_UNAVAILABLE),
)
_OF_WHAT = re.compile(r"^(?:ERROR: )?\[[^\]\s]+\] (?:\S+: )?")
_GIVEN_UP = re.compile(
    r"^(?:ERROR: )?\s*(?:\[download\] )?(?:Got error: )?HTTP Error (\d{3}): [^.]*\. Giving up after \d"
)
_ADDRESS = re.compile(r"https?://\S+", re.IGNORECASE)

_WORDS = (
    (r"not a bot|try again later|too many requests|rate.?limit", Reason.RATE_LIMITED),
    (r"drm protected|\bdrm\b", Reason.DRM_PROTECTED),
    (r"premieres? in|will begin|not (yet|currently) (live|available)|has not started|upcoming",
     Reason.SOURCE_NOT_YET_AVAILABLE),
    (r"your (country|location|region)|geo.?restrict|geo.?block", Reason.GEO_BLOCKED),
    (r"log.?in|sign in|cookies|registered users|members.only|private video|password|subscri|purchase",
     Reason.SOURCE_AUTH_REQUIRED),
    (r"fragment \d+ not found|unable to continue", Reason.SOURCE_TRUNCATED),
    (r"unavailable|removed|does not exist|deleted|terminated|not found", Reason.SOURCE_NOT_FOUND),
    (r"no video formats|format is not available|no media|unsupported|is not a valid url", Reason.UNSUPPORTED_SOURCE),
)  # fmt: skip


def failure(error: BaseException, *, in_segments: bool = False) -> ImportFailure:
    """Return the failure for an exception of yt-dlp.

    ``in_segments`` states that segments were being fetched. In this case a missing segment means that the source is
    truncated. Otherwise a 404 means that the source does not exist.
    """
    reason = _reason(error)
    if in_segments and reason is Reason.SOURCE_NOT_FOUND:
        reason = Reason.SOURCE_TRUNCATED
    advice = advice_of(status_of(error) or 0) if reason is Reason.SOURCE_AUTH_REQUIRED else ""
    message = re.sub(r"^ERROR: |; please report this issue.*|\(caused by .*", "", str(error), flags=re.S)
    return ImportFailure(reason, f"yt-dlp says: {shown_text(message).strip()[:400]}", advice=advice)


def _reason(error: BaseException) -> Reason:
    causes = list(_causes(error))
    if any(isinstance(cause, OSError) and cause.errno in (errno.ENOSPC, errno.EDQUOT) for cause in causes):
        return Reason.SCRATCH_FULL
    if (status := status_of(error)) is not None:
        return reason_of(status)
    for kind, reason in _TYPES:
        if any(isinstance(cause, kind) for cause in causes):
            return reason
    told = _complaint(error, causes).lower()
    by_words = (reason for pattern, reason in _WORDS if re.search(pattern, told))
    unasked = any(isinstance(cause, RequestError) for cause in causes)
    return next(by_words, Reason.SOURCE_UNAVAILABLE if unasked else Reason.UNSUPPORTED_SOURCE)


def _complaint(error: BaseException, causes: Iterable[BaseException]) -> str:
    """Return yt-dlp's message without parts that other people chose: the video's id and URLs."""
    told = str(error)
    for cause in causes:
        if isinstance(cause, ExtractorError) and cause.video_id:
            told = told.replace(f"{cause.video_id}: ", "")
    return _ADDRESS.sub("", _OF_WHAT.sub("", told))


def status_of(error: BaseException) -> int | None:
    """Return the HTTP status that caused an error, or None.

    For a segment, the status is read from yt-dlp's message. After the last try, yt-dlp keeps only the message.
    """
    known: int | None = next((cause.status for cause in _causes(error) if isinstance(cause, HTTPError)), None)
    if known is not None:
        return known
    told = _GIVEN_UP.search(str(error))
    return int(told[1]) if told else None


def _causes(error: BaseException, depth: int = 8) -> Iterator[BaseException]:
    """Yield an error and its causes.

    DownloadError keeps the cause in ``exc_info``, and ExtractorError in ``cause`` too.
    """
    yield error
    behind = [(getattr(error, "exc_info", None) or (None, None))[1], getattr(error, "cause", None), error.__cause__]
    for cause in behind:
        if isinstance(cause, BaseException) and cause is not error and depth:
            yield from _causes(cause, depth - 1)
