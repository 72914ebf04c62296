"""What a refusal of a source's object store means: botocore's errors become ours."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError, SSLError
from urllib3.exceptions import HTTPError

from videoimport.api.reasons import Reason
from videoimport.api.videoimport_source import S3Source
from videoimport.worker.runtime.errors import ImportFailure
from videoimport.worker.storage.s3.answer_limits import UnusableAnswerError
from videoimport.worker.storage.s3.errors import error_code, status

ERRORS = (BotoCoreError, ClientError, HTTPError, OSError, EOFError, ValueError)
"""What a client raises; ValueError for a header that is none."""
BY_ADDRESS = "Give the address of the object as source.url."
_ADVICE = {
    Reason.SOURCE_NOT_FOUND: "Correct source.s3.key or bucket.",
    Reason.SOURCE_AUTH_REQUIRED: (
        "Correct the keys in the Secret of source.credentialsSecretRef, or their permissions (s3:GetObject)."
    ),
}
_OTHER_REGION = (
    "PermanentRedirect",
    "TemporaryRedirect",
    "AuthorizationHeaderMalformed",
    "IllegalLocationConstraintException",
)
_ABSENT = ("NoSuchKey", "NoSuchBucket", "NoSuchVersion", "404", "NotFound")
_NO_VERSION = ("NoSuchVersion", "InvalidArgument")
"""For an id that no version can have, S3 answers the latter."""
_TOO_MANY = ("SlowDown", "RequestLimitExceeded", "TooManyRequests", "TooManyRequestsException")
"""With any word that begins with Throttling: S3 says so with 503, and others with 400 or 429."""
_BY_STATUS = {
    404: Reason.SOURCE_NOT_FOUND,
    405: Reason.SOURCE_NOT_FOUND,  # the newest version is a deletion
    401: Reason.SOURCE_AUTH_REQUIRED,
    403: Reason.SOURCE_AUTH_REQUIRED,
    412: Reason.SOURCE_CHANGED,
    416: Reason.SOURCE_CHANGED,
    429: Reason.RATE_LIMITED,
}


def failure(error: Exception, wish: S3Source) -> ImportFailure:
    """Our failure for what boto3 raised."""
    if isinstance(error, ClientError):
        return said(error_code(error), status(error), wish, error.response)
    if isinstance(error, ParamValidationError):
        return ImportFailure(
            Reason.INVALID_SPEC, "spec.source.s3 is not what S3 accepts.", advice="Correct bucket and key."
        )
    if isinstance(error, SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(error):
        return ImportFailure(Reason.CERTIFICATE_INVALID, "The certificate of the object store is not valid.")
    if isinstance(error, UnusableAnswerError | ValueError):
        message = "The answer of the source's object store is not one of S3."
        return ImportFailure(Reason.SOURCE_UNAVAILABLE, message, advice="Check source.s3.endpoint.")
    message = f"The object store of the source did not answer ({type(error).__name__})."
    return ImportFailure(Reason.SOURCE_UNAVAILABLE, message)


def said(code: str, status: int, wish: S3Source, answer: Mapping[str, Any] = MappingProxyType({})) -> ImportFailure:
    """Our failure for a store's error code, HTTP status and answer."""
    if code == "NoSuchBucket":
        advice = "Correct source.s3.bucket or endpoint."
        return ImportFailure(Reason.SOURCE_NOT_FOUND, f"There is no bucket {wish.bucket!r}.", advice=advice)
    if wish.version_id and code in _NO_VERSION:
        message = f"There is no version {wish.version_id!r} of {wish.key!r}."
        return ImportFailure(Reason.SOURCE_NOT_FOUND, message, advice="Correct source.s3.versionID.")
    if code == "InvalidObjectState":
        storage = _word(answer.get("Error", {}).get("StorageClass"))
        message = f"The object {wish.key!r} is in an archive{f' ({storage})' if storage else ''} and cannot be read."
        advice = "Restore the object from the archive, wait until that is done, then change retryToken."
        return ImportFailure(Reason.UNSUPPORTED_SOURCE, message, advice=advice)
    if status in (301, 307) or code in _OTHER_REGION:
        region = _region(answer)
        message = f"source.s3.region is not the bucket's{f', which is {region}' if region else ''}: {code or status}."
        return ImportFailure(
            Reason.INVALID_SPEC, message, advice=f"Set source.s3.region to {region or 'the region of the bucket'}."
        )
    reason = _reason(code, status)
    what = {
        Reason.SOURCE_NOT_FOUND: f"There is no {wish.key!r} in the bucket {wish.bucket!r}.",
        Reason.SOURCE_AUTH_REQUIRED: f"The object store does not let us read {wish.key!r} ({code}).",
        Reason.SOURCE_CHANGED: f"The object {wish.key!r} changed while it was read.",
        Reason.RATE_LIMITED: f"The object store asks for fewer requests ({code or status}).",
    }.get(reason, f"The object store of the source answers {code or status}.")
    return ImportFailure(reason, what, advice=_ADVICE.get(reason, ""))


def _region(answer: Mapping[str, Any]) -> str:
    """The bucket's region, where the store tells it."""
    headers = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    return _word(answer.get("Error", {}).get("Region") or headers.get("x-amz-bucket-region"))


def _word(told: object) -> str:
    """What a store tells, if it is one word."""
    return str(told) if re.fullmatch(r"[A-Za-z0-9_-]{1,32}", str(told or "")) else ""


def no_versions(wish: S3Source) -> ImportFailure:
    """The failure for a store that answers with another version than it was asked for."""
    message = f"The object store answers with another version of {wish.key!r} than source.s3.versionID, or keeps none."
    advice = "Remove source.s3.versionID, or turn on versioning of the bucket."
    return ImportFailure(Reason.UNSUPPORTED_SOURCE, message, advice=advice)


def _reason(code: str, status: int) -> Reason:
    if code in _ABSENT:
        return Reason.SOURCE_NOT_FOUND
    if code == "UnsupportedAlgorithm":  # gofakes3, of a request without a signature
        return Reason.SOURCE_AUTH_REQUIRED
    if code in _TOO_MANY or code.startswith("Throttling"):
        return Reason.RATE_LIMITED
    return _BY_STATUS.get(status, Reason.SOURCE_UNAVAILABLE)
