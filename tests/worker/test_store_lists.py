"""Lists of parts and of unfinished uploads that a store cuts into pages, with the markers that servers give."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from object_store import KEY_ID, SECRET, Bucket
from shaped_store import Call, Shape, ShapedStore

from videoimport.api.destination import S3Destination
from videoimport.worker import s3, s3_upload_lists
from videoimport.worker.credentials import Keys
from videoimport.worker.growing import Growing
from videoimport.worker.s3 import S3Store

KEY = "a/video.mp4"
PAGED = {"Parts": "Part", "Uploads": "Upload"}
"""What each list has."""
_PAGE = 2
_MARKER = re.compile(r"&(?:part-number|key|upload-id)-marker=([^&]*)")
_NEXT = re.compile(rb"<(Next\w*Marker)>[^<]*</\1>")
_CUT = re.compile(rb"<IsTruncated>\w+</IsTruncated>")
_WHOLE = 17 * 2**20
"""Bytes of a file of three parts."""
_ASKED = "x-test-marker"


def from_the_start(call: Call) -> None:
    """Markers are not known: each page is the first one."""
    if call.name in PAGED:
        call.path = _MARKER.sub("", call.path)


def in_pages(call: Call) -> None:
    """The real store is asked for all; versitygw refuses its own ``upload-id-marker``."""
    if call.name in PAGED:
        call.headers[_ASKED] = (_MARKER.findall(call.path) or [""])[-1]
        from_the_start(call)


def cut(_: ShapedStore, call: Call) -> None:
    """Leave one page, with its markers as S3 gives them."""
    if call.name not in PAGED:
        return
    name = PAGED[call.name].encode()
    entries = re.findall(b"<%s>.*?</%s>" % (name, name), call.content, re.DOTALL)
    ids = [re.findall(rb"<(?:PartNumber|UploadId)>([^<]*)<", one)[0] for one in entries]
    asked = call.headers.get(_ASKED, "").encode()
    first = ids.index(asked) + 1 if asked else 0
    last = min(first + _PAGE, len(ids)) - 1
    for one in entries[:first] + entries[last + 1 :]:
        call.content = call.content.replace(one, b"", 1)
    next_id = b"<NextPartNumberMarker>%s</NextPartNumberMarker>" % ids[last]
    if call.name == "Uploads":
        key = re.findall(b"<Key>[^<]*", entries[last])[0][5:]
        next_id = b"<NextKeyMarker>%s</NextKeyMarker><NextUploadIdMarker>%s</NextUploadIdMarker>" % (key, ids[last])
    is_cut = b"true" if last + 1 < len(ids) else b"false"
    call.content = _CUT.sub(b"<IsTruncated>%s</IsTruncated>%s" % (is_cut, next_id), _NEXT.sub(b"", call.content))


def without_markers(store: ShapedStore, call: Call) -> None:
    cut(store, call)
    if call.name in PAGED:
        call.content = _NEXT.sub(b"", call.content)


class Repeated:
    """The first page's marker on every page."""

    def __init__(self) -> None:
        self.first: dict[bytes, bytes] = {}

    def __call__(self, store: ShapedStore, call: Call) -> None:
        cut(store, call)
        if call.name in PAGED:
            call.content = _NEXT.sub(lambda found: self.first.setdefault(found[1], found[0]), call.content)


SHAPES: dict[str, Callable[[], Shape]] = {
    "as S3 has it": lambda: Shape("paged", in_pages, cut),
    "no marker": lambda: Shape("no marker", in_pages, without_markers),
    "the same marker again": lambda: Shape("repeated", in_pages, Repeated()),
}


@pytest.fixture(params=SHAPES)
def through(request: pytest.FixtureRequest, bucket: Bucket) -> Iterator[tuple[S3Store, ShapedStore]]:
    yield from connected(bucket, SHAPES[request.param]())


@pytest.fixture
def endless(bucket: Bucket) -> Iterator[tuple[S3Store, ShapedStore]]:
    yield from connected(bucket, Shape("from the start", from_the_start, cut))


def connected(bucket: Bucket, shape: Shape) -> Iterator[tuple[S3Store, ShapedStore]]:
    with ShapedStore(bucket.store.endpoint, shape) as proxy:
        store = s3.connect(S3Destination(endpoint=proxy.endpoint, bucket=bucket.name), Keys(KEY_ID, SECRET, None))
        yield store, proxy
        store.close()


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Growing]:
    path = tmp_path / "file"
    path.write_bytes(b"v" * _WHOLE)
    growing = Growing(path, finished=True)
    yield growing
    growing.close()


def test_all_parts_are_read(through: tuple[S3Store, ShapedStore], file: Growing, bucket: Bucket) -> None:
    store, proxy = through
    upload = store.begin(KEY, "video/mp4", {})
    upload.send(file, lambda _: None)
    assert store.finish(upload.ticket, {}, replace=False)
    assert bucket.head(KEY)["ContentLength"] == _WHOLE
    assert proxy.calls.count("Parts") == 2


def test_no_upload_is_lost(through: tuple[S3Store, ShapedStore], bucket: Bucket) -> None:
    store, proxy = through
    opened = {store.begin(KEY, "video/mp4", {}).id for _ in range(5)}
    store.begin(f"{KEY}.json", "application/json", {})
    found = store.unfinished(KEY)
    assert found is not None
    assert {one.upload for one in found} == opened
    assert len(found) == 5
    assert proxy.calls.count("Uploads") == 3


def test_parts_that_are_listed_again_and_again_are_sent_anew(
    endless: tuple[S3Store, ShapedStore], file: Growing
) -> None:
    store, proxy = endless
    upload = store.begin(KEY, "video/mp4", {})
    upload.send(file, lambda _: None)
    assert not store.is_ready(upload.ticket)
    assert proxy.calls.count("Parts") <= 3


def test_uploads_that_are_listed_again_and_again_are_not_told(endless: tuple[S3Store, ShapedStore]) -> None:
    store, proxy = endless
    for _ in range(3):
        store.begin(KEY, "video/mp4", {})
    assert store.unfinished(KEY) is None
    assert proxy.calls.count("Uploads") <= 3
    with pytest.raises(s3_upload_lists.EndlessError):
        [*s3_upload_lists.uploads(store.client, store.bucket, KEY)]


def test_uploads_after_a_refused_marker_are_not_told(bucket: Bucket) -> None:
    """As versitygw with its own ``upload-id-marker``."""

    def refuse(call: Call) -> None:
        if "marker=" in call.path:
            call.refuse(400, "InvalidArgument")

    for store, _ in connected(bucket, Shape("refused", refuse, cut)):
        for _number in range(3):
            store.begin(KEY, "video/mp4", {})
        assert store.unfinished(KEY) is None


def test_a_store_that_refuses_an_empty_list_has_none(bucket: Bucket) -> None:
    """As ``rclone serve s3``; the note of what may be unfinished would stay for good."""

    def refuse(call: Call) -> None:
        if call.name == "Uploads":
            call.refuse(404, "NoSuchUpload")

    for store, _ in connected(bucket, Shape("none", refuse)):
        assert store.unfinished(KEY) == []
