"""Buckets of a real object store, listed and looked into by the real worker."""

from collections.abc import Callable
from pathlib import Path

import pytest

from support.fake_source_site import FakeSourceSite
from support.worker.corpus.files import Corpus
from support.worker.listing_harness import ListingHarness
from support.worker.long_bucket import LongBucket
from support.worker.object_store import Bucket
from support.worker.worker_harness import WorkerHarness
from videoimport.api.bulkimport_source import BulkSource
from videoimport.api.identity import item_identity
from videoimport.api.reasons import Reason
from videoimport.api.videoimport_source import S3Source, VideoSource
from videoimport.worker.fetch.context import Surroundings
from videoimport.worker.fetch.process_messages import Request, Teller, identity
from videoimport.worker.listing.bucket import Bucket as ObjectsOf
from videoimport.worker.listing.process_messages import ListEntry, ListRequest
from videoimport.worker.sandbox.address_guard import Guard
from videoimport.worker.sandbox.proxy import Route

Footage = Callable[[str], Path]
WIDE = {"minHeight": 100, "maxHeight": 1080}
SCRIPTS = ("a b/c+d.mp4", "a-b.mp4", "a/b.mp4", "zürich/Ωμέγα ☂.mp4", "клип.mp4", "片/视频&lt;.mp4")


@pytest.fixture
def source(bucket: Bucket) -> Bucket:
    """Another one than the destination."""
    return bucket.store.new_bucket()


def test_every_key_is_found_in_order_whatever_its_script(lists: ListingHarness, source: Bucket) -> None:
    for key in SCRIPTS:
        source.put(key, b"video")
    wish = lists.bucket_source(source)
    (page,) = lists.pages(wish)
    assert page.keys == sorted(SCRIPTS)
    wanted = VideoSource(s3=S3Source(endpoint=source.store.endpoint, bucket=source.name, key=SCRIPTS[0])).locator
    assert item_identity(wanted) in {item.id for item in page.found}
    in_pages = list(lists.pages(wish, max_items=3))
    assert [key for page in in_pages for key in page.keys] == sorted(SCRIPTS)


def test_folders_and_our_own_notes_are_no_items_and_what_is_no_video_is_rejected(
    lists: ListingHarness, source: Bucket
) -> None:
    source.put("folder/", b"")
    source.put("shown/.videoimport/imports/1.json", b"{}")
    for key in ("notes.txt", "cover.JPG", "empty.mp4", "clip", "clip.mp4"):
        source.put(f"folder/{key}", b"" if key.startswith("empty") else b"x")
    page = lists.page(lists.bucket_source(source))
    assert page.keys == ["folder/clip", "folder/clip.mp4"]
    assert page.reasons == dict.fromkeys(("notes.txt", "cover.JPG", "empty.mp4"), "NotVideo")
    assert {item.url for item in page.rejected} == {f"s3://{source.name}/folder/{name}" for name in page.reasons}
    assert all(item.id for item in page.rejected)


def test_prefix_and_suffixes_choose(lists: ListingHarness, source: Bucket) -> None:
    for key in ("in/1.mp4", "in/2.MKV", "in/3.jpg", "inner.mp4", "out/4.mp4"):
        source.put(key, b"x")
    page = lists.page(lists.bucket_source(source, prefix="in/", suffixes=[".mp4", ".mkv"]))
    assert (page.keys, page.rejected) == (["in/1.mp4", "in/2.MKV"], [])


def test_first_bytes_tell_what_is_not_wanted(lists: ListingHarness, source: Bucket, footage: Footage) -> None:
    kitchen = Corpus.open()
    fits = {
        "fits/first.mp4": kitchen.obtain("faststart.mp4"),
        "fits/last.mp4": footage("moov-last.mp4"),
        "fits/matroska.mkv": kitchen.obtain("matroska.mkv"),
        "fits/nameless": kitchen.obtain("faststart.mp4"),
    }
    for key, path in fits.items():
        source.put(key, path.read_bytes())
    video = kitchen.obtain("faststart.mp4").read_bytes()
    source.put("not/avi.avi", kitchen.obtain("divx.avi").read_bytes())
    source.put("not/page.mp4", b"<!doctype html><html><body>Log in</body></html>")
    source.put("not/picture.mp4", b"\xff\xd8\xff\xe0" + b"x" * 500)
    source.put("not/large.mp4", video + b"\0" * 3_000_000)
    page = lists.page(lists.bucket_source(source), requirements={**WIDE, "maxSize": "3M"})
    assert page.keys == list(fits), [item.message for item in page.rejected]
    assert page.reasons == {
        "avi.avi": "UnsupportedFormat", "page.mp4": "NotVideo", "picture.mp4": "NotVideo",
        "large.mp4": "SourceTooLarge",
    }  # fmt: skip
    assert list((lists.folder / "scratch").iterdir()) == []
    page = lists.page(lists.bucket_source(source, prefix="fits"), requirements={**WIDE, "minHeight": 1000})
    assert page.keys == []
    assert set(page.reasons.values()) == {"UnsupportedResolution"}
    assert "320x180" in page.rejected[0].message
    short = {**WIDE, "maxDurationSeconds": 1}
    page = lists.page(lists.bucket_source(source, prefix="fits"), requirements=short)
    assert (page.keys, set(page.reasons.values())) == ([], {"UnsupportedDuration"})


def test_without_requirements_nothing_is_read(lists: ListingHarness, source: Bucket) -> None:
    source.put("clip.mp4", b"no video at all")
    assert lists.page(lists.bucket_source(source)).keys == ["clip.mp4"]


def test_what_the_destination_has_is_known(lists: ListingHarness, desk: WorkerHarness, source: Bucket) -> None:
    clip = Corpus.open().obtain("faststart.mp4").read_bytes()
    source.put("1.mp4", clip)
    source.put("2.mp4", clip + b"\0\0\0\x08free")
    (desk.folder / "source-keys").mkdir()
    for name, value in lists.secret.items():
        (desk.folder / "source-keys" / name).write_text(value)
    desk.options = ("--source-credentials", desk.folder / "source-keys")
    place = {"endpoint": source.store.endpoint, "bucket": source.name, "key": "1.mp4"}
    task = desk.task("https://e.com")
    spec = task.spec.model_copy(
        update={"source": VideoSource.model_validate({"s3": place, "credentialsSecretRef": {"name": "source-keys"}})}
    )
    done = desk.start(task.model_copy(update={"spec": spec})).ended()
    assert done.code == 0, done.everything
    wish = lists.bucket_source(source)
    page = lists.page(wish, incremental=True)
    assert [(item.key, item.known is not None) for item in page.found] == [("1.mp4", True), ("2.mp4", False)]
    known = page.found[0].known
    assert known is not None
    assert (known.video_id, known.uri) == (done.report.video_id, done.report.outputs.video.uri)
    assert [item.known for item in lists.page(wish, incremental=False).found] == [None, None]
    tall = lists.page(wish, incremental=True, requirements={**WIDE, "minHeight": 360})
    assert set(tall.reasons) == {"1.mp4", "2.mp4"}, "what is there is no way around what is required"
    source.put("1.mp4", clip + b"\0\0\0\x0cfreenew!")
    assert [item.known for item in lists.page(wish, incremental=True).found] == [None, None]


def test_results_in_the_same_bucket_are_not_imported_again(lists: ListingHarness) -> None:
    mine = lists.bucket
    marks = {"videoimport-uid": "some-uid"}
    mine.put("in/talk/video.mp4", b"ours", Metadata=marks)
    mine.put("in/talk/result.json", b"{}", Metadata=marks)
    mine.put("in/talk/renditions/360p.mp4", b"ours", Metadata=marks)
    mine.put("in/other/video.mp4", b"a user's own")
    mine.put("in/.videoimport/index/content/1.json", b"{}")
    mine.put("raw.mp4", b"x")
    page = lists.page(lists.bucket_source(mine))
    assert (page.keys, page.rejected) == (["in/other/video.mp4", "raw.mp4"], [])
    other = mine.store.new_bucket()
    other.put("in/talk/video.mp4", b"results of another bucket", Metadata=marks)
    assert lists.page(lists.bucket_source(other)).keys == ["in/talk/video.mp4"]


def test_what_is_wrong_with_a_bucket_is_the_reason(lists: ListingHarness, source: Bucket) -> None:
    assert (page := lists.page(lists.bucket_source(source))).report.done
    assert page.lines == []
    nowhere = lists.bucket_source(source)
    nowhere["s3"]["bucket"] = "no-such-bucket"
    assert lists.page(nowhere).reason == "SourceNotFound"
    lists.secret["AWS_SECRET_ACCESS_KEY"] = "wrong"
    page = lists.page(lists.bucket_source(source))
    assert page.reason == "SourceAuthRequired"
    assert "s3:ListBucket" in page.report.advice
    nobody = lists.page(lists.bucket_source(source), allowed_networks=())
    assert nobody.reason == "AddressForbidden"


def test_keys_that_come_between_two_pages_lose_nothing(lists: ListingHarness, source: Bucket) -> None:
    for name in ("b", "d", "f"):
        source.put(f"{name}.mp4", b"x")
    first = lists.page(lists.bucket_source(source), max_items=2)
    for name in ("a", "e"):
        source.put(f"{name}.mp4", b"x")
    source.delete("b.mp4")
    rest = lists.page(lists.bucket_source(source), page=1, cursor=first.report.cursor)
    assert (first.keys, rest.keys) == (["b.mp4", "d.mp4"], ["e.mp4", "f.mp4"])


def test_a_hundred_thousand_keys_are_listed_a_page_at_a_time(lists: ListingHarness, site: FakeSourceSite) -> None:
    long = LongBucket(site, [f"archive/{number:06}/recording.mp4" for number in range(100_001)])
    first = lists.page(long.source)
    assert first.keys == long.keys[:2000]
    assert len(long.listings) <= 3, "no more is asked for than a page has room for"
    assert first.report.bytes < 512 * 1024
    last = lists.page(long.source, page=50, cursor=long.keys[99_999])
    assert (last.keys, last.report.done) == (long.keys[100_000:], True)


def test_the_next_page_begins_behind_a_key_of_whatever_letters(lists: ListingHarness, site: FakeSourceSite) -> None:
    long = LongBucket(site, [f"{number:04}\u2028.mp4" for number in range(2001)])
    first = lists.page(long.source)
    last = lists.page(long.source, page=1, cursor=first.report.cursor)
    assert (first.report.cursor or "").isprintable()
    assert (first.keys, last.keys, last.report.done) == (long.keys[:2000], long.keys[2000:], True)


def test_a_store_that_pushes_back_half_way_keeps_what_was_listed(lists: ListingHarness, site: FakeSourceSite) -> None:
    long = LongBucket(site, [f"{number:04}.mp4" for number in range(1500)], refuse_from=2)
    page = lists.page(long.source)
    assert (page.code, page.report.pushed_back, page.report.done) == (0, Reason.RATE_LIMITED, False)
    assert page.keys == long.keys[:1000]


def test_objects_of_a_bucket_with_versions_are_named_by_them(site: FakeSourceSite, tmp_path: Path) -> None:
    """As the import of one would name it, which is told the version when it asks."""
    long = LongBucket(site, ["a.mp4", "b.mp4"], versions={"a.mp4": "v1", "b.mp4": "v2"})
    fetch = Request(folder=str(tmp_path), max_height=1080, room_bytes=2**30)
    around = Surroundings.of(fetch, Teller.__new__(Teller), Guard(()), Route())

    def names(*, wanted: bool) -> list[str | None]:
        wish = BulkSource.model_validate(long.source)
        found = ObjectsOf(around, ListRequest(fetch=fetch, source=wish, wants_versions=wanted)).entries()
        return [entry.identity for entry in found if isinstance(entry, ListEntry)]

    place = f"{site.url('').removeprefix('http://')}/{long.name}"
    assert names(wanted=True) == [
        identity("s3", f"{place}/a.mp4", 'v1 "etag"'),
        identity("s3", f"{place}/b.mp4", 'v2 "etag"'),
    ]
    before = len(site.asked(f"/{long.name}/a.mp4"))
    names(wanted=False)
    assert len(site.asked(f"/{long.name}/a.mp4")) == before, "nobody asks for each object without need"
