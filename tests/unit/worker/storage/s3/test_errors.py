"""What an error of a destination means, how long a request is repeated, and what a full disk says."""

import errno
import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ParamValidationError, ReadTimeoutError

from videoimport.api.reasons import Reason, RetryClass, info
from videoimport.worker.fetch.partial_file import Landing
from videoimport.worker.runtime import disk_space as disks
from videoimport.worker.runtime import termination_message as reporting
from videoimport.worker.runtime.errors import DestinationFault, ImportFailure, Remedy
from videoimport.worker.runtime.termination_message import Report
from videoimport.worker.storage.retry_policy import FIRST_SECONDS, RESENDS, Retries
from videoimport.worker.storage.s3.errors import Kind, error_kind, failure_of, no_answer, source_reason
from videoimport.worker.storage.volume import errors as volume_errors

UNAVAILABLE = Reason.DESTINATION_UNAVAILABLE


@pytest.mark.parametrize(
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


def test_a_wrong_clock_and_a_full_bucket_are_named() -> None:
    assert "clock" in failure_of("RequestTimeTooSkewed", 403, "videos", "upload a").advice
    full = failure_of("QuotaExceeded", 403, "videos", "upload a")
    assert full.message.startswith("The bucket 'videos' has no more room")
    assert "spec.destination.s3.bucket" in full.advice


@pytest.mark.parametrize(
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


class Clock:
    """Time that passes only by sleeping."""

    def __init__(self) -> None:
        self.now = 0.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


class Client:
    """Answers each request with the next error, then for ever with the last one; an empty one is success."""

    def __init__(self, *errors: Exception | None) -> None:
        self._errors = list(errors)
        self.asked = 0
        self._make_api_call: Callable[..., Any] = self._answer

    def _answer(self, _operation: str, _params: dict[str, Any]) -> dict[str, Any]:
        self.asked += 1
        error = self._errors.pop(0) if len(self._errors) > 1 else self._errors[0]
        if error is not None:
            raise error
        return {"ResponseMetadata": {"HTTPStatusCode": 200}}


def answer(code: str, status: int = 503) -> ClientError:
    return ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, "PutObject")  # type: ignore[typeddict-item]


class TestRetries:
    def asked(self, client: Client, retries: Retries) -> Any:
        retries.install(client)  # type: ignore[arg-type]
        return client._make_api_call("PutObject", {})

    def test_a_store_that_comes_back_is_waited_for(self, clock: Clock) -> None:
        client = Client(*[answer("SlowDown")] * 20, None)
        retries = Retries(clock.sleep, clock)
        retries.persist(lambda: clock.now, 300, lambda: False)
        assert self.asked(client, retries) == {"ResponseMetadata": {"HTTPStatusCode": 200, "RetryAttempts": 20}}
        assert client.asked == 21

    def test_a_refusal_tells_how_often_was_asked(self, clock: Clock) -> None:
        with pytest.raises(ClientError) as caught:
            self.asked(Client(answer("SlowDown"), answer("NotImplemented", 501)), Retries(clock.sleep, clock))
        assert caught.value.response["ResponseMetadata"]["RetryAttempts"] == 1

    def test_one_that_stays_away_is_given_up_when_nothing_else_went_on_for_long(self, clock: Clock) -> None:
        retries = Retries(clock.sleep, clock)
        retries.persist(lambda: clock.now - min(clock.now, 1000), 300, lambda: False)  # an encode of 1000 s
        with pytest.raises(ClientError):
            self.asked(Client(answer("InternalError", 500)), retries)
        assert 1300 <= clock.now <= 1311

    def test_before_anything_was_made_it_is_given_up_soon(self, clock: Clock) -> None:
        with pytest.raises(EndpointConnectionError) as caught:
            self.asked(Client(EndpointConnectionError(endpoint_url="x")), Retries(clock.sleep, clock))
        assert FIRST_SECONDS <= clock.now <= FIRST_SECONDS + 11
        assert getattr(caught.value, "operation_name", "") == "PutObject"

    @pytest.mark.parametrize("code", ["AccessDenied", "QuotaExceeded", "EntityTooLarge", "NotImplemented", "NoSuchKey"])
    def test_a_refusal_is_not_repeated(self, clock: Clock, code: str) -> None:
        client = Client(answer(code, 403))
        with pytest.raises(ClientError):
            self.asked(client, Retries(clock.sleep, clock))
        assert client.asked == 1

    def test_a_body_that_does_not_arrive_is_sent_three_times(self, clock: Clock) -> None:
        client = Client(answer("BadDigest", 400))
        with pytest.raises(ClientError):
            self.asked(client, Retries(clock.sleep, clock))
        assert client.asked == 3

    def test_a_run_that_is_ending_waits_for_nothing(self, clock: Clock) -> None:
        client, retries = Client(answer("SlowDown")), Retries(clock.sleep, clock)
        retries.persist(lambda: 0, 300, lambda: True)
        with pytest.raises(ClientError):
            self.asked(client, retries)
        assert (client.asked, clock.now) == (1, 0)

    @pytest.mark.parametrize(("remedy", "sent"), [(Remedy.RESEND, RESENDS + 1), (Remedy.NONE, 1)])
    def test_a_file_is_sent_again_where_that_helps(self, clock: Clock, remedy: Remedy, sent: int) -> None:
        count = 0

        def send() -> None:
            nonlocal count
            count += 1
            raise DestinationFault(UNAVAILABLE, "lost", remedy=remedy)

        with pytest.raises(DestinationFault):
            Retries(clock.sleep, clock).resends(lambda: False)(send)
        assert count == sent


@pytest.mark.parametrize(
    ("number", "remedy", "words"),
    [
        (errno.ENOSPC, Remedy.NONE, "is full"),
        (errno.EDQUOT, Remedy.NONE, "quota is used up"),
        (errno.EROFS, Remedy.NONE, "read-only"),
        (errno.EFBIG, Remedy.NONE, "too large"),
        (errno.ESTALE, Remedy.WAIT, "ESTALE"),
        (errno.EIO, Remedy.WAIT, "EIO"),
        (errno.ETIMEDOUT, Remedy.WAIT, "ETIMEDOUT"),
    ],
)
def test_an_error_of_a_volume_has_a_remedy(number: int, remedy: Remedy, words: str) -> None:
    failure = volume_errors.failure_of(number, "media", "write x")
    assert isinstance(failure, DestinationFault)
    assert failure.remedy is remedy
    assert words in failure.message


def test_a_full_volume_says_how_large_it_is_and_what_was_needed(tmp_path: Path) -> None:
    size = os.statvfs(tmp_path).f_blocks * os.statvfs(tmp_path).f_frsize
    failure = volume_errors.failure_of(errno.ENOSPC, "media", "write x", root=tmp_path, needed=12345)
    assert f"it has {size} bytes" in failure.message
    assert "12345 bytes were to be written" in failure.message
    assert "spec.destination.persistentVolumeClaim.claimName" in failure.advice


def test_a_full_scratch_says_how_large_it_is_and_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "source").symlink_to("/dev/full")
    landing = Landing(tmp_path)
    landing.remember("a", None, 4096)
    with pytest.raises(ImportFailure, match=r"Scratch is full: it has [0-9]+ bytes") as caught:
        landing.keep(b"first")
    assert caught.value.reason is Reason.SCRATCH_FULL
    assert "0 of 4096 bytes of the source" in caught.value.message
    assert "spec.worker.scratch.size" in caught.value.advice


@pytest.mark.parametrize(("free_bytes", "has_inodes"), [(0, False), (2**30, True)])
def test_inodes_are_named_where_bytes_are_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free_bytes: int, has_inodes: bool
) -> None:
    real = list(os.statvfs(tmp_path))
    real[1], real[4], real[5], real[7] = 1, free_bytes, 14, 0  # f_frsize, f_bavail, f_files, f_favail
    monkeypatch.setattr(os, "statvfs", lambda _: os.statvfs_result(real))
    assert ("14 inodes, of which 0 are free" in disks.size_of(tmp_path)) is has_inodes


def test_a_report_is_written_over_the_room_that_it_has(tmp_path: Path) -> None:
    path = tmp_path / "message"
    path.write_bytes(bytes(4096))
    report = Report(
        uid="u",
        run=1,
        spec_hash="h",
        outcome="Failed",
        reason=Reason.SCRATCH_FULL,
        message="full",
        finished_at=datetime.now(UTC),
    )
    reporting.write(report, path)
    assert path.read_bytes() == reporting.fitted(report)


def test_kinds_of_errors_without_an_answer() -> None:
    assert error_kind(ConnectionResetError()) is Kind.AWAY
    assert error_kind(ParamValidationError(report="x")) is Kind.OTHER
