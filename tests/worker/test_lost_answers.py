"""Requests whose answer is lost, at stores that do not take them twice, and what a run must not remember too long."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from support.fake_clock import FakeClock
from support.worker.destinations import FOLDER, BucketHarness, bring, place_at, task_for
from support.worker.mutated_bucket import MutatedBucket
from support.worker.mutated_store import (
    Answer,
    Damage,
    Fault,
    FaultKind,
    Habits,
    MutatedStore,
    Operation,
    Plan,
    Request,
    error,
)
from support.worker.object_store import KEY_ID, SECRET, Bucket
from support.worker.shaped_store import Call, Shape, ShapedStore
from videoimport.api.destination import S3Destination
from videoimport.api.tasks.import_report import Report
from videoimport.worker.pipeline import destination as preflight
from videoimport.worker.pipeline.verified_fields import ticket_of
from videoimport.worker.storage.base import Ticket
from videoimport.worker.storage.credentials import Keys
from videoimport.worker.storage.retry_policy import RESENDS, Retries
from videoimport.worker.storage.s3 import store as s3

VIDEO = f"{FOLDER}/video.mp4"


@pytest.fixture
def files(tmp_path: Path) -> Mapping[str, Path]:
    path = tmp_path / "video"
    path.write_bytes(b"video" * 100)
    return {"video.mp4": path}


def imported(bucket: Bucket, mutated: MutatedStore, files: Mapping[str, Path]) -> Report:
    """By one run."""
    way = MutatedBucket(bucket, mutated)
    store = way.store()
    place = place_at(store, task_for(way))
    try:
        preflight.writable(place)
        return bring(place, files)
    finally:
        store.close()


class Once:
    """Refuses a request that it carried out already."""

    def __init__(self, operation: Operation, answer: Answer) -> None:
        self._operation, self._answer = operation, answer
        self._seen: set[str] = set()

    def __call__(self, request: Request) -> Answer | None:
        if request.operation != self._operation:
            return None
        if request.path in self._seen:
            return self._answer
        self._seen.add(request.path)
        return None


@pytest.mark.parametrize("checksum", ["Composite", "Unknown"])
@pytest.mark.parametrize("number", [1, 2])
def test_a_part_may_not_go_twice(
    bucket: Bucket, mutated: MutatedStore, files: Mapping[str, Path], checksum: str, number: int
) -> None:
    """As with ``rclone serve s3``. The first part is the probe's."""
    mutated.plan = Plan(
        Habits(checksum=checksum),  # type: ignore[arg-type]
        (Fault("UploadPart", number, "AnswerLost"),),
        refuses=Once("UploadPart", error(501, "NotImplemented")),
    )
    imported(bucket, mutated, files)
    assert bucket.read(VIDEO) == files["video.mp4"].read_bytes()
    assert bucket.unfinished == []


def test_the_probe_is_completed_by_a_store_without_conditions(
    bucket: Bucket, mutated: MutatedStore, files: Mapping[str, Path]
) -> None:
    mutated.plan = Plan(
        Habits(conditions="Ignored"),
        (Fault("CompleteMultipartUpload", 1, "AnswerLost"),),
        refuses=Once("CompleteMultipartUpload", error(404, "NoSuchUpload")),
    )
    assert imported(bucket, mutated, files).unguarded
    assert bucket.read(VIDEO) == files["video.mp4"].read_bytes()


def test_a_conflict_over_result_json_is_no_failure(
    bucket: Bucket, mutated: MutatedStore, files: Mapping[str, Path]
) -> None:
    """S3 answers so where another request for the key, such as a deletion, came in between."""
    conflicts = [error(409, "ConditionalRequestConflict")]

    def refuse(request: Request) -> Answer | None:
        is_result = request.operation == "PutObject" and request.key.endswith("/result.json")
        return conflicts.pop() if is_result and conflicts else None

    mutated.plan = Plan(refuses=refuse)
    imported(bucket, mutated, files)
    assert conflicts == []
    assert f"{FOLDER}/result.json" in bucket.keys
    assert mutated.plan.seen["UploadPart"] == 2, "the probe's, and the video's"


def same_etag(_: ShapedStore, call: Call) -> None:
    """As of a store whose ETags are of the size and the second only, and that keeps no SHA-256."""

    def changed(name: str, value: str) -> tuple[str, str] | None:
        if name.lower().startswith("x-amz-checksum-"):
            return None
        return (name, '"500-1700000000"') if name.lower() == "etag" and call.name in ("Head", "Get") else (name, value)

    call.rename(changed)


def test_what_was_read_before_it_was_sent_again_proves_nothing(
    bucket: Bucket, mutated: MutatedStore, files: Mapping[str, Path]
) -> None:
    mutated.plan = Plan(Habits(), damage=Damage("UploadPart", 2, "Flipped"))
    with ShapedStore(mutated.endpoint, Shape("one ETag", answer=same_etag)) as proxy:
        home = BucketHarness.through(proxy.endpoint, bucket)
        store = home.store()
        place = place_at(store, task_for(home))
        preflight.writable(place)
        report = bring(place, files)
        store.close()
    assert report.outputs is not None
    assert report.outputs.video is not None
    assert report.outputs.video.verified == "ReadBack"
    assert bucket.read(VIDEO) == files["video.mp4"].read_bytes()
    assert mutated.plan.seen["UploadPart"] == 3 <= 2 + RESENDS, "the probe's, and the video's twice"


def without_metadata(_: ShapedStore, call: Call) -> None:
    call.rename(lambda name, value: None if name.lower().startswith("x-amz-meta-") else (name, value))


def test_what_stands_where_this_run_removed_its_own_is_not_its_own(bucket: Bucket) -> None:
    """On a store without metadata, where another import sends the same bytes."""
    body, key = b"{}", f"{FOLDER}/result.json"
    with ShapedStore(bucket.store.endpoint, Shape("no metadata", answer=without_metadata)) as proxy:
        store = s3.connect(S3Destination(endpoint=proxy.endpoint, bucket=bucket.name), Keys(KEY_ID, SECRET, None))
        store.proofs.keeps_metadata = False
        ticket: Ticket = ticket_of(key, body)
        store.write(key, body, {})
        assert store.own(ticket, {"videoimport-uid": "new"}) is not None
        store.delete(key)
        bucket.put(key, body)
        assert store.own(ticket, {"videoimport-uid": "new"}) is None
        store.close()


def test_an_upload_that_is_gone_needs_no_abort(bucket: Bucket) -> None:
    """Whether the store's answer has a body or not."""

    def refuse(call: Call) -> None:
        if call.name == "Abort":
            call.status, call.content = 404, b""

    with ShapedStore(bucket.store.endpoint, Shape("bare", refuse)) as proxy:
        store = s3.connect(S3Destination(endpoint=proxy.endpoint, bucket=bucket.name), Keys(KEY_ID, SECRET, None))
        assert store.abort(VIDEO, "gone")
        store.close()


@pytest.mark.parametrize("kind", ["Cut", "SlowDown", "InternalError"])
def test_a_small_object_that_is_sent_again_is_whole(bucket: Bucket, mutated: MutatedStore, kind: FaultKind) -> None:
    """boto sends a request twice by itself; from the third time on it is the worker that sends it again. The store
    checks nothing: Content-MD5 would only hide an empty body."""
    mutated.plan = Plan(faults=(Fault("PutObject", 1, kind, times=4),), refuses=forget_md5)
    clock = FakeClock()
    retries = Retries(clock.sleep, clock)
    retries.persist(lambda: 0.0, 60.0, lambda: False)
    store = s3.connect(
        S3Destination(endpoint=mutated.endpoint, bucket=bucket.name), Keys(KEY_ID, SECRET, None), retries=retries
    )
    store.write("note.json", b'{"kind": "Note"}', {})
    store.close()
    assert bucket.read("note.json") == b'{"kind": "Note"}'


def forget_md5(request: Request) -> None:
    """Take Content-MD5 from a request; refuses nothing."""
    request.headers.pop("content-md5", None)
