"""Errors of yt-dlp as reasons."""

import errno
from unittest.mock import Mock

import pytest
from yt_dlp.networking.common import Response
from yt_dlp.networking.exceptions import (
    CertificateVerifyError,
    HTTPError,
    IncompleteRead,
    NoSupportingHandlers,
    RequestError,
    TransportError,
    UnsupportedRequest,
)  # fmt: skip
from yt_dlp.utils import DownloadError, ExtractorError, GeoRestrictedError, UnsupportedError

from support.every_case import every_case
from videoimport.api.reasons import Reason
from videoimport.worker.fetch.process_messages import Failed
from videoimport.worker.fetch.ytdlp import errors as classify
from videoimport.worker.fetch.ytdlp import info as finding


def http_error(status: int) -> HTTPError:
    return HTTPError(Response(Mock(), "https://e.com/", {}, status))


SCHEMELESS = UnsupportedRequest("Unsupported url scheme", handler=Mock(RH_NAME="urllib"))


def wrapped(cause: Exception) -> DownloadError:
    """As yt-dlp hands it on: the cause in an ExtractorError in a DownloadError."""
    error = ExtractorError("Unable to download webpage", cause=cause)
    return DownloadError(f"ERROR: {error}", (ExtractorError, error, None))


@every_case(
    ("error", "reason"),
    [
        (wrapped(http_error(404)), Reason.SOURCE_NOT_FOUND),
        (wrapped(http_error(403)), Reason.SOURCE_AUTH_REQUIRED),
        (wrapped(http_error(429)), Reason.RATE_LIMITED),
        (wrapped(http_error(502)), Reason.SOURCE_UNAVAILABLE),
        (wrapped(TransportError("reset")), Reason.SOURCE_UNAVAILABLE),
        (wrapped(RequestError("no idea")), Reason.SOURCE_UNAVAILABLE),
        (wrapped(NoSupportingHandlers([SCHEMELESS], [])), Reason.UNSUPPORTED_SOURCE),
        (wrapped(IncompleteRead(5, 10)), Reason.SOURCE_TRUNCATED),
        (wrapped(CertificateVerifyError("expired")), Reason.CERTIFICATE_INVALID),
        (wrapped(OSError(errno.ENOSPC, "No space left on device")), Reason.SCRATCH_FULL),
        (wrapped(GeoRestrictedError("not in your country")), Reason.GEO_BLOCKED),
        (wrapped(UnsupportedError("https://e.com/")), Reason.UNSUPPORTED_SOURCE),
        (DownloadError("ERROR: [youtube] abc: Sign in to confirm you’re not a bot."), Reason.RATE_LIMITED),
        (DownloadError("ERROR: Please try again later"), Reason.RATE_LIMITED),
        (DownloadError("ERROR: Sign in to confirm your age"), Reason.SOURCE_AUTH_REQUIRED),
        (DownloadError("ERROR: Private video. Sign in if you've been granted access"), Reason.SOURCE_AUTH_REQUIRED),
        (DownloadError("ERROR: Join this channel to get access to members-only content"), Reason.SOURCE_AUTH_REQUIRED),
        (DownloadError("ERROR: This video is DRM protected"), Reason.DRM_PROTECTED),
        (DownloadError("ERROR: Premieres in 3 hours"), Reason.SOURCE_NOT_YET_AVAILABLE),
        (DownloadError("ERROR: This live event will begin in 2 days"), Reason.SOURCE_NOT_YET_AVAILABLE),
        (DownloadError("ERROR: Video unavailable. This video has been removed"), Reason.SOURCE_NOT_FOUND),
        (DownloadError("ERROR: No video formats found!"), Reason.UNSUPPORTED_SOURCE),
        (DownloadError("ERROR: Requested format is not available"), Reason.UNSUPPORTED_SOURCE),
        (
            DownloadError("ERROR: \r[download] Got error: HTTP Error 403: Forbidden. Giving up after 3 retries"),
            Reason.SOURCE_AUTH_REQUIRED,
        ),
        (
            DownloadError("ERROR: HTTP Error 503: Service Unavailable. Giving up after 3 retries"),
            Reason.SOURCE_UNAVAILABLE,
        ),
        (DownloadError("ERROR: fragment 3 not found, unable to continue"), Reason.SOURCE_TRUNCATED),
    ],
)
def test_every_error_of_yt_dlp_has_its_reason(error: Exception, reason: Reason) -> None:
    assert classify.failure(error).reason is reason


def named(video_id: str, complaint: str, cause: Exception | None = None) -> DownloadError:
    """As yt-dlp hands on what went wrong with a video of this id."""
    error = ExtractorError(complaint, video_id=video_id, ie="generic", expected=True, cause=cause)
    return DownloadError(f"ERROR: {error}", (ExtractorError, error, None))


@pytest.mark.parametrize(
    "video_id", ["how-to-subscribe", "premieres in drm: password removed", "not a bot", "a:log-in"]
)
def test_a_videos_id_says_nothing_of_what_went_wrong(video_id: str) -> None:
    assert classify.failure(named(video_id, "Timed out", TransportError("timeout"))).reason is Reason.SOURCE_UNAVAILABLE
    assert classify.failure(named(video_id, "Oh dear")).reason is Reason.UNSUPPORTED_SOURCE
    assert classify.failure(named(video_id, "Video unavailable")).reason is Reason.SOURCE_NOT_FOUND


@pytest.mark.parametrize(
    "told", ["ERROR: [generic] how-to-subscribe: Oh dear", "ERROR: Oh dear, no https://e.com/sign-in/cookies"]
)
def test_neither_do_the_addresses_in_words(told: str) -> None:
    assert classify.failure(DownloadError(told)).reason is Reason.UNSUPPORTED_SOURCE


def test_a_timeout_whose_words_speak_of_a_login_is_a_timeout() -> None:
    error = wrapped(TransportError("sign in server timed out"))
    assert classify.failure(error).reason is Reason.SOURCE_UNAVAILABLE


def test_half_a_surrogate_pair_can_be_told() -> None:
    found = finding.found({"extractor_key": "Generic", "id": "x\ud83d", "title": "cat \ud83d"})
    assert (found.source_id, found.title) == ("x?", "cat ?")
    assert found.model_dump_json()
    told = Failed(reason=Reason.INTERNAL, message=classify.failure(DownloadError("ERROR: no \ud83d")).message)
    assert "no ?" in told.model_dump_json()


def test_a_missing_segment_is_a_short_source() -> None:
    assert classify.failure(wrapped(http_error(404)), in_segments=True).reason is Reason.SOURCE_TRUNCATED


def test_words_lose_their_secrets() -> None:
    told = classify.failure(DownloadError("ERROR: Unable to open https://u:p@e.com/v?sig=abc123&q=1")).message
    assert "abc123" not in told
    assert "u:p" not in told
    assert "e.com/v?q=1" in told
