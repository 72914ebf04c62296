"""Errors of an object store: their reasons and remedies."""

import pytest
from botocore.exceptions import EndpointConnectionError, ParamValidationError, ReadTimeoutError

from support.every_case import every_case
from videoimport.api.reasons import Reason, RetryClass, info
from videoimport.worker.runtime.errors import DestinationFault, Remedy
from videoimport.worker.storage.s3.errors import ErrorKind, error_kind, failure_of, no_answer, source_reason

UNAVAILABLE = Reason.DESTINATION_UNAVAILABLE


@every_case(
    ("code", "status", "reason", "remedy"),
    [
        ("SlowDown", 503, UNAVAILABLE, Remedy.WAIT),
        ("ThrottlingException", 400, UNAVAILABLE, Remedy.WAIT),
        ("RequestTimeout", 400, UNAVAILABLE, Remedy.WAIT),
        ("OperationAborted", 409, UNAVAILABLE, Remedy.WAIT),
        ("RequestTimeTooSkewed", 403, UNAVAILABLE, Remedy.WAIT),
        ("503", 503, UNAVAILABLE, Remedy.WAIT),
        ("520", 520, UNAVAILABLE, Remedy.WAIT),
        ("429", 429, UNAVAILABLE, Remedy.WAIT),
        ("ConditionalRequestConflict", 409, UNAVAILABLE, Remedy.RESEND),
        ("NoSuchUpload", 404, UNAVAILABLE, Remedy.RESEND),
        ("BadDigest", 400, Reason.DESTINATION_CORRUPT, Remedy.RESEND),
        ("QuotaExceeded", 403, UNAVAILABLE, Remedy.NONE),
        ("XMinioStorageFull", 507, UNAVAILABLE, Remedy.NONE),
        ("507", 507, UNAVAILABLE, Remedy.NONE),
        ("EntityTooLarge", 400, Reason.UNSUPPORTED_DESTINATION, Remedy.NONE),
        ("413", 413, Reason.UNSUPPORTED_DESTINATION, Remedy.NONE),
        ("MethodNotAllowed", 405, Reason.UNSUPPORTED_DESTINATION, Remedy.NONE),
        ("NotImplemented", 501, Reason.UNSUPPORTED_DESTINATION, Remedy.NONE),
        ("InvalidBucketName", 400, Reason.INVALID_SPEC, Remedy.NONE),
        ("SomethingNew", 400, UNAVAILABLE, Remedy.NONE),
        ("403", 403, Reason.DESTINATION_DENIED, Remedy.NONE),
    ],
)
def test_an_answer_of_the_destination_has_a_reason_and_a_remedy(
    code: str, status: int, reason: Reason, remedy: Remedy
) -> None:
    failure = failure_of(code, status, "videos", "upload a", "UploadPart")
    assert isinstance(failure, DestinationFault)
    assert (failure.reason, failure.remedy) == (reason, remedy)
    word = f"{code} (HTTP {status})" if code != str(status) else f"HTTP {status}"
    assert f"upload a: UploadPart answered {word}" in failure.message


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_by_a_gateway_names_the_endpoint_and_one_of_s3_the_region(status: int) -> None:
    plain = failure_of(str(status), status, "videos", "read a")
    assert plain.reason is Reason.INVALID_SPEC
    assert "destination.s3.endpoint" in plain.advice
    regional = failure_of("PermanentRedirect", status, "videos", "read a")
    assert regional.advice == "Set destination.s3.region to the region of the bucket."


def test_a_wrong_clock_and_a_full_bucket_are_named() -> None:
    assert "clock" in failure_of("RequestTimeTooSkewed", 403, "videos", "upload a").advice
    full = failure_of("QuotaExceeded", 403, "videos", "upload a")
    assert full.message.startswith("The bucket 'videos' is full")
    assert "spec.destination.s3.bucket" in full.advice


@every_case(
    ("code", "status", "reason"),
    [
        ("NoSuchKey", 404, Reason.SOURCE_NOT_FOUND),
        ("404", 404, Reason.SOURCE_NOT_FOUND),
        ("NoSuchVersion", 404, Reason.SOURCE_NOT_FOUND),
        ("MethodNotAllowed", 405, Reason.SOURCE_NOT_FOUND),
        ("AccessDenied", 403, Reason.SOURCE_AUTH_REQUIRED),
        ("401", 401, Reason.SOURCE_AUTH_REQUIRED),
        ("PreconditionFailed", 412, Reason.SOURCE_CHANGED),
        ("InvalidRange", 416, Reason.SOURCE_CHANGED),
        ("SlowDown", 503, Reason.RATE_LIMITED),
        ("ThrottledException", 400, Reason.SOURCE_UNAVAILABLE),
        ("ThrottlingException", 400, Reason.RATE_LIMITED),
        ("429", 429, Reason.RATE_LIMITED),
        ("503", 503, Reason.SOURCE_UNAVAILABLE),
        ("InternalError", 500, Reason.SOURCE_UNAVAILABLE),
    ],
)
def test_the_same_table_serves_sources(code: str, status: int, reason: Reason) -> None:
    assert source_reason(code, status) is reason


def test_a_fault_of_the_destination_never_blames_the_video() -> None:
    faults = [reason for reason in Reason if "Destination" in reason]
    assert all("video" not in info(reason).finding or reason is Reason.DESTINATION_EXISTS for reason in faults)
    assert info(Reason.DESTINATION_CORRUPT).retry is RetryClass.USER
    assert info(Reason.UNSUPPORTED_DESTINATION).retry is RetryClass.PERMANENT


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        (EndpointConnectionError(endpoint_url="http://s3"), Remedy.WAIT),
        (ReadTimeoutError(endpoint_url="http://s3"), Remedy.WAIT),
        (ConnectionResetError(), Remedy.WAIT),
        (ParamValidationError(report="x"), Remedy.NONE),
    ],
)
def test_a_store_that_does_not_answer_is_waited_for(error: Exception, remedy: Remedy) -> None:
    failure = no_answer(error, "upload a")
    assert isinstance(failure, DestinationFault)
    assert failure.remedy is remedy
    assert type(error).__name__ in failure.message


def test_kinds_of_errors_without_an_answer() -> None:
    assert error_kind(ConnectionResetError()) is ErrorKind.AWAY
    assert error_kind(ParamValidationError(report="x")) is ErrorKind.OTHER


@pytest.mark.parametrize(
    ("code", "status", "reason"),
    [
        ("NoSuchBucket", 404, Reason.DESTINATION_NOT_FOUND),
        ("AccessDenied", 403, Reason.DESTINATION_DENIED),
        ("InvalidAccessKeyId", 403, Reason.DESTINATION_DENIED),
        ("SomethingNew", 403, Reason.DESTINATION_DENIED),
        ("XAdminUserNotFound", 404, Reason.DESTINATION_DENIED),
        ("AuthorizationHeaderMalformed", 400, Reason.INVALID_SPEC),
        ("PermanentRedirect", 301, Reason.INVALID_SPEC),
        ("SlowDown", 503, Reason.DESTINATION_UNAVAILABLE),
        ("InternalError", 500, Reason.DESTINATION_UNAVAILABLE),
    ],
)
def test_every_error_of_a_store_has_its_reason(code: str, status: int, reason: Reason) -> None:
    failure = failure_of(code, status, "videos", "write a")
    assert failure.reason is reason
