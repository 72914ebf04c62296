"""Parts, records and the object store's errors."""

import base64
import hashlib
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some
from pydantic import TypeAdapter

from videoimport.api.destination import Destination, S3Destination
from videoimport.api.reasons import Reason
from videoimport.api.tasks.import_report import Report
from videoimport.worker.runtime.errors import ImportFailure
from videoimport.worker.runtime.logging import redacted
from videoimport.worker.storage.base import Ticket
from videoimport.worker.storage.commit_record import Finished, Intent, Record
from videoimport.worker.storage.credentials import read_keys
from videoimport.worker.storage.parts import (
    LEAST_PART,
    MOST_PARTS,
    composite,
    digest,
    read_part,
    windows_ahead,
    windows_of,
)
from videoimport.worker.storage.record_scope import StoredObject
from videoimport.worker.storage.s3.errors import failure_of
from videoimport.worker.storage.s3.store import connect

GIB = 2**30


@given(some.integers(1, 5 * 1024 * GIB))
def test_no_file_has_too_many_parts_or_too_small_ones(size: int) -> None:
    first, *_ = windows = list(windows_of(size))
    assert len(windows) <= MOST_PARTS
    assert all(window.size >= LEAST_PART for window in windows[:-1])
    assert {window.size for window in windows[:-1]} <= {first.size}
    assert windows[-1].end == size


@given(some.none() | some.integers(0, 5 * 1024 * GIB))
def test_an_estimate_may_be_missed_by_far(expected: int | None) -> None:
    windows = list(windows_ahead(expected))
    assert len(windows) == MOST_PARTS
    assert windows[0].size >= LEAST_PART
    assert {window.size for window in windows[:5000]} == {windows[0].size}, "equal parts, as far as the estimate goes"
    assert windows[4999].end >= (expected or 0)
    assert windows[-1].end == 67_000 * windows[0].size
    assert all(one.end == other.offset for one, other in pairwise(windows))


def test_small_results_leave_in_the_smallest_parts() -> None:
    assert next(windows_ahead(20 * GIB)).size == LEAST_PART


def test_hashes_of_the_whole_and_its_parts(tmp_path: Path) -> None:
    content = bytes(range(256)) * (8 * 2**20 // 256) + b"tail"
    path = tmp_path / "file"
    path.write_bytes(content)
    with path.open("rb") as file:
        windows = list(windows_of(len(content)))
        assert [(window.number, window.offset, window.size) for window in windows] == [
            (1, 0, 8 * 2**20),
            (2, 8 * 2**20, 4),
        ]
        found = digest(file.fileno(), windows)
        parts = [read_part(file.fileno(), window, with_md5=True) for window in windows]
    assert found.sha256 == hashlib.sha256(content).hexdigest()
    assert found.crcs == tuple(part.crc for part in parts)
    assert parts[1].md5 == hashlib.md5(b"tail").digest()
    joined = hashlib.sha256(content[:-4]).digest() + hashlib.sha256(b"tail").digest()
    assert composite(parts) == base64.b64encode(hashlib.sha256(joined).digest()).decode() + "-2"


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
        connect(S3Destination(bucket="videos").model_copy(update=place), None)  # as an older API server took it
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
    ticket = Ticket(key="k", upload="i", size_bytes=1, sha256="0" * 64, seal="s")
    intent = Intent(tickets=(ticket,), replace=False, result_key="r", result="{}", report=report)
    read: TypeAdapter[Record] = TypeAdapter(Record)
    stored = StoredObject(key="k", size_bytes=1, etag='"e"')
    for record in (Finished.of(report, (stored,)), intent):
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
