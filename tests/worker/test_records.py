"""Records in the destination that others wrote, or whose objects others deleted or replaced: the import is made again,
and its outputs are right. On a bucket and on a volume."""

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from support.fake_source_site import FakeSourceSite, file
from support.worker.destinations import (
    FOLDER,
    BucketHarness,
    DestinationHarness,
    Killed,
    VolumeHarness,
    bring,
    place_at,
    task_for,
)
from support.worker.object_store import Bucket, ObjectStore
from support.worker.worker_harness import WorkerHarness
from videoimport.api.reasons import Reason
from videoimport.api.tasks.import_report import Report
from videoimport.worker.pipeline import earlier_run
from videoimport.worker.pipeline.destination import Place
from videoimport.worker.runtime.errors import ImportFailure
from videoimport.worker.storage import video_index as index
from videoimport.worker.storage.base import DestinationStore
from videoimport.worker.storage.volume.metadata import side_key

NOTES = "in/.videoimport"
RECORD = f"{NOTES}/imports/new.json"
ENTRY = f"{NOTES}/index/content/v.json"
VIDEO, RESULT = f"{FOLDER}/video.mp4", f"{FOLDER}/result.json"
NAMES = ("video.mp4", "audio.m4a", "renditions/480p.mp4", "thumbnails/001.jpg", "thumbnails/002.jpg")
ESC, RLO = "\x1b[31m", "\u202e"
Footage = Callable[[str], Path]


@pytest.fixture(params=["bucket", "volume"])
def home(request: pytest.FixtureRequest, store: ObjectStore, tmp_path: Path) -> DestinationHarness:
    if request.param == "bucket":
        return BucketHarness(store.new_bucket())
    (tmp_path / "volume").mkdir()
    return VolumeHarness(tmp_path / "volume")


@pytest.fixture
def at(home: DestinationHarness) -> Iterator[DestinationStore]:
    store = home.store()
    yield store
    store.close()


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    made = {}
    for number, name in enumerate(NAMES):
        made[name] = tmp_path / f"{number}"
        made[name].write_bytes(name.encode() * 100)
    return made


def put(home: DestinationHarness, key: str, body: bytes, metadata: dict[str, str] | None = None) -> None:
    """As a co-tenant would: with no tool of ours."""
    if isinstance(home, BucketHarness):
        home.bucket.put(key, body, Metadata=metadata or {})
    elif isinstance(home, VolumeHarness):
        path = home.root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)


def remove(home: DestinationHarness, key: str) -> None:
    if isinstance(home, BucketHarness):
        home.bucket.delete(key)
    elif isinstance(home, VolumeHarness):
        (home.root / key).unlink()


def place(home: DestinationHarness, store: DestinationStore, uid: str = "new", run: int = 2, **more: Any) -> Place:
    return place_at(store, task_for(home, uid, run, **more))


def made_again(home: DestinationHarness, at: DestinationStore, files: dict[str, Path], **more: Any) -> None:
    """The next run believes nothing, imports, and every byte is right."""
    again = place(home, at, **more)
    assert earlier_run.done_before(again) is None
    report = bring(again, files, (ENTRY,))
    assert report.outputs is not None
    assert report.outputs.video is not None
    assert report.outputs.video.uri == at.uri(VIDEO)
    for name, path in files.items():
        assert home.read(f"{FOLDER}/{name}") == path.read_bytes()
    assert home.unfinished == []
    assert earlier_run.done_before(place(home, at, run=3, **more)) == report


def replaced(body: bytes) -> bytes:
    return bytes(byte ^ 1 for byte in body)


@pytest.mark.full(
    but=[
        "volume-*",
        "bucket-*-video.mp4",
        "bucket-deleted-result.json",
        "bucket-same size-audio.m4a",
        "bucket-other size-thumbnails/002.jpg",
    ]
)
@pytest.mark.parametrize("name", [*NAMES, "result.json"])
@pytest.mark.parametrize("how", ["deleted", "same size", "other size", "same size and metadata"])
def test_a_result_that_is_not_as_it_was_is_made_again(
    home: DestinationHarness, at: DestinationStore, files: dict[str, Path], name: str, how: str
) -> None:
    first = place(home, at, run=1)
    report = bring(first, files, (ENTRY,))
    assert earlier_run.done_before(place(home, at)) == report
    assert index.look(first.scope, ENTRY) is not None
    key = f"{FOLDER}/{name}"
    facts = at.head(key)
    assert facts is not None
    body, metadata = replaced(home.read(key)), dict(facts.metadata) if how.endswith("metadata") else {}
    remove(home, key)
    if how != "deleted":
        put(home, key, body + b"x" if how == "other size" else body, metadata)
    assert index.look(first.scope, ENTRY) is None
    made_again(home, at, files)
    assert index.look(first.scope, ENTRY) is not None


def test_what_stands_where_nothing_was_published_is_still_in_the_way(
    home: DestinationHarness, at: DestinationStore, files: dict[str, Path]
) -> None:
    """A record makes nobody else's file ours: neither another import's, nor one that it does not name."""
    bring(place(home, at, run=1), {"video.mp4": files["video.mp4"]})
    put(home, f"{FOLDER}/audio.m4a", b"theirs")
    remove(home, RESULT)
    again = place(home, at)
    assert earlier_run.done_before(again) is None
    with pytest.raises(ImportFailure, match=r"audio\.m4a") as caught:
        bring(again, files)
    assert caught.value.reason is Reason.DESTINATION_EXISTS
    assert home.read(f"{FOLDER}/audio.m4a") == b"theirs"


def test_another_imports_result_is_not_replaced_for_a_record(
    home: DestinationHarness, at: DestinationStore, files: dict[str, Path]
) -> None:
    bring(place(home, at, run=1), files)
    bring(place(home, at, "other", 1, destination={"ifExists": "Replace"}), files)
    again = place(home, at)
    assert earlier_run.done_before(again) is None
    with pytest.raises(ImportFailure) as caught:
        bring(again, files)
    assert caught.value.reason is Reason.DESTINATION_EXISTS


def edit(home: DestinationHarness, key: str, change: Callable[[dict[str, Any]], object]) -> None:
    content = json.loads(home.read(key))
    change(content)
    put(home, key, json.dumps(content).encode())


def at_path(*path: Any) -> Callable[[Any], Callable[[dict[str, Any]], None]]:
    def to(value: Any) -> Callable[[dict[str, Any]], None]:
        def change(content: dict[str, Any]) -> None:
            for step in path[:-1]:
                content = content[step]
            content[path[-1]] = value

        return change

    return to


FORGED: dict[str, Callable[[dict[str, Any]], object]] = {
    "foreign bucket": at_path("outputs", "video", "uri")(f"s3://other/{VIDEO}"),
    "foreign claim": at_path("outputs", "video", "uri")(f"pvc://other/{VIDEO}"),
    "web address": at_path("outputs", "video", "uri")("https://evil.example/video.mp4"),
    "another object": at_path("outputs", "video", "uri")(f"s3://media/{FOLDER}/audio.m4a"),
    "way up": at_path("objects", 0, "key")("in/clip/../../out/video.mp4"),
    "other prefix": at_path("objects", 0, "key")("out/clip/video.mp4"),
    "our own notes": at_path("objects", 0, "key")(f"{NOTES}/clip/video.mp4"),
    "escape in url": at_path("outputs", "video", "url")(f"https://cdn.example/{ESC}"),
    "bidi in url": at_path("outputs", "video", "url")(f"https://cdn.example/{RLO}4pm"),
    "bidi in metadata": at_path("metadata")({"format": RLO}),
    "escape in a key that nobody knows": at_path("more")({f"{ESC}": 1}),
    "other size": at_path("outputs", "video", "sizeBytes")(1),
    "no objects": at_path("objects")([]),
    "wrong kind": at_path("kind")("Sealed"),
    "wrong type": at_path("outputs")("everything"),
    "too many": at_path("objects")([{"key": VIDEO, "sizeBytes": 1}] * 300),
    "negative size": at_path("objects", 0, "sizeBytes")(-1),
    "no video": at_path("outputs", "video")(None),
}
BROKEN = {
    "huge": b" " * (5 * 2**20) + b"{}",
    "deep": b"[" * 200_000,
    "empty": b"",
    "not JSON": b"{'",
    "not UTF-8": b'{"kind": "\xff"}',
    "lone surrogate": b'{"kind": "\\ud800"}',
    "a list": b"[]",
    "a number": b"1e999",
}


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_record_is_as_good_as_none(
    home: DestinationHarness, at: DestinationStore, files: dict[str, Path], name: str
) -> None:
    bring(place(home, at, run=1), files)
    edit(home, RECORD, FORGED[name])
    made_again(home, at, files)


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_entry_is_as_good_as_none(
    home: DestinationHarness, at: DestinationStore, files: dict[str, Path], name: str
) -> None:
    first = place(home, at, run=1)
    bring(first, files, (ENTRY,))
    edit(home, ENTRY, FORGED[name])
    assert index.look(first.scope, ENTRY) is None
    claim(first, "other")


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_record_or_entry_is_as_good_as_none(
    home: DestinationHarness, at: DestinationStore, files: dict[str, Path], name: str
) -> None:
    put(home, RECORD, BROKEN[name])
    put(home, ENTRY, BROKEN[name])
    put(home, f"{NOTES}/uploads/new.json", BROKEN[name])
    first = place(home, at, run=1)
    assert index.look(first.scope, ENTRY) is None
    claim(first, "new")
    made_again(home, at, files)


def claim(where: Place, uid: str) -> None:
    """Take the right to store it at once, or fail."""

    def wait(_: float) -> None:
        raise AssertionError("it waits")

    assert isinstance(index.claim(where.scope, ENTRY, uid, where.now, wait), index.Claim)


@pytest.mark.parametrize("expires", ["9999-12-31T23:59:59Z", "9999-12-31T23:59:59-14:00", "2026-13-01T00:00:00Z"])
def test_a_claim_for_ever_holds_nobody_up(
    home: DestinationHarness, at: DestinationStore, files: dict[str, Path], expires: str
) -> None:
    put(home, ENTRY, json.dumps({"kind": "Claimed", "uid": "other", "expires": expires}).encode())
    claim(place(home, at), "new")
    made_again(home, at, files)
    assert index.look(place(home, at).scope, ENTRY) is not None


def test_addresses_are_made_of_this_imports_own_public_base_url(
    home: DestinationHarness, at: DestinationStore, files: dict[str, Path]
) -> None:
    first = place(home, at, run=1)
    bring(first, files, (ENTRY,))
    edit(home, ENTRY, at_path("outputs", "video", "url")("https://evil.example/v.mp4"))
    served = place(home, at, "other", destination={"publicBaseURL": "https://cdn.example"})
    for where, url in ((first, None), (served, "https://cdn.example/in/clip/video.mp4")):
        found = index.look(where.scope, ENTRY)
        assert found is not None
        assert found.outputs.video is not None
        assert found.outputs.video.url == url


@pytest.fixture
def intent(home: DestinationHarness, files: dict[str, Path]) -> dict[str, Any]:
    """As a run leaves it that is killed just before the first file gets its name; all is sent."""
    for at in range(1, 1000):
        with home.dying(at, after=False) as (store, _), suppress(Killed):
            bring(place(home, store, run=1), files)
        if RECORD in home.keys and json.loads(home.read(RECORD))["kind"] == "Intent":
            found: dict[str, Any] = json.loads(home.read(RECORD))
            return found
        wipe(home)
    raise AssertionError("no intent")


def wipe(home: DestinationHarness) -> None:
    if isinstance(home, VolumeHarness):
        for path in home.root.iterdir():
            shutil.rmtree(path)
    elif isinstance(home, BucketHarness):
        for key in home.keys:
            home.bucket.delete(key)
        for upload in home.bucket.uploads:
            home.bucket.store.client.abort_multipart_upload(
                Bucket=home.bucket.name, Key=upload["Key"], UploadId=upload["UploadId"]
            )


THEIRS = "out/theirs.mp4"
INTENTS: dict[str, Callable[[dict[str, Any]], object]] = {
    "result elsewhere": at_path("resultKey")("out/result.json"),
    "stale elsewhere": at_path("stale")([THEIRS]),
    "stale beyond the folder": at_path("stale")(["in/other/video.mp4"]),
    "entry elsewhere": at_path("indexKeys")([THEIRS]),
    "entry by a way up": at_path("indexKeys")([f"{NOTES}/index/content/../../../../out/theirs.mp4"]),
    "ticket elsewhere": at_path("tickets", 0, "key")(THEIRS),
    "escape in the report": at_path("report", "message")(ESC),
}


@pytest.mark.full(
    but=[
        "volume-stale beyond the folder",
        "volume-entry by a way up",
        "volume-escape in the report",
        "bucket-result elsewhere",
        "bucket-ticket elsewhere",
    ]
)
@pytest.mark.parametrize("name", INTENTS)
def test_a_forged_intent_touches_nothing_and_is_as_good_as_none(
    home: DestinationHarness, at: DestinationStore, files: dict[str, Path], intent: dict[str, Any], name: str
) -> None:
    theirs = [THEIRS, "out/result.json", "in/other/video.mp4"]
    for key in theirs:
        put(home, key, b"theirs")
    INTENTS[name](intent)
    put(home, RECORD, json.dumps(intent).encode())
    made_again(home, at, files)
    assert [home.read(key) for key in theirs] == [b"theirs"] * 3


def test_a_whole_intent_is_adopted(
    home: DestinationHarness,
    at: DestinationStore,
    files: dict[str, Path],
    intent: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    again = place(home, at)
    report = earlier_run.done_before(again)
    assert report is not None, "bytes would be moved again"
    assert {name: home.read(f"{FOLDER}/{name}") for name in files} == {n: p.read_bytes() for n, p in files.items()}
    assert isinstance(earlier_run.done_before(place(home, at, run=3)), Report)


class TestVolume:
    """What a file system has and a bucket has not."""

    @pytest.fixture
    def home(self, tmp_path: Path) -> VolumeHarness:
        (tmp_path / "volume").mkdir()
        return VolumeHarness(tmp_path / "volume")

    @pytest.mark.parametrize("key", [RECORD, ENTRY, f"{NOTES}/uploads/new.json"])
    @pytest.mark.parametrize("kind", ["link", "pipe", "dangling link"])
    def test_what_is_no_file_is_no_record(
        self, home: VolumeHarness, at: DestinationStore, files: dict[str, Path], key: str, kind: str
    ) -> None:
        (home.root / key).parent.mkdir(parents=True)
        if kind == "pipe":
            os.mkfifo(home.root / key)
        else:
            target = home.root.parent / "elsewhere"
            target.write_text("{}") if kind == "link" else None
            (home.root / key).symlink_to(target)
        claim(place(home, at), "new")
        made_again(home, at, files)

    def test_a_link_in_the_place_of_a_video_is_not_the_video(
        self, home: VolumeHarness, at: DestinationStore, files: dict[str, Path]
    ) -> None:
        bring(place(home, at, run=1), files, (ENTRY,))
        moved = home.root / "elsewhere.mp4"
        (home.root / VIDEO).rename(moved)
        (home.root / VIDEO).symlink_to(moved)
        made_again(home, at, files)
        assert not (home.root / VIDEO).is_symlink()

    def test_a_folder_that_became_a_link_is_no_hit(
        self, home: VolumeHarness, at: DestinationStore, files: dict[str, Path]
    ) -> None:
        bring(place(home, at, run=1), files, (ENTRY,))
        (home.root / FOLDER).rename(home.root / "elsewhere")
        (home.root / FOLDER).symlink_to(home.root / "elsewhere")
        assert index.look(place(home, at, "other").scope, ENTRY) is None

    def test_a_sent_file_that_was_exchanged_is_not_adopted(
        self, home: VolumeHarness, at: DestinationStore, files: dict[str, Path], intent: dict[str, Any]
    ) -> None:
        sent = home.root / intent["tickets"][-1]["upload"]
        sent.write_bytes(replaced(sent.read_bytes()))
        made_again(home, at, files)

    def test_an_intent_removes_no_file_that_is_no_upload(
        self, home: VolumeHarness, at: DestinationStore, files: dict[str, Path], intent: dict[str, Any]
    ) -> None:
        put(home, THEIRS, b"theirs")
        intent["tickets"][0]["upload"] = THEIRS
        put(home, RECORD, json.dumps(intent).encode())
        made_again(home, at, files)
        assert home.read(THEIRS) == b"theirs"

    def test_a_side_file_that_speaks_of_other_bytes_is_none(
        self, home: VolumeHarness, at: DestinationStore, files: dict[str, Path]
    ) -> None:
        bring(place(home, at, run=1), files)
        put(home, side_key(NOTES, VIDEO), b'[{"key": "x", "size": 900, "changedNs": 1}]')
        made_again(home, at, files)


class TestWholeWorker:
    """The same as its pod runs it."""

    def test_a_deleted_video_is_imported_again(
        self, desk: WorkerHarness, site: FakeSourceSite, footage: Footage
    ) -> None:
        url = site.add("/v.mp4", file(footage("silent.mp4")))
        first = desk.bring(url)
        assert first.code == 0, first.everything
        desk.bucket.delete("in/clip/video.mp4")
        again = desk.bring(url, run=2)
        assert again.code == 0, again.everything
        assert again.report.duplicate_of is None
        assert desk.bucket.metadata("in/clip/video.mp4")["videoimport-run"] == "2"

    def test_a_planted_entry_reaches_no_status(
        self, desk: WorkerHarness, site: FakeSourceSite, bucket: Bucket, footage: Footage
    ) -> None:
        url = site.add("/v.mp4", file(footage("silent.mp4")))
        assert desk.bring(url).code == 0
        entries = [key for key in bucket.keys if "/index/" in key]
        assert len(entries) == 2
        for key in entries:
            entry = bucket.json(key)
            entry["outputs"]["video"] |= {"uri": f"s3://evil/{RLO}4pm.oediv", "url": f"https://evil.example/{ESC}"}
            bucket.put(key, json.dumps(entry).encode())
        other = desk.bring(url, uid="uid-2", destination={"name": "other"})
        assert other.code == 0, other.everything
        assert other.report.duplicate_of is None
        assert other.report.outputs.video.uri == f"s3://{bucket.name}/in/other/video.mp4"
        assert "evil" not in other.everything

    def test_another_videos_entry_is_no_duplicate(
        self, desk: WorkerHarness, site: FakeSourceSite, bucket: Bucket, footage: Footage
    ) -> None:
        one = site.add("/one.mp4", file(footage("silent.mp4")))
        other = site.add("/other.mp4", file(footage("small.mp4")))
        entries = {}
        for uid, url in (("uid-1", one), ("uid-2", other)):
            assert desk.bring(url, uid=uid, destination={"name": uid}).code == 0
            (entries[uid],) = (
                key for key in bucket.keys if "/index/content/" in key and bucket.json(key)["uid"] == uid
            )
        bucket.put(entries["uid-1"], json.dumps(bucket.json(entries["uid-2"])).encode())
        for key in [key for key in bucket.keys if "/index/source/" in key]:
            bucket.delete(key)
        again = desk.bring(one, uid="uid-3", destination={"name": "again"})
        assert again.code == 0, again.everything
        assert again.report.duplicate_of is None
        assert bucket.json(entries["uid-1"])["uid"] == "uid-3"
