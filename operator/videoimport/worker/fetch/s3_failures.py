"""Conversion of botocore's errors for the source's object store to ImportFailure."""

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
from videoimport.worker.storage.s3.errors import ErrorKind, error_code, kind_of, source_reason, status

ERRORS = (BotoCoreError, ClientError, HTTPError, OSError, EOFError, ValueError)
"""Exceptions that a client raises. ValueError is raised for an invalid header."""
BY_ADDRESS = "Give the address of the object as source.url."
_ADVICE = {
    Reason.SOURCE_NOT_FOUND: "Correct source.s3.key or bucket.",
    Reason.SOURCE_AUTH_REQUIRED: (
        "Correct the keys in the Secret of source.credentialsSecretRef, or their permissions (s3:GetObject)."
    ),
}
_ADVICE_OF_KINDS = {
    ErrorKind.CLOCK: "The clocks of the node and of the object store differ: correct the one that is wrong.",
    ErrorKind.BUCKET_NAME: "Correct source.s3.bucket.",
}
_NO_VERSION = ("NoSuchVersion", "InvalidArgument")
"""Error codes for a version that does not exist. S3 answers InvalidArgument if the id is not a valid version ID."""


def failure(error: Exception, wish: S3Source) -> ImportFailure:
    """Return the failure for an exception of boto3."""
    if isinstance(error, ClientError):
        return said(error_code(error), status(error), wish, error.response)
    if isinstance(error, ParamValidationError):
        return ImportFailure(
            Reason.INVALID_SPEC,
            "S3 does not accept the bucket or key of spec.source.s3.",
            advice="Correct the bucket and the key.",
        )
    if isinstance(error, SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(error):
        return ImportFailure(Reason.CERTIFICATE_INVALID, "The certificate of the object store is not valid.")
    if isinstance(error, UnusableAnswerError | ValueError):
        message = "The response of the source's object store is not a valid S3 response."
        return ImportFailure(Reason.SOURCE_UNAVAILABLE, message, advice="Check source.s3.endpoint.")
    message = f"The object store of the source did not answer ({type(error).__name__})."
    return ImportFailure(Reason.SOURCE_UNAVAILABLE, message)


def said(code: str, status: int, wish: S3Source, answer: Mapping[str, Any] = MappingProxyType({})) -> ImportFailure:
    """Return the failure for a store's error code, HTTP status and response."""
    kind = kind_of(code, status)
    if kind is ErrorKind.NO_BUCKET:
        advice = "Correct source.s3.bucket or endpoint."
        return ImportFailure(Reason.SOURCE_NOT_FOUND, f"There is no bucket {wish.bucket!r}.", advice=advice)
    if wish.version_id and code in _NO_VERSION:
        message = f"There is no version {wish.version_id!r} of {wish.key!r}."
        return ImportFailure(Reason.SOURCE_NOT_FOUND, message, advice="Correct source.s3.versionID.")
    if kind is ErrorKind.ARCHIVED:
        storage = _word(answer.get("Error", {}).get("StorageClass"))
        message = f"The object {wish.key!r} is in an archive{f' ({storage})' if storage else ''} and cannot be read."
        advice = "Restore the object from the archive, wait until that is done, then change retryToken."
        return ImportFailure(Reason.UNSUPPORTED_SOURCE, message, advice=advice)
    if kind is ErrorKind.REGION:
        return _refuse_redirect(code, status, _region(answer))
    reason = source_reason(code, status)
    what = {
        Reason.SOURCE_NOT_FOUND: f"There is no {wish.key!r} in the bucket {wish.bucket!r}.",
        Reason.SOURCE_AUTH_REQUIRED: f"The object store does not permit reading {wish.key!r} ({code}).",
        Reason.SOURCE_CHANGED: f"The object {wish.key!r} changed while it was read.",
        Reason.RATE_LIMITED: f"The object store asks for fewer requests ({code or status}).",
    }.get(reason, f"The object store of the source answers {code or status}.")
    return ImportFailure(reason, what, advice=_ADVICE_OF_KINDS.get(kind) or _ADVICE.get(reason, ""))


def _refuse_redirect(code: str, status: int, region: str) -> ImportFailure:
    """Return the failure for a redirect: of S3 to another region, or of a gateway to another address."""
    if not region and code in ("", str(status)):
        message = f"source.s3.endpoint redirects without an S3 error code (HTTP {status})."
        advice = (
            "Set source.s3.endpoint to the address that it redirects to, such as https instead of http; on AWS, also "
            "check source.s3.region."
        )
        return ImportFailure(Reason.INVALID_SPEC, message, advice=advice)
    message = f"source.s3.region is not the region of the bucket{f', {region}' if region else ''}: {code or status}."
    advice = f"Set source.s3.region to {region or 'the region of the bucket'}."
    return ImportFailure(Reason.INVALID_SPEC, message, advice=advice)


def _region(answer: Mapping[str, Any]) -> str:
    """Return the bucket's region if the store reports it, else an empty string."""
    headers = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    return _word(answer.get("Error", {}).get("Region") or headers.get("x-amz-bucket-region"))


def _word(told: object) -> str:
    """Return the store's value if it is one short identifier, else an empty string."""
    return str(told) if re.fullmatch(r"[A-Za-z0-9_-]{1,32}", str(told or "")) else ""


def no_versions(wish: S3Source) -> ImportFailure:
    """Return the failure for a store that returns another version than the requested one."""
    message = (
        f"The object store answers with another version of {wish.key!r} than source.s3.versionID, or has no versions."
    )
    advice = "Remove source.s3.versionID, or turn on versioning of the bucket."
    return ImportFailure(Reason.UNSUPPORTED_SOURCE, message, advice=advice)
