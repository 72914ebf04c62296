"""Error codes of a source's object store as reasons."""

import pytest

from support.every_case import every_case
from videoimport.api.reasons import Reason
from videoimport.api.videoimport_source import S3Source
from videoimport.worker.fetch import s3_failures as store_failures

WISH = S3Source(bucket="films", key="a/b.mp4", endpoint="https://s3.example.com:9000")


@every_case(
    ("code", "status", "reason"),
    [
        ("NoSuchKey", 404, Reason.SOURCE_NOT_FOUND),
        ("404", 404, Reason.SOURCE_NOT_FOUND),
        ("NoSuchBucket", 404, Reason.SOURCE_NOT_FOUND),
        ("NoSuchVersion", 404, Reason.SOURCE_NOT_FOUND),
        ("MethodNotAllowed", 405, Reason.SOURCE_NOT_FOUND),
        ("403", 403, Reason.SOURCE_AUTH_REQUIRED),
        ("InvalidAccessKeyId", 403, Reason.SOURCE_AUTH_REQUIRED),
        ("InvalidObjectState", 403, Reason.UNSUPPORTED_SOURCE),
        ("PreconditionFailed", 412, Reason.SOURCE_CHANGED),
        ("InvalidRange", 416, Reason.SOURCE_CHANGED),
        ("PermanentRedirect", 301, Reason.INVALID_SPEC),
        ("SlowDown", 503, Reason.RATE_LIMITED),
        ("ThrottlingException", 400, Reason.RATE_LIMITED),
        ("RequestLimitExceeded", 503, Reason.RATE_LIMITED),
        ("ServiceUnavailable", 503, Reason.SOURCE_UNAVAILABLE),
        ("TooManyRequests", 429, Reason.RATE_LIMITED),
        ("InternalError", 500, Reason.SOURCE_UNAVAILABLE),
        ("ExpiredToken", 400, Reason.SOURCE_AUTH_REQUIRED),
        ("InvalidToken", 400, Reason.SOURCE_AUTH_REQUIRED),
        ("XAdminUserNotFound", 404, Reason.SOURCE_AUTH_REQUIRED),
        ("UnsupportedAlgorithm", 400, Reason.SOURCE_AUTH_REQUIRED),
        ("RequestTimeTooSkewed", 403, Reason.SOURCE_UNAVAILABLE),
        ("BandwidthLimitExceeded", 503, Reason.RATE_LIMITED),
        ("SlowDownRead", 503, Reason.RATE_LIMITED),
        ("InvalidBucketName", 400, Reason.INVALID_SPEC),
        ("NotImplemented", 501, Reason.SOURCE_UNAVAILABLE),
        ("307", 307, Reason.INVALID_SPEC),
    ],
)
def test_every_word_of_a_store_has_a_reason(code: str, status: int, reason: Reason) -> None:
    assert store_failures.said(code, status, WISH).reason is reason


@pytest.mark.parametrize(
    ("code", "status", "words"),
    [
        ("RequestTimeTooSkewed", 403, "clocks"),
        ("InvalidBucketName", 400, "source.s3.bucket"),
        ("ExpiredToken", 400, "keys"),
        ("MethodNotAllowed", 405, "source.s3.key"),
        ("PermanentRedirect", 301, "source.s3.region to the region"),
        ("301", 301, "source.s3.endpoint"),
        ("302", 302, "source.s3.endpoint"),
    ],
)
def test_a_stores_word_leads_to_advice(code: str, status: int, words: str) -> None:
    assert words in store_failures.said(code, status, WISH).advice
