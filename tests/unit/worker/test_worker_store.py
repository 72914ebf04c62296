"""Parts, records and the object store's errors."""

import base64
import hashlib
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some
from pydantic import TypeAdapter

from videoimport.api.destination import Destination, S3Destination
from videoimport.api.reasons import Reason
from videoimport.api.report import Report
from videoimport.worker.credentials import read_keys
from videoimport.worker.destination import connect, failure_of
from videoimport.worker.errors import ImportFailure
from videoimport.worker.logs import redacted
from videoimport.worker.record import Intent, Record
from videoimport.worker.upload import LEAST_PART, MOST_PARTS, digest, part_size

GIB = 2**30


@given(some.integers(1, 5 * 1024 * GIB))
def test_no_object_has_too_many_parts_or_too_small_ones(size: int) -> None:
    part = part_size(size)
    assert part >= LEAST_PART
    assert -(-size // part) <= MOST_PARTS


def test_one_reading_hashes_the_whole_and_its_parts(tmp_path: Path) -> None:
    content = bytes(range(256)) * (LEAST_PART // 256) + b"tail"
    path = tmp_path / "file"
    path.write_bytes(content)
    found = digest(path)
    assert found.sha256 == hashlib.sha256(content).hexdigest()
    assert [(part.number, part.offset, part.size) for part in found.parts] == [(1, 0, LEAST_PART), (2, LEAST_PART, 4)]
    assert found.parts[1].md5 == hashlib.md5(b"tail").digest()
    joined = hashlib.sha256(content[:LEAST_PART]).digest() + hashlib.sha256(b"tail").digest()
    assert found.composite == base64.b64encode(hashlib.sha256(joined).digest()).decode() + "-2"


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


@pytest.mark.parametrize(
    ("place", "field"),
    [
        ({"endpoint": "http://my_store:9000"}, "endpoint"),
        ({"endpoint": "http://h:99999/"}, "endpoint"),
        ({"endpoint": "https://[::1/x"}, "endpoint"),
        ({"region": "-"}, "region"),
    ],
)
def test_a_place_that_is_none_names_its_field(place: dict[str, str], field: str) -> None:
    with pytest.raises(ImportFailure, match=f"destination.s3.{field}") as caught:
        connect(S3Destination.model_validate({"bucket": "videos", **place}), None)
    assert caught.value.reason is Reason.INVALID_SPEC


def wish(secret: str | None) -> Destination:
    reference = {"credentialsSecretRef": {"name": secret}} if secret else {}
    return Destination.model_validate({"s3": {"bucket": "videos"}, **reference})


class TestKeys:
    def test_files_are_read_and_trimmed(self, tmp_path: Path) -> None:
        (tmp_path / "AWS_ACCESS_KEY_ID").write_text("id\n")
        (tmp_path / "AWS_SECRET_ACCESS_KEY").write_text("secret\n")
        keys = read_keys(wish("store"), tmp_path)
        assert keys is not None
        assert (keys.key_id, keys.secret, keys.token) == ("id", "secret", None)
        assert "secret" not in repr(keys)

    def test_a_destination_without_a_secret_has_no_keys(self, tmp_path: Path) -> None:
        assert read_keys(wish(None), tmp_path) is None

    @pytest.mark.parametrize("folder", ["", "missing"])
    def test_a_missing_secret_is_named(self, tmp_path: Path, folder: str) -> None:
        with pytest.raises(ImportFailure, match="no Secret 'store'") as caught:
            read_keys(wish("store"), tmp_path / folder)
        assert caught.value.reason is Reason.CREDENTIALS_NOT_FOUND

    def test_a_missing_or_empty_key_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "AWS_ACCESS_KEY_ID").write_text("id")
        (tmp_path / "AWS_SECRET_ACCESS_KEY").write_text("\n")
        with pytest.raises(ImportFailure, match="has no key AWS_SECRET_ACCESS_KEY"):
            read_keys(wish("store"), tmp_path)


def test_a_record_is_read_as_what_it_is() -> None:
    report = Report(uid="u", run=1, spec_hash="h", outcome="Succeeded", finished_at=datetime(2026, 8, 1, tzinfo=UTC))
    intent = Intent(key="k", upload_id="i", size_bytes=1, report=report, result="{}")
    read: TypeAdapter[Record] = TypeAdapter(Record)
    for record in (report, intent):
        assert read.validate_json(record.model_dump_json(by_alias=True, exclude_none=True)) == record


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("see https://a:b@e.com/x?token=t&q=1 now", "see https://e.com/x?q=1 now"),
        ("no address", "no address"),
        ('{"u": "https://e.com/?X-Amz-Signature=s"}', '{"u": "https://e.com/"}'),
    ],
)
def test_logs_show_addresses_without_their_secrets(text: str, shown: str) -> None:
    assert redacted(text) == shown
