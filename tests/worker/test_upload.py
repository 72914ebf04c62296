"""Uploads against the real store: checksums of both kinds, and nobody's object is overwritten."""

from pathlib import Path

import pytest
from object_store import KEY_ID, SECRET, Bucket

from videoimport.api.destination import S3Destination
from videoimport.api.reasons import Reason
from videoimport.worker import destination, upload
from videoimport.worker.credentials import Keys
from videoimport.worker.destination import Store
from videoimport.worker.errors import ImportFailure
from videoimport.worker.upload import LEAST_PART, Digest, Upload

KEY = "a/video.mp4"
MARKS = {"videoimport-uid": "me"}


@pytest.fixture
def place(bucket: Bucket) -> Store:
    return destination.connect(
        S3Destination(endpoint=bucket.store.endpoint, bucket=bucket.name), Keys(KEY_ID, SECRET, None)
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(bytes(range(256)) * (LEAST_PART // 128) + b"tail")
    return path


def sent(place: Store, path: Path, *, checksums: bool) -> tuple[Upload, Digest]:
    file = upload.digest(path)
    under_way = upload.begin(place, KEY, MARKS, checksums=checksums)
    under_way.send(path, file, lambda _: None)
    return under_way, file


def test_the_store_says_which_checksums_it_keeps(place: Store, bucket: Bucket) -> None:
    assert upload.probe(place, KEY) is True
    assert bucket.unfinished == []
    assert bucket.keys == []


@pytest.mark.parametrize("checksums", [True, False])
def test_nothing_is_visible_until_all_is_there(place: Store, bucket: Bucket, path: Path, checksums: bool) -> None:
    under_way, file = sent(place, path, checksums=checksums)
    assert len(file.parts) == 3
    assert bucket.keys == []
    assert not under_way.is_there(file)
    under_way.complete(file, replace=False)
    assert under_way.is_there(file)
    assert bucket.read(KEY) == path.read_bytes()
    facts = place.head(KEY)
    assert facts is not None
    assert facts.checksum == (file.composite if checksums else None)


def test_bytes_that_change_on_the_way_are_refused(place: Store, bucket: Bucket, path: Path) -> None:
    file = upload.digest(path)
    path.write_bytes(path.read_bytes()[:-4] + b"LIAR")
    for checksums in (True, False):
        under_way = upload.begin(place, KEY, MARKS, checksums=checksums)
        with pytest.raises(ImportFailure):
            under_way.send(path, file, lambda _: None)
        under_way.abort()
    assert bucket.unfinished == []


def test_another_object_is_not_overwritten_unless_it_may_be(place: Store, bucket: Bucket, path: Path) -> None:
    under_way, file = sent(place, path, checksums=True)
    bucket.put(KEY, b"theirs")
    with pytest.raises(ImportFailure) as caught:
        under_way.complete(file, replace=False)
    assert caught.value.reason is Reason.DESTINATION_EXISTS
    assert bucket.read(KEY) == b"theirs"
    under_way.complete(file, replace=True)
    assert bucket.read(KEY) == path.read_bytes()


def test_completing_twice_is_completing_once(place: Store, path: Path) -> None:
    """As when the answer to the first call got lost."""
    under_way, file = sent(place, path, checksums=True)
    under_way.complete(file, replace=False)
    under_way.complete(file, replace=False)
    assert under_way.is_there(file)


def test_an_aborted_upload_is_gone(place: Store, bucket: Bucket, path: Path) -> None:
    under_way, file = sent(place, path, checksums=True)
    assert bucket.unfinished == [KEY]
    under_way.abort()
    under_way.abort()
    assert bucket.unfinished == []
    with pytest.raises(ImportFailure):
        under_way.complete(file, replace=False)
