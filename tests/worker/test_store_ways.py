"""Ways to a store, and reading from it: regions, addresses with the bucket in the host, connections that break off."""

import hashlib
import os
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from support.waiting import until
from support.worker.object_store import KEY_ID, SECRET, Bucket
from support.worker.shaped_store import Call, Shape, ShapedStore
from videoimport.api.destination import Destination, S3Destination
from videoimport.api.reasons import Reason
from videoimport.worker.runtime.errors import ImportFailure
from videoimport.worker.runtime.growing_file import Growing
from videoimport.worker.storage.credentials import Keys
from videoimport.worker.storage.parts import LEAST_PART
from videoimport.worker.storage.record_checks import Scope
from videoimport.worker.storage.retry_policy import Retries
from videoimport.worker.storage.s3 import store as s3
from videoimport.worker.storage.s3.store import S3Store
from videoimport.worker.storage.upload_journal import UploadJournal
from videoimport.worker.storage.upload_retry import Resending

MIB = 2**20
NOW = datetime(2026, 1, 1, tzinfo=UTC)
CONTENT = os.urandom(3 * MIB + 5)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@contextmanager
def through(bucket: Bucket, shape: Shape, host: str = "127.0.0.1") -> Iterator[tuple[S3Store, ShapedStore]]:
    with ShapedStore(bucket.store.endpoint, shape) as proxy:
        endpoint = proxy.endpoint.replace("127.0.0.1", host)
        store = s3.connect(S3Destination(endpoint=endpoint, bucket=bucket.name), Keys(KEY_ID, SECRET, None))
        yield store, proxy
        store.close()


def elsewhere(call: Call) -> None:
    if "/garage/s3/" not in call.headers.get("authorization", ""):
        call.refuse(400, "AuthorizationHeaderMalformed", "<Region>garage</Region>")


def test_a_region_that_the_store_names_is_used(bucket: Bucket) -> None:
    with through(bucket, Shape("garage", elsewhere)) as (store, _):
        assert store.read("none") is None
        store.probe("a/video.mp4")
        store.write("a/b.json", b"{}", {})
        assert store.head("a/b.json") is not None


def test_a_region_that_is_not_named_is_asked_for(bucket: Bucket) -> None:
    def refuse(call: Call) -> None:
        call.refuse(400, "AuthorizationHeaderMalformed")

    with through(bucket, Shape("nowhere", refuse)) as (store, _), pytest.raises(ImportFailure) as caught:
        store.read("none")
    assert caught.value.reason is Reason.INVALID_SPEC
    assert "destination.s3.region" in caught.value.advice


@pytest.mark.parametrize("code", ["SecondLevelDomainForbidden", "PathStyleDomainForbidden"])
def test_a_store_that_wants_the_bucket_in_the_host_gets_it(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    real: Any = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *more, **options: real("127.0.0.1", *more, **options))

    def refuse(call: Call) -> None:
        if not call.headers["host"].startswith(f"{bucket.name}.localhost:"):
            call.refuse(403, code)
        call.path = f"/{bucket.name}{call.path}"

    with through(bucket, Shape("hosts", refuse), "localhost") as (store, proxy):
        assert store.read("none") is None
        store.probe("a/video.mp4")
        store.write("a/b.json", b"{}", {})
        assert store.head("a/b.json") is not None
        assert bucket.read("a/b.json") == b"{}"
        assert proxy.calls.count("Get") <= 2


def breaking(times: int) -> Callable[[ShapedStore, Call], None]:
    """Break so many answers off in the middle."""
    left = [times]

    def answer(_: ShapedStore, call: Call) -> None:
        if call.name == "Get" and left[0]:
            left[0] -= 1
            call.sent = len(call.content) // 2

    return answer


def without_range(call: Call) -> None:
    call.headers.pop("range", None)


@pytest.mark.parametrize("request_shape", [lambda _: None, without_range], ids=["ranges", "no ranges"])
def test_reading_goes_on_where_a_connection_broke(bucket: Bucket, request_shape: Callable[[Call], None]) -> None:
    bucket.put("v.mp4", CONTENT)
    told: list[None] = []
    with through(bucket, Shape("breaking", request_shape, breaking(2))) as (store, proxy):
        store.went_on = lambda: told.append(None)
        assert store.sha256_of("v.mp4", len(CONTENT)) == SHA256
        assert proxy.calls.count("Get") == 3
    assert len(told) >= 3


@pytest.mark.parametrize("request_shape", [lambda _: None, without_range], ids=["ranges", "no ranges"])
def test_what_never_gets_further_is_not_read(bucket: Bucket, request_shape: Callable[[Call], None]) -> None:
    bucket.put("v.mp4", b"x" * 9)

    def answer(_: ShapedStore, call: Call) -> None:
        call.sent = 0 if call.name == "Get" else None

    with through(bucket, Shape("broken", request_shape, answer)) as (store, _):
        assert store.sha256_of("v.mp4", 9) is None


@pytest.mark.parametrize("size", [0, len(CONTENT) - 1, len(CONTENT) + 1])
def test_an_object_of_another_size_is_not_read(bucket: Bucket, size: int) -> None:
    bucket.put("v.mp4", CONTENT)
    with through(bucket, Shape("plain")) as (store, _):
        assert store.sha256_of("v.mp4", size) is None
        assert store.sha256_of("none", size) is None


def test_options_that_a_store_does_not_know_are_named(bucket: Bucket) -> None:
    def refuse(call: Call) -> None:
        if "x-amz-tagging" in call.headers:
            call.refuse(501, "NotImplemented")

    with ShapedStore(bucket.store.endpoint, Shape("no tags", refuse)) as proxy:
        wish = S3Destination(endpoint=proxy.endpoint, bucket=bucket.name, tags={"a": "b"}, cache_control="no-cache")
        store = s3.connect(wish, Keys(KEY_ID, SECRET, None))
        with pytest.raises(ImportFailure) as caught:
            store.probe("a/video.mp4")
        store.close()
    assert caught.value.reason is Reason.INVALID_SPEC
    assert "destination.s3.tags, destination.s3.cacheControl" in caught.value.message
    assert bucket.unfinished == []


def test_a_rewritten_part_that_may_not_go_twice_takes_another_upload(bucket: Bucket, tmp_path: Path) -> None:
    """As with ``rclone serve s3``: the file has ended by then, so all of it goes once more."""
    seen: set[tuple[str, str]] = set()

    def refuse(call: Call) -> None:
        if call.name == "Part":
            part = (call.query["uploadId"][0], call.query["partNumber"][0])
            if part in seen:
                call.refuse(501, "NotImplemented")
            seen.add(part)

    path = tmp_path / "growing"
    path.write_bytes(os.urandom(2 * LEAST_PART))
    with through(bucket, Shape("no part twice", refuse)) as (store, proxy):
        destination = Destination.model_validate({"s3": {"endpoint": proxy.endpoint, "bucket": bucket.name}})
        notebook = UploadJournal(Scope(store, destination), "own/uploads", "uid", NOW)
        upload = Resending(notebook, Retries(), "a/video.mp4", "video/mp4", {})
        growing, moved = Growing(path), list[int]()
        with ThreadPoolExecutor(1) as pool:
            ending = pool.submit(upload.send, growing, moved.append, held=1, expected=path.stat().st_size)
            until(lambda: moved and moved[-1] >= LEAST_PART)
            with path.open("r+b") as file:
                file.seek(LEAST_PART + 7)
                file.write(b"nobody said so")
            growing.end()
            assert ending.result(60).sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
        upload.complete(replace=False)
        assert proxy.calls.count("Create") == 2
        growing.close()
    assert bucket.read("a/video.mp4") == path.read_bytes()
    assert bucket.unfinished == []
