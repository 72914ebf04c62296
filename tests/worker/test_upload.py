"""Uploads against the real store: growing files, checksums of both kinds, and nobody's object is overwritten."""

import hashlib
import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.waiting import until
from support.worker.destinations import BucketHarness, place_at, task_for
from support.worker.object_store import KEY_ID, SECRET, Bucket
from support.worker.worker_harness import probe
from videoimport.api.destination import S3Destination
from videoimport.api.reasons import Reason
from videoimport.worker.runtime.errors import ImportFailure
from videoimport.worker.runtime.growing_file import AbandonedError, Growing
from videoimport.worker.storage.base import Sent
from videoimport.worker.storage.credentials import Keys
from videoimport.worker.storage.parts import LEAST_PART
from videoimport.worker.storage.s3 import store as s3
from videoimport.worker.storage.s3.multipart import MultipartUpload
from videoimport.worker.storage.s3.store import S3Store
from videoimport.worker.storage.upload_batch import Parcel, Shipment

KEY = "a/video.mp4"
MARKS = {"videoimport-uid": "me"}
MIB = 2**20


@pytest.fixture
def place(bucket: Bucket) -> Iterator[S3Store]:
    wish = S3Destination(endpoint=bucket.store.endpoint, bucket=bucket.name)
    store = s3.connect(wish, Keys(KEY_ID, SECRET, None))
    yield store
    store.close()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(os.urandom(17 * MIB))
    return path


def whole(path: Path) -> Growing:
    return Growing(path, finished=True)


def sent(place: S3Store, path: Path, *, checksums: bool = True) -> tuple[MultipartUpload, Sent]:
    place.checksums = checksums
    under_way = place.begin(KEY, "video/mp4", MARKS)
    return under_way, under_way.send(whole(path), lambda _: None)


def test_the_store_says_which_checksums_it_keeps(place: S3Store, bucket: Bucket) -> None:
    place.probe(KEY)
    assert place.checksums is True
    assert bucket.unfinished == []
    assert bucket.keys == []


@pytest.mark.parametrize("checksums", [True, False])
def test_nothing_is_visible_until_all_is_there(place: S3Store, bucket: Bucket, path: Path, checksums: bool) -> None:
    under_way, file = sent(place, path, checksums=checksums)
    assert file == Sent(17 * MIB, hashlib.sha256(path.read_bytes()).hexdigest())
    assert bucket.keys == []
    assert not place.is_there(under_way.ticket, MARKS)
    under_way.complete(replace=False)
    assert place.is_there(under_way.ticket, MARKS)
    assert bucket.read(KEY) == path.read_bytes()
    facts = place.head(KEY)
    assert facts is not None
    assert facts.checksum == (under_way.ticket.checksum if checksums else None)


def test_an_empty_file_is_a_file(place: S3Store, bucket: Bucket, path: Path) -> None:
    path.write_bytes(b"")
    under_way, file = sent(place, path)
    under_way.complete(replace=False)
    assert file.size == 0
    assert bucket.read(KEY) == b""


def test_another_object_is_not_overwritten_unless_it_may_be(place: S3Store, bucket: Bucket, path: Path) -> None:
    under_way, _ = sent(place, path)
    bucket.put(KEY, b"theirs")
    with pytest.raises(ImportFailure) as caught:
        under_way.complete(replace=False)
    assert caught.value.reason is Reason.DESTINATION_EXISTS
    assert bucket.read(KEY) == b"theirs"
    under_way.complete(replace=True)
    assert bucket.read(KEY) == path.read_bytes()


def test_its_hashing_is_told_part_by_part(place: S3Store, path: Path) -> None:
    """Bytes do not move then; whoever looks for a standstill has to hear of it."""
    moved: list[int] = []
    growing, upload = Growing(path, finished=True), place.begin(KEY, "video/mp4", MARKS)
    upload.send(growing, moved.append)
    growing.close()
    parts = -(-path.stat().st_size // (8 * MIB))
    assert len(moved) == 2 * parts
    upload.abort()


def test_completing_twice_is_completing_once(place: S3Store, path: Path) -> None:
    """As when the answer to the first call got lost."""
    under_way, _ = sent(place, path)
    under_way.complete(replace=False)
    under_way.complete(replace=False)
    assert place.is_there(under_way.ticket, MARKS)


def test_an_aborted_upload_is_gone(place: S3Store, bucket: Bucket, path: Path) -> None:
    under_way, _ = sent(place, path)
    assert bucket.unfinished == [KEY]
    under_way.abort()
    under_way.abort()
    assert bucket.unfinished == []
    with pytest.raises(ImportFailure):
        under_way.complete(replace=False)


class TestFromAnotherRun:
    """A ticket is all that a later run needs."""

    @pytest.mark.parametrize("checksums", [True, False])
    def test_what_was_sent_is_shown_by_its_ticket(
        self, place: S3Store, bucket: Bucket, path: Path, checksums: bool
    ) -> None:
        under_way, _ = sent(place, path, checksums=checksums)
        assert place.finish(under_way.ticket, MARKS, replace=False)
        assert bucket.read(KEY) == path.read_bytes()

    def test_parts_that_are_others_than_were_sent_are_not_shown(
        self, place: S3Store, bucket: Bucket, path: Path
    ) -> None:
        under_way, _ = sent(place, path)
        place.client.upload_part(
            Bucket=bucket.name, Key=KEY, UploadId=under_way.id, PartNumber=1, Body=b"x" * 8 * MIB,
            ChecksumAlgorithm="SHA256",
        )  # fmt: skip
        if place.finish(under_way.ticket, MARKS, replace=False):  # SeaweedFS has both parts, and may use the first
            assert bucket.read(KEY) == path.read_bytes()
        else:
            assert bucket.keys == []

    def test_an_upload_that_is_gone_is_not_shown(self, place: S3Store, path: Path) -> None:
        under_way, _ = sent(place, path)
        under_way.abort()
        assert not place.finish(under_way.ticket, MARKS, replace=False)


class Writing:
    """A file that grows by the test's hand, and an upload that follows it."""

    def __init__(self, place: S3Store, path: Path, held: int = 1, expected: int | None = None, key: str = KEY) -> None:
        self.path = path
        path.write_bytes(b"")
        self.growing = Growing(path)
        self.upload = place.begin(key, "video/mp4", MARKS)
        self.moved: list[int] = []
        self.end: Sent | BaseException | None = None
        self._thread = threading.Thread(target=self._send, args=(held, expected))
        self._thread.start()

    def _send(self, held: int, expected: int | None) -> None:
        try:
            self.end = self.upload.send(self.growing, self.moved.append, held=held, expected=expected)
        except BaseException as error:  # noqa: BLE001
            self.end = error

    def append(self, content: bytes) -> None:
        with self.path.open("ab") as file:
            file.write(content)

    def rewrite(self, offset: int, content: bytes) -> None:
        with self.path.open("r+b") as file:
            file.seek(offset)
            file.write(content)

    def ended(self) -> Sent | BaseException | None:
        self._thread.join(60)
        return self.end

    @property
    def bytes_sent(self) -> int:
        return self.moved[-1] if self.moved else 0


@pytest.fixture
def write(place: S3Store, tmp_path: Path) -> Iterator[Callable[..., Writing]]:
    made: list[Writing] = []

    def begin(**more: int) -> Writing:
        made.append(Writing(place, tmp_path / "growing", **more))
        return made[-1]

    yield begin
    for writing in made:
        writing.growing.fail()
        writing.ended()
        writing.growing.close()


class TestAGrowingFile:
    def test_full_parts_leave_while_it_grows_but_the_first(self, write: Callable[..., Writing], bucket: Bucket) -> None:
        writing = write()
        writing.append(os.urandom(3 * LEAST_PART + MIB))
        until(lambda: writing.bytes_sent == 2 * LEAST_PART)
        writing.rewrite(8, b"the head, at last")
        writing.growing.end()
        content = writing.path.read_bytes()
        assert writing.ended() == Sent(len(content), hashlib.sha256(content).hexdigest())
        writing.upload.complete(replace=False)
        assert bucket.read(KEY) == content

    def test_all_parts_that_begin_in_the_head_wait(self, write: Callable[..., Writing], bucket: Bucket) -> None:
        writing = write(held=LEAST_PART + 1)
        writing.append(os.urandom(3 * LEAST_PART + MIB))
        until(lambda: writing.bytes_sent == LEAST_PART)
        writing.rewrite(LEAST_PART - 5, b"over the edge")
        writing.growing.end()
        writing.ended()
        writing.upload.complete(replace=False)
        assert bucket.read(KEY) == writing.path.read_bytes()

    def test_a_part_that_is_rewritten_after_it_left_goes_again(
        self, write: Callable[..., Writing], bucket: Bucket
    ) -> None:
        writing = write()
        writing.append(os.urandom(3 * LEAST_PART))
        until(lambda: writing.bytes_sent == 2 * LEAST_PART)
        writing.rewrite(LEAST_PART + 7, b"nobody said so")
        writing.growing.end()
        content = writing.path.read_bytes()
        assert writing.ended() == Sent(len(content), hashlib.sha256(content).hexdigest())
        writing.upload.complete(replace=False)
        assert bucket.read(KEY) == content

    def test_a_small_one_is_one_part(self, write: Callable[..., Writing], bucket: Bucket) -> None:
        writing = write()
        writing.append(b"small")
        writing.growing.end()
        assert writing.ended() == Sent(5, hashlib.sha256(b"small").hexdigest())
        writing.upload.complete(replace=False)
        assert bucket.read(KEY) == b"small"

    def test_a_writer_that_fails_ends_it(self, write: Callable[..., Writing], bucket: Bucket) -> None:
        writing = write()
        writing.append(os.urandom(2 * LEAST_PART))
        writing.growing.fail()
        assert isinstance(writing.ended(), AbandonedError)
        writing.upload.abort()
        assert bucket.unfinished == []

    def test_an_abort_ends_it_while_its_writer_goes_on(self, write: Callable[..., Writing], bucket: Bucket) -> None:
        writing = write()
        writing.append(os.urandom(2 * LEAST_PART))
        writing.upload.abort()
        assert isinstance(writing.ended(), AbandonedError)
        assert bucket.unfinished == []

    def test_a_part_that_is_refused_ends_it_at_once(
        self, write: Callable[..., Writing], place: S3Store, bucket: Bucket
    ) -> None:
        writing = write()
        place.client.abort_multipart_upload(Bucket=bucket.name, Key=KEY, UploadId=writing.upload.id)
        writing.append(os.urandom(3 * LEAST_PART))
        end = writing.ended()
        assert isinstance(end, ImportFailure)
        assert end.reason is Reason.DESTINATION_UNAVAILABLE


def test_an_upload_that_is_gone_is_begun_anew_while_its_file_grows(bucket: Bucket, tmp_path: Path) -> None:
    home, moved = BucketHarness(bucket), list[int]()
    place = place_at(home.store(), task_for(home))
    growing = Growing(tmp_path / "video.mp4")
    content = os.urandom(4 * LEAST_PART)
    growing.path.write_bytes(content[: 2 * LEAST_PART])
    with Shipment(place.notebook, place.metadata(), moved.append) as shipment:
        shipment.add(Parcel(KEY, "video/mp4", "video"), growing)
        until(lambda: bool(moved))
        lost = bucket.store.client.list_multipart_uploads(Bucket=bucket.name)["Uploads"][0]["UploadId"]
        bucket.store.client.abort_multipart_upload(Bucket=bucket.name, Key=KEY, UploadId=lost)
        with growing.path.open("ab") as file:
            file.write(content[2 * LEAST_PART :])
        growing.end()
        assert shipment.arrived(KEY) == Sent(len(content), hashlib.sha256(content).hexdigest())
        shipment.complete(KEY, replace=False)
    assert bucket.read(KEY) == content
    assert bucket.unfinished == []
    place.store.close()


def test_what_ffmpeg_writes_leaves_while_it_writes(
    place: S3Store, bucket: Bucket, tmp_path: Path, footage: Callable[[str], Path]
) -> None:
    """Two MP4s of one run, each with room for an index at its head: ffmpeg goes back there when it ends."""
    keys, room = ("a/video.mp4", "a/renditions/240p.mp4"), 200_000
    writings = [Writing(place, tmp_path / key.replace("/", "-"), held=room + 4096, key=key) for key in keys]
    encode = ["-c:v", "libx264", "-preset", "ultrafast", "-crf", "4", "-an", "-moov_size", str(room), "-f", "mp4"]
    scale = ["-vf", "scale=-2:480"]
    outputs = [*encode, str(writings[0].path), *scale, *encode, str(writings[1].path)]
    made = subprocess.run(
        ["ffmpeg", "-v", "error", "-xerror", "-y", "-i", footage("bigbuckbunny.mp4"), *outputs], capture_output=True
    )
    assert made.returncode == 0, made.stderr
    until(lambda: all(writing.bytes_sent >= LEAST_PART for writing in writings))
    assert not any(writing.growing.ended for writing in writings), "parts left before anybody said that it ended"
    for key, writing in zip(keys, writings, strict=True):
        writing.growing.end()
        content = writing.path.read_bytes()
        assert content[4:8] == b"ftyp"
        assert b"moov" in content[: room + 64]
        assert writing.ended() == Sent(len(content), hashlib.sha256(content).hexdigest())
        writing.upload.complete(replace=False)
        assert bucket.read(key) == content
        assert float(probe(bucket.save(key, tmp_path / "back.mp4"))["format"]["duration"]) > 5
        writing.growing.close()


def test_options_of_the_bucket_are_on_the_object(bucket: Bucket, path: Path) -> None:
    wish = S3Destination.model_validate(
        {
            "endpoint": bucket.store.endpoint,
            "bucket": bucket.name,
            "tags": {"team": "A + B", "é": "ü"},
            "cacheControl": "public, max-age=60",
            "storageClass": "STANDARD",
            "serverSideEncryption": "AES256",
        }
    )
    store = s3.connect(wish, Keys(KEY_ID, SECRET, None))
    store.probe(KEY)
    under_way, _ = sent(store, path)
    under_way.complete(replace=False)
    store.write("a/result.json", b"{}", MARKS, shown=True)
    store.write("a/hidden.json", b"{}", MARKS)
    store.close()
    for key, kind in ((KEY, "video/mp4"), ("a/result.json", "application/json")):
        head = bucket.head(key)
        assert (head["CacheControl"], head["ContentType"]) == ("public, max-age=60", kind)
        tags = bucket.store.client.get_object_tagging(Bucket=bucket.name, Key=key)["TagSet"]
        assert {tag["Key"]: tag["Value"] for tag in tags} == {"team": "A + B", "é": "ü"}
    assert "CacheControl" not in bucket.head("a/hidden.json")
