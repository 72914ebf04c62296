"""What becomes of imports and of bucket sources with one object store: an outcome in a few words for each feature."""

import hashlib
import json
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.fake_source_site import Exchange, FakeSourceSite, file
from support.waiting import until
from support.worker.destinations import BucketHarness, bring, place_at, task_for
from support.worker.fetch_harness import FetchHarness
from support.worker.kill_points import kill_everywhere
from support.worker.listing_harness import ListingHarness
from support.worker.object_store import KEY_ID, SECRET, Bucket, ObjectStore
from support.worker.store_answers import LONG_KEY, ODD_KEYS, Asker, asked, is_kept_at
from support.worker.worker_harness import FinishedRun, WorkerHarness
from videoimport.api.videoimport_source import VideoSource
from videoimport.worker.pipeline import destination as preflight
from videoimport.worker.runtime.errors import ImportFailure
from videoimport.worker.runtime.subprocesses import Children

VIDEO, RESULT = "in/clip/video.mp4", "in/clip/result.json"
MOVIE = b"\0\0\0\x18ftypmp42" + bytes(range(256)) * 4 * 1024 * 30
"""30 MiB: several ranges, and four parts."""
OTHER = MOVIE[:16] + MOVIE[:15:-1]
"""As many other bytes."""
MANY = 1001
"""Keys: more than a store lists in one answer."""
KEYS = {"AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET}
Outcomes = dict[str, str]


@dataclass
class World:
    """A store, a web server with a clip, and folders for workers."""

    store: ObjectStore
    folder: Path
    site: FakeSourceSite
    clip: Path

    def desk(self, bucket: Bucket | None = None) -> WorkerHarness:
        """Workers of one import, in a folder of their own."""
        return WorkerHarness(bucket or self.store.new_bucket(), self._new_folder())

    def bench(self) -> FetchHarness:
        """Fetching processes."""
        return FetchHarness(Children(), self._new_folder())

    def lists(self) -> ListingHarness:
        """Listing workers."""
        return ListingHarness(self.store.new_bucket(), self._new_folder())

    def url(self, path: str = "/v.mp4") -> str:
        """The address of the clip."""
        return self.site.add(path, file(self.clip))

    def _new_folder(self) -> Path:
        folder = self.folder / f"{len(list(self.folder.iterdir()))}"
        folder.mkdir()
        return folder

    def file(self, content: bytes) -> Path:
        """A file with this content."""
        path = self._new_folder() / "file"
        path.write_bytes(content)
        return path


def said(ended: FinishedRun) -> str:
    """An end in a few words: how the video was verified, or why the import failed."""
    if ended.code:
        return str(ended.reason)
    report = ended.report.model_dump(by_alias=True, mode="json")
    if report.get("duplicateOf"):
        return "Duplicate"
    video = report["outputs"]["video"]
    guard = ", unguarded" if report.get("unguarded") else ""
    return f"Completed, verified by {video.get('verified')}{guard}"


def one_video(world: World) -> Outcomes:
    """A new import, the same again, another one of the same video, one in its place, and one that replaces it."""
    desk, url = world.desk(), world.url()
    first = desk.bring(url)
    whole = first.code != 0 or _digest(desk.bucket.read(VIDEO)) == first.report.outputs.video.sha256
    asked_before = len(world.site.requests)
    again = desk.bring(url, run=2)
    moved = len(world.site.requests) - asked_before
    other = world.desk(desk.bucket)
    duplicate = other.bring(url, uid="uid-2", destination={"name": "other"})
    taken = other.bring(url, uid="uid-3", incremental=False)
    replaced = other.bring(url, uid="uid-4", incremental=False, destination={"ifExists": "Replace"})
    owner = desk.bucket.metadata(VIDEO).get("videoimport-uid")
    return {
        "new": said(first) if whole else "Completed with other bytes",
        "again": f"{said(again)}, {moved} requests to the source",
        "duplicate": said(duplicate),
        "taken": said(taken),
        "replaced": said(replaced) if owner == "uid-4" or replaced.code else f"owner {owner}",
        "left": _unfinished(desk.bucket),
    }


def _unfinished(bucket: Bucket) -> str:
    """How many uploads are neither completed nor aborted, or that the store does not list them."""
    asker = Asker(bucket)
    return asked(lambda: f"{len(asker.client.list_multipart_uploads(Bucket=asker.name).get('Uploads', []))} uploads")


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def foreign(world: World) -> Outcomes:
    """Objects of others: there before, and appearing while the source is fetched."""
    before, meanwhile = world.desk(), world.desk()
    before.bucket.put(VIDEO, b"theirs")

    def while_fetching(exchange: Exchange) -> None:
        meanwhile.bucket.put(VIDEO, b"theirs")
        file(world.clip)(exchange)

    ends = {
        "foreign": (before, before.bring(world.url(), incremental=False)),
        "appears": (meanwhile, meanwhile.bring(world.site.add("/w.mp4", while_fetching))),
    }
    return {
        name: said(ended) if desk.bucket.read(VIDEO) == b"theirs" else f"{said(ended)}, overwritten"
        for name, (desk, ended) in ends.items()
    }


def stopped(world: World) -> Outcomes:
    """A cancel while the source is fetched, and what is left in the bucket."""
    desk = world.desk()

    def halting(exchange: Exchange) -> None:
        exchange.answer(200, world.clip.read_bytes(), {"ETag": '"one"'}, send=world.clip.stat().st_size // 2)
        world.site.over.wait(60)

    running = desk.start(desk.task(world.site.add("/v.mp4", halting)))
    until(lambda: world.site.requests)
    running.terminate()
    ended = running.ended()
    return {"cancelled": f"{ended.reason}, {len(desk.bucket.shown)} objects, {_unfinished(desk.bucket)}"}


def refused(world: World) -> Outcomes:
    """Wrong keys, and a bucket that is not there; nothing may be fetched."""
    wrong, nowhere = world.desk(), world.desk()
    wrong.keys = KEYS | {"AWS_SECRET_ACCESS_KEY": "not-the-secret"}
    s3 = {"endpoint": world.store.endpoint, "bucket": "nobody-made-this"}
    return {
        "wrong keys": _before_the_fetch(world, lambda: wrong.bring(world.url())),
        "no bucket": _before_the_fetch(world, lambda: nowhere.bring(world.url(), destination={"s3": s3})),
    }


def _before_the_fetch(world: World, bring: Callable[[], FinishedRun]) -> str:
    """The end of an import, and whether it fetched anything although it failed."""
    before = len(world.site.requests)
    ended = bring()
    return said(ended) + (" after the fetch" if ended.code and len(world.site.requests) > before else "")


def options(world: World) -> Outcomes:
    """Each option of ``destination.s3``: kept, dropped by the store, or refused before a byte is fetched."""
    return {feature: _option(world, name, value) for feature, (name, value) in OPTIONS.items()}


OPTIONS: Mapping[str, tuple[str, Any]] = {
    "tags": ("tags", {"team": "A + B"}),
    "tags beyond ASCII": ("tags", {"é": "ü"}),
    "cacheControl": ("cacheControl", "public, max-age=60"),
    "storageClass": ("storageClass", "STANDARD_IA"),
    "serverSideEncryption": ("serverSideEncryption", "AES256"),
}


def _option(world: World, name: str, value: Any) -> str:
    bucket = world.store.new_bucket()
    home = BucketHarness(bucket)
    home.destination["s3"][name] = value
    store = home.store()
    place = place_at(store, task_for(home))
    try:
        preflight.writable(place)
        bring(place, {"video.mp4": world.file(b"video" * 1000)})
    except ImportFailure:
        return _refusal(world, name, value)
    finally:
        store.close()
    kept = [asked(lambda key=key: str(is_kept_at(Asker(bucket), key, name, value))) for key in (VIDEO, RESULT)]
    return {("True", "True"): "kept", ("False", "False"): "dropped"}.get(tuple(kept), f"dropped ({kept[0]})")


def _refusal(world: World, name: str, value: Any) -> str:
    """What the user is told, and whether that is before anything is fetched."""
    desk = world.desk()
    before = len(world.site.requests)
    s3 = {"endpoint": world.store.endpoint, "bucket": desk.bucket.name, "prefix": "in", name: value}
    ended = desk.bring(world.url(), destination={"s3": s3})
    if ended.code == 0:
        return "kept"
    when = "after" if len(world.site.requests) > before else "before"
    names = f"destination.s3.{name}" in f"{ended.report.message} {ended.report.advice}"
    return f"{ended.reason} {when} the fetch" + ("" if names else ", field not named")


def long_metadata(world: World) -> Outcomes:
    """5,001 bytes of ``spec.metadata``, more than S3 keeps with an object."""
    desk = world.desk()
    metadata = {f"name-{number:02}": "ü" * 117 for number in range(20)}
    size = len(json.dumps(metadata, ensure_ascii=False).encode())
    metadata["rest"] = "x" * (5001 - size - len(', "rest": ""'))
    assert len(json.dumps(metadata, ensure_ascii=False).encode()) == 5001
    ended = desk.bring(world.url(), metadata=metadata)
    if ended.code:
        return {"metadata of 5,001 bytes": said(ended)}
    told = desk.bucket.json(RESULT)["userMetadata"] == metadata
    with_object = "videoimport-metadata" in desk.bucket.metadata(VIDEO)
    return {"metadata of 5,001 bytes": f"result.json: {told}, object: {with_object}"}


ODD_PREFIX = "in/a b+c%/zürich ☂/片"


def files(world: World) -> Outcomes:
    """Files of several sizes, and a prefix of odd letters, brought by the worker's own upload."""
    return {
        "empty file": _whole(world, b"", "in"),
        "four parts": _whole(world, MOVIE, "in"),
        "odd prefix": _whole(world, b"video" * 100, ODD_PREFIX),
    }


def _whole(world: World, content: bytes, prefix: str) -> str:
    bucket = world.store.new_bucket()
    home = BucketHarness(bucket)
    home.destination["s3"]["prefix"] = prefix
    store = home.store()
    folder = f"{prefix}/clip"
    try:
        place = place_at(store, task_for(home))
        preflight.writable(place)
        report = bring(place, {"video.mp4": world.file(content)}, folder=folder)
        assert report.outputs is not None
        whole = bucket.read(f"{folder}/video.mp4") == content
        again = place_at(store, task_for(home, run=2))
        found = again.scope.read(again.record_key)
    except ImportFailure as failure:
        return failure.reason.value
    finally:
        store.close()
    keys = [key for key in bucket.keys if "/.videoimport/" not in key]
    expected = sorted(f"{folder}/{name}" for name in ("video.mp4", "result.json"))
    if not whole or not found:
        return "other content" if not whole else "no record"
    return "whole" if keys == expected else f"whole, {len(keys)} objects"


def killed(world: World) -> Outcomes:
    """A kill before and after each request of an upload that replaces another; the next run ends it."""
    old = {name: world.file(name.encode() * 100) for name in ("video.mp4", "renditions/480p.mp4")}
    new = {name: world.file(name.encode() * 100) for name in ("video.mp4", "audio.m4a")}
    server = world.store.server
    can = {"resumes": server.lists_parts, "tidies": server.dates_uploads, "settles": server.confirms_gone}
    try:
        for after in (True, False):
            kill_everywhere(lambda: BucketHarness(world.store.new_bucket()), old, new, after=after, **can)
    except ImportFailure as failure:
        return {"killed at each request": f"the next run ends with {failure.reason.value}"}
    lacks = {"resumes": "perhaps sent twice", "tidies": "an upload may be left", "settles": "a note may be left"}
    return {"killed at each request": ", ".join(["one whole result", *(lacks[one] for one in can if not can[one])])}


def sources(world: World) -> Outcomes:
    """An object as a source: by ranges, and changed meanwhile."""
    bucket = world.store.new_bucket()
    bucket.put("films/a clip.mp4", MOVIE)
    wish = {"stored": {"endpoint": world.store.endpoint, "bucket": bucket.name, "key": "films/a clip.mp4"}}
    bench = world.bench()
    fetched = bench.fetch(**wish, **bench.secret(**KEYS))
    whole = fetched.video.sha256 == _digest(MOVIE)
    changing = world.bench()
    changing.on_found = lambda _: bucket.put("films/a clip.mp4", OTHER)
    try:
        mixed = changing.fetch(**wish, **changing.secret(**KEYS)).video.sha256
        changed = "whole" if mixed in (_digest(MOVIE), _digest(OTHER)) else "MIXED"
    except ImportFailure as failure:
        changed = failure.reason.value
    bench.children.kill_all()
    changing.children.kill_all()
    return {"source by ranges": "whole" if whole else "other bytes", "source changed meanwhile": changed}


def odd_sources(world: World) -> Outcomes:
    """Sources under odd keys, as many as the store can keep."""
    bucket = world.store.new_bucket()
    content, bad, impossible = MOVIE[:4096], [], []
    for key in (*ODD_KEYS, LONG_KEY, "in/a//b.mp4"):
        try:
            bucket_client(bucket).put_object(Bucket=bucket.name, Key=key, Body=content)
            assert bucket.read(key) == content
        except Exception:  # noqa: BLE001
            impossible.append(key)
            continue
        bench = world.bench()
        wish = {"stored": {"endpoint": world.store.endpoint, "bucket": bucket.name, "key": key}}
        try:
            bench.fetch(**wish, **bench.secret(**KEYS))
        except ImportFailure as failure:
            bad.append(f"{key[:20]}: {failure.reason.value}")
        bench.children.kill_all()
    told = f"{len(ODD_KEYS) + 2 - len(impossible)} of {len(ODD_KEYS) + 2} keys can be stored"
    return {"sources under odd keys": f"{told}, all are read" if not bad else f"{told}, not read: {bad}"}


def bucket_client(bucket: Bucket) -> Any:
    """A client that asks once."""
    return Asker(bucket).client


def lists(world: World) -> Outcomes:
    """A bucket as the source of a BulkImport: more keys than one answer lists, and what the destination has already."""
    found = world.lists()
    source = world.store.new_bucket()
    keys = sorted([*(f"many/{number:05}.mp4" for number in range(MANY)), *ODD_KEYS])
    client = bucket_client(source)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda key: client.put_object(Bucket=source.name, Key=key, Body=b"video"), keys))
    pages = list(found.pages(found.bucket_source(source), max_items=700))
    listed = [key for page in pages for key in page.keys]
    order = "all, in order" if listed == keys else "all" if sorted(listed) == keys else f"{len(listed)} of {len(keys)}"
    return {"list of 1,007 keys": f"{order}, {len(pages)} pages"}


def incremental_list(world: World) -> Outcomes:
    """Which objects of a bucket the destination has already."""
    found = world.lists()
    desk = world.desk(found.bucket)
    source = world.store.new_bucket()
    clip = world.clip.read_bytes()
    source.put("1.mp4", clip)
    source.put("2.mp4", clip + b"\0\0\0\x08free")
    ended = _import_object(world, desk, source, "1.mp4")
    if ended.code:
        return {"incremental list": said(ended)}
    page = found.page(found.bucket_source(source), incremental=True)
    return {"incremental list": str({item.key: item.known is not None for item in page.found})}


def _import_object(world: World, desk: WorkerHarness, source: Bucket, key: str) -> FinishedRun:
    (desk.folder / "source-keys").mkdir()
    for name, value in KEYS.items():
        (desk.folder / "source-keys" / name).write_text(value)
    desk.options = ("--source-credentials", desk.folder / "source-keys")
    s3 = {"endpoint": world.store.endpoint, "bucket": source.name, "key": key}
    wanted = VideoSource.model_validate({"s3": s3, "credentialsSecretRef": {"name": "source-keys"}})
    task = desk.task("https://e.com")
    spec = task.spec.model_copy(update={"source": wanted})
    return desk.run(task.model_copy(update={"spec": spec}))


SCENARIOS: Mapping[str, Callable[[World], Outcomes]] = {
    scenario.__name__: scenario
    for scenario in (
        one_video, foreign, stopped, refused, options, long_metadata, files, killed, sources, odd_sources, lists,
        incremental_list,
    )
}  # fmt: skip
SMALL = ("one_video", "options", "files", "sources")
"""What `make test` runs with several servers."""
