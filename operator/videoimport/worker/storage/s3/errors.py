"""The meaning of an object store's error codes, in one table for destinations and sources.

The codes are those of Amazon S3's list of error responses, and additions of MinIO, Ceph RGW and gateways. The server
gofakes3 answers ``UnsupportedAlgorithm`` to a request without a signature. A response without a body, such as every
response to HEAD, has its HTTP status as its code.
"""

from collections.abc import Mapping
from enum import Enum, auto
from http import HTTPStatus
from typing import Any

from botocore.exceptions import (
    ClientError,
    ConnectionError,  # noqa: A004 — botocore's own
    HTTPClientError,
    IncompleteReadError,
    ParamValidationError,
    ResponseStreamingError,
    SSLError,
)
from urllib3.exceptions import HTTPError

from videoimport.api.reasons import Reason
from videoimport.worker.runtime.errors import DestinationFault, ImportFailure, Remedy
from videoimport.worker.storage.s3.answer_limits import UnusableAnswerError

ABSENT = ("NoSuchKey", "404", "NotFound")
UNMET = ("PreconditionFailed", "412", "ConditionalRequestConflict", "409")
"""Codes for a condition that was not met. 409 means that another request wrote the same key at the same time."""
CONFLICT = ("ConditionalRequestConflict", "409")
GONE = ("NoSuchUpload", "404")
"""Codes for an upload that was completed or aborted."""
_UNKNOWN = ("NotImplemented", "InvalidRequest", "InvalidArgument", "MalformedXML", "MethodNotAllowed")
_BARE = ("400", "405", "501")
"""Codes for responses without a body."""


class ErrorKind(Enum):
    """The meaning of an error code for the store, the bucket or the object."""

    AWAY = auto()
    """The store cannot answer now."""
    BUSY = auto()
    """The store asks for fewer requests."""
    CLOCK = auto()
    """The clocks of the store and of the node differ."""
    CONFLICT = auto()
    """Another request changed the same key at the same time. The file must be sent again."""
    DAMAGED = auto()
    """The bytes that arrived are not the bytes that were sent."""
    LOST = auto()
    """The upload does not exist any more."""
    FULL = auto()
    """The bucket or the store has no more space."""
    TOO_LARGE = auto()
    UNSUPPORTED = auto()
    DENIED = auto()
    NO_BUCKET = auto()
    NO_OBJECT = auto()
    CHANGED = auto()
    """The object is not the requested version."""
    ARCHIVED = auto()
    REGION = auto()
    BUCKET_NAME = auto()
    OPTION = auto()
    """The store does not accept a value of the spec."""
    OTHER = auto()


_CODES: dict[ErrorKind, tuple[str, ...]] = {
    ErrorKind.AWAY: ("InternalError", "ServiceUnavailable", "RequestTimeout", "OperationAborted", "BadGateway",
                "GatewayTimeout", "XMinioServerNotInitialized", "ServerBusy", "OperationTimedOut"),
    ErrorKind.BUSY: ("SlowDown", "SlowDownRead", "SlowDownWrite", "RequestLimitExceeded", "TooManyRequests",
                "TooManyRequestsException", "BandwidthLimitExceeded"),
    ErrorKind.CLOCK: ("RequestTimeTooSkewed", "RequestExpired"),
    ErrorKind.CONFLICT: ("ConditionalRequestConflict",),
    ErrorKind.DAMAGED: ("BadDigest", "XAmzContentSHA256Mismatch", "XAmzContentChecksumMismatch", "IncompleteBody",
                   "InvalidPart", "InvalidPartOrder", "EntityTooSmall"),
    ErrorKind.LOST: ("NoSuchUpload",),
    ErrorKind.FULL: ("QuotaExceeded", "InsufficientStorage", "StorageFull", "XMinioStorageFull",
                "XMinioAdminBucketQuotaExceeded", "StorageQuotaExceeded", "StorageCapExceeded", "DiskFull"),
    ErrorKind.TOO_LARGE: ("EntityTooLarge", "RequestEntityTooLarge", "MetadataTooLarge", "KeyTooLongError"),
    ErrorKind.UNSUPPORTED: ("NotImplemented", "MethodNotAllowed"),
    ErrorKind.DENIED: ("AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "InvalidToken", "ExpiredToken",
                  "InvalidSecurity", "TokenRefreshRequired", "AllAccessDisabled", "AccountProblem", "NotSignedUp",
                  "XMinioInvalidAccessKeyId", "XAdminUserNotFound", "UnsupportedAlgorithm"),
    ErrorKind.NO_BUCKET: ("NoSuchBucket",),
    ErrorKind.NO_OBJECT: ("NoSuchKey", "NoSuchVersion", "NotFound"),
    ErrorKind.CHANGED: ("PreconditionFailed", "InvalidRange"),
    ErrorKind.ARCHIVED: ("InvalidObjectState",),
    ErrorKind.REGION: ("PermanentRedirect", "TemporaryRedirect", "AuthorizationHeaderMalformed",
                  "IllegalLocationConstraintException"),
    ErrorKind.BUCKET_NAME: ("InvalidBucketName",),
}  # fmt: skip
_OPTIONS = {
    "InvalidStorageClass": "storageClass", "InvalidTag": "tags", "InvalidEncryptionAlgorithmError":
    "serverSideEncryption", "KMS.NotFoundException": "serverSideEncryption", "ServerSideEncryptionConfigurationNotFound"
    "Error": "serverSideEncryption",
}  # fmt: skip
_STATUSES = {
    HTTPStatus.MOVED_PERMANENTLY: ErrorKind.REGION,
    HTTPStatus.FOUND: ErrorKind.REGION,
    HTTPStatus.TEMPORARY_REDIRECT: ErrorKind.REGION,
    HTTPStatus.PERMANENT_REDIRECT: ErrorKind.REGION,
    HTTPStatus.UNAUTHORIZED: ErrorKind.DENIED,
    HTTPStatus.FORBIDDEN: ErrorKind.DENIED,
    HTTPStatus.NOT_FOUND: ErrorKind.NO_OBJECT,
    HTTPStatus.METHOD_NOT_ALLOWED: ErrorKind.UNSUPPORTED,
    HTTPStatus.REQUEST_TIMEOUT: ErrorKind.AWAY,
    HTTPStatus.PRECONDITION_FAILED: ErrorKind.CHANGED,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: ErrorKind.TOO_LARGE,
    HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE: ErrorKind.CHANGED,
    HTTPStatus.TOO_MANY_REQUESTS: ErrorKind.BUSY,
    HTTPStatus.NOT_IMPLEMENTED: ErrorKind.UNSUPPORTED,
    HTTPStatus.INSUFFICIENT_STORAGE: ErrorKind.FULL,
}
_BY_CODE = {code: kind for kind, codes in _CODES.items() for code in codes} | dict.fromkeys(_OPTIONS, ErrorKind.OPTION)
_STORE = "Check that the object store answers requests from the cluster."
_ENDPOINT = "Check that destination.s3.endpoint is the address of an object store's S3 API."
_REDIRECTED = (
    "The endpoint redirects without an S3 error code. Set destination.s3.endpoint to the address that it redirects to, "
    "such as https instead of http; on AWS, also check destination.s3.region."
)
_KEYS = (
    "Correct the keys or their permissions (s3:GetObject, s3:PutObject, s3:ListBucket, s3:AbortMultipartUpload), "
    "then change retryToken."
)
BROKEN_OFF = (IncompleteReadError, ResponseStreamingError)
"""Errors for a response whose body ends too soon."""
_MOST_CODE = 64
"""Maximum number of characters of a code in a message, because the store chooses the code."""


def error_code(error: ClientError) -> str:
    """Return the store's error code. For a response without a body, return the HTTP status as text."""
    return str(error.response.get("Error", {}).get("Code", ""))


def status(error: ClientError) -> int:
    """Return the HTTP status of an error. Return 0 if the error has no HTTP status."""
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def is_unknown(error: ClientError) -> bool:
    """Return whether the error means that the store lacks one feature of the request. Otherwise the store refuses
    the whole request."""
    return error_code(error) in (*_UNKNOWN, *_BARE) or status(error) == HTTPStatus.NOT_IMPLEMENTED


def is_repeated(answer: Mapping[str, Any]) -> bool:
    """Return whether a request was sent more than once before this response."""
    return bool(answer.get("ResponseMetadata", {}).get("RetryAttempts"))


def is_refusal(error: ClientError) -> bool:
    """Return whether the store certainly did not carry out the request."""
    return HTTPStatus.BAD_REQUEST <= status(error) < HTTPStatus.INTERNAL_SERVER_ERROR or status(error) == 501


def kind_of(code: str, status: int) -> ErrorKind:
    """Return the meaning of an error code or, if the code is unknown, of the HTTP status."""
    if code in _BY_CODE:
        return _BY_CODE[code]
    if code.startswith("Throttling"):
        return ErrorKind.BUSY
    status = status or (int(code) if code.isdecimal() and len(code) == 3 else 0)
    if status in _STATUSES:
        return _STATUSES[HTTPStatus(status)]
    return ErrorKind.AWAY if status >= HTTPStatus.INTERNAL_SERVER_ERROR else ErrorKind.OTHER


def error_kind(error: Exception) -> ErrorKind:
    """Return the meaning of a botocore error. The result is AWAY for a failed connection, and OTHER for an unusable
    response."""
    if isinstance(error, BROKEN_OFF):
        return ErrorKind.AWAY
    if isinstance(error, ClientError):
        return kind_of(error_code(error), status(error))
    if isinstance(error, (SSLError, UnusableAnswerError, ParamValidationError)):
        return ErrorKind.OTHER
    return (
        ErrorKind.AWAY if isinstance(error, (ConnectionError, HTTPClientError, HTTPError, OSError)) else ErrorKind.OTHER
    )


# Destinations

_REMEDIES = {
    ErrorKind.AWAY: Remedy.WAIT,
    ErrorKind.BUSY: Remedy.WAIT,
    ErrorKind.CLOCK: Remedy.WAIT,
    ErrorKind.CONFLICT: Remedy.RESEND,
    ErrorKind.DAMAGED: Remedy.RESEND,
    ErrorKind.LOST: Remedy.RESEND,
}
_DESTINATION: dict[ErrorKind, tuple[Reason, str]] = {
    ErrorKind.CLOCK: (
        Reason.DESTINATION_UNAVAILABLE,
        "The clocks of the node and of the object store differ: correct the one that is wrong.",
    ),
    ErrorKind.DAMAGED: (Reason.DESTINATION_CORRUPT, ""),
    ErrorKind.FULL: (
        Reason.DESTINATION_UNAVAILABLE,
        "Delete objects from the bucket or raise its quota, or name another bucket in spec.destination.s3.bucket.",
    ),
    ErrorKind.TOO_LARGE: (
        Reason.UNSUPPORTED_DESTINATION,
        "Choose a smaller output, or an object store that accepts it.",
    ),
    ErrorKind.UNSUPPORTED: (Reason.UNSUPPORTED_DESTINATION, ""),
    ErrorKind.DENIED: (Reason.DESTINATION_DENIED, _KEYS),
    ErrorKind.REGION: (Reason.INVALID_SPEC, "Set destination.s3.region to the region of the bucket."),
    ErrorKind.BUCKET_NAME: (Reason.INVALID_SPEC, "Correct destination.s3.bucket."),
}


def failure_of(code: str, status: int, bucket: str, doing: str, operation: str = "") -> ImportFailure:
    """Return the failure for a destination's error code and HTTP status.

    ``doing`` completes "The object store did not let the worker …". ``operation`` is S3's name of the request.
    """
    kind = kind_of(code, status)
    if kind is ErrorKind.NO_BUCKET:
        advice = "Create the bucket or correct destination.s3.bucket, then change retryToken."
        return DestinationFault(Reason.DESTINATION_NOT_FOUND, f"There is no bucket {bucket!r}.", advice=advice)
    reason, advice = _DESTINATION.get(kind, (Reason.DESTINATION_UNAVAILABLE, _STORE))
    if kind is ErrorKind.REGION and code not in _BY_CODE:  # a gateway redirects, such as from http to https
        advice = _REDIRECTED
    if kind is ErrorKind.OPTION:
        reason, advice = Reason.INVALID_SPEC, f"Correct destination.s3.{_OPTIONS[code]}."
    answer = _answer(code, status, operation)
    said = f"The object store did not let the worker {doing}: {answer}."
    if kind is ErrorKind.FULL:
        said = f"The bucket {bucket!r} is full; the object store did not let the worker {doing}: {answer}."
    return DestinationFault(reason, said, advice=advice, remedy=_REMEDIES.get(kind, Remedy.NONE))


def no_answer(error: Exception, doing: str) -> ImportFailure:
    """Return the failure for a destination that gave no usable response."""
    name = ", ".join(word for word in (operation_of(error), type(error).__name__) if word)
    if isinstance(error, UnusableAnswerError):
        message = f"The endpoint sent an invalid S3 response ({name}: {error.why}) when the worker tried to {doing}."
        return DestinationFault(Reason.DESTINATION_UNAVAILABLE, message, advice=_ENDPOINT, remedy=Remedy.NONE)
    is_away = error_kind(error) is ErrorKind.AWAY
    said = "did not answer" if is_away else "gave no usable response"
    said = "ended its response early" if isinstance(error, BROKEN_OFF) else said
    message = f"The object store {said} ({name}) when the worker tried to {doing}."
    remedy = Remedy.WAIT if is_away else Remedy.NONE
    return DestinationFault(Reason.DESTINATION_UNAVAILABLE, message, advice=_STORE, remedy=remedy)


def _answer(code: str, status: int, operation: str) -> str:
    """Return a text such as ``UploadPart answered SlowDown (HTTP 503)``."""
    word = "" if code == str(status) else code[:_MOST_CODE]
    number = f"HTTP {status}" if status else ""
    answer = f"{word} ({number})" if word and number else word or number
    return f"{operation} answered {answer}" if operation else answer


def operation_of(error: Exception) -> str:
    """Return S3's name of the failed request. The result is empty if the name is unknown."""
    return str(getattr(error, "operation_name", ""))


# Sources

_SOURCE = {
    ErrorKind.NO_BUCKET: Reason.SOURCE_NOT_FOUND,
    ErrorKind.NO_OBJECT: Reason.SOURCE_NOT_FOUND,
    ErrorKind.DENIED: Reason.SOURCE_AUTH_REQUIRED,
    ErrorKind.CHANGED: Reason.SOURCE_CHANGED,
    ErrorKind.BUSY: Reason.RATE_LIMITED,
    ErrorKind.ARCHIVED: Reason.UNSUPPORTED_SOURCE,
    ErrorKind.REGION: Reason.INVALID_SPEC,
    ErrorKind.BUCKET_NAME: Reason.INVALID_SPEC,
}


def source_reason(code: str, status: int) -> Reason:
    """Return the reason for a source's error code and HTTP status. S3 answers 405 if the newest version is a delete
    marker."""
    kind = kind_of(code, status)
    if kind is ErrorKind.UNSUPPORTED and status == HTTPStatus.METHOD_NOT_ALLOWED:
        return Reason.SOURCE_NOT_FOUND
    return _SOURCE.get(kind, Reason.SOURCE_UNAVAILABLE)
