"""Whose an object is: what other imports have in the destination stays, whatever a record says of it, and so does an
earlier result of which nothing was replaced. On a store that keeps metadata, and on one that keeps none."""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from support.worker.destinations import FOLDER, BucketHarness, Killed, bring, place_at, task_for
from support.worker.object_store import Bucket, ObjectStore
from support.worker.shaped_store import CONDITIONS, Call, Shape, ShapedStore
from videoimport.api.reasons import Reason
from videoimport.api.tasks.import_report import Report
from videoimport.api.videoimport_status import OutputFile, Outputs
from videoimport.worker.pipeline import destination as preflight
from videoimport.worker.pipeline import earlier_run, publish
from videoimport.worker.pipeline.destination import Place
from videoimport.worker.runtime.errors import ImportFailure
from videoimport.worker.storage.base import Ticket
from videoimport.worker.storage.commit_record import Intent
from videoimport.worker.storage.upload_batch import Parcel, Shipment

NOTES = "in/.videoimport"
RECORD = f"{NOTES}/imports/new.json"
VIDEO, RESULT = f"{FOLDER}/video.mp4", f"{FOLDER}/result.json"
REPLACE = {"destination": {"ifExists": "Replace"}}
CHANGED = {"output": {"video": {"crf": 30}}}
UUIDS = ("6f2b8a52-2a55-4c4e-9d0e-0d1f6d9c0a11", "0a1f7c9d-95c6-4a3b-8f43-b1f6a4a8e9c2")


def without_metadata(_: ShapedStore, call: Call) -> None:
    call.rename(lambda name, value: None if name.lower().startswith("x-amz-meta-") else (name, value))


def trimmed_metadata(_: ShapedStore, call: Call) -> None:
    call.rename(lambda name, value: (name, value[:33]) if name.lower().startswith("x-amz-meta-") else (name, value))


def without_metadata_of_notes(store: ShapedStore, call: Call) -> None:
    if "/uploads/" in call.path:
        without_metadata(store, call)


def without_conditions(call: Call) -> None:
    for name in CONDITIONS:
        call.headers.pop(name, None)


SHAPES = {
    "keeps metadata": Shape("plain"),
    "keeps none": Shape("no metadata", answer=without_metadata),
    "trims metadata": Shape("trimmed", answer=trimmed_metadata),
    "keeps some": Shape("no metadata of notes", answer=without_metadata_of_notes),
    "no conditions": Shape("no conditions", without_conditions),
}
BOTH = pytest.mark.parametrize("shape", ["keeps metadata", "keeps none"])


@dataclass
class Desk:
    """A bucket by its proxy, and imports to it."""

    home: BucketHarness
    keeps: bool

    def place(self, uid: str = "new", run: int = 1, *, probe: bool = True, **more: Any) -> Place:
        """As a run of the worker begins that finds no result of its own."""
        place = place_at(self.home.store(), task_for(self.home, uid, run, **more))
        if probe:
            assert earlier_run.done_before(place) is None
            preflight.writable(place)
        return place

    @property
    def all(self) -> dict[str, tuple[bytes, dict[str, str]]]:
        """Every object's content, and its metadata as far as the import may know of it."""
        bucket = self.home.bucket
        return {key: (bucket.read(key), bucket.head(key)["Metadata"] if self.keeps else {}) for key in bucket.keys}


@pytest.fixture(scope="module")
def proxies(store: ObjectStore) -> Iterator[Callable[[str], ShapedStore]]:
    made: dict[str, ShapedStore] = {}
    for name, shape in SHAPES.items():
        made[name] = ShapedStore(store.endpoint, shape).__enter__()
    yield made.__getitem__
    for one in made.values():
        one.__exit__(None, None, None)


@pytest.fixture
def desk(shape: str, proxies: Callable[[str], ShapedStore], bucket: Bucket) -> Desk:
    real = bucket.store
    there: Any = SimpleNamespace(endpoint=proxies(shape).endpoint, client=real.client, server=real.server)
    return Desk(BucketHarness(Bucket(there, bucket.name)), shape != "keeps none")


@pytest.fixture
def mine(tmp_path: Path) -> dict[str, Path]:
    (tmp_path / "mine").write_bytes(b"mine" * 1000)
    return {"video.mp4": tmp_path / "mine"}


@pytest.fixture
def theirs(tmp_path: Path) -> dict[str, Path]:
    (tmp_path / "theirs").write_bytes(b"theirs" * 900)
    (tmp_path / "still").write_bytes(b"still")
    return {"video.mp4": tmp_path / "theirs", "thumbnails/001.jpg": tmp_path / "still"}


def shadow(place: Place, **calls: Callable[..., Any]) -> Any:
    """Put these in the place of the client's; returns the client that is shared by all."""
    real: Any = place.store.client  # type: ignore[attr-defined]

    class Client:
        def __getattr__(self, name: str) -> Any:
            return calls.get(name) or getattr(real, name)

    place.store.client = Client()  # type: ignore[attr-defined]
    return real


def refusal(code: str, status: int, operation: str) -> ClientError:
    return ClientError({"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}, operation)  # type: ignore[typeddict-item]


def plant(desk: Desk, record: dict[str, Any]) -> None:
    """As anyone may who may write below the prefix: with no metadata."""
    desk.home.bucket.put(RECORD, json.dumps(record).encode())


def victims_record(desk: Desk) -> dict[str, Any]:
    record: dict[str, Any] = json.loads(desk.home.read(f"{NOTES}/imports/victim.json"))
    return record | {"uid": "new"}


def intent_of_theirs(desk: Desk, theirs: dict[str, Path]) -> Intent:
    """An intent that claims the victim's objects, by all that is known of them."""
    tickets = []
    for name, path in theirs.items():
        body, key = path.read_bytes(), f"{FOLDER}/{name}"
        sha256, etag = hashlib.sha256(body).hexdigest(), desk.home.bucket.head(key)["ETag"].strip('"')
        tickets.append(Ticket(key=key, upload="x", size_bytes=len(body), sha256=sha256, etags=(etag,), seal="s"))
    report = {name: value for name, value in victims_record(desk).items() if name != "objects"}
    result = desk.home.read(RESULT).decode()
    return Intent.model_validate(
        {"tickets": tickets, "replace": False, "result_key": RESULT, "result": result, "report": report}
    )


class TestPlanted:
    """Records that others wrote, about an object of another import."""

    @pytest.mark.full(but=["*-keeps metadata"])
    @BOTH
    @pytest.mark.parametrize("spec_hash", ["another", "this"])
    @pytest.mark.parametrize("replace", [False, True])
    def test_an_intent_removes_nothing(
        self, desk: Desk, theirs: dict[str, Path], mine: dict[str, Path], spec_hash: str, replace: bool
    ) -> None:
        bring(desk.place("victim"), theirs)
        before = desk.all
        intent = json.loads(intent_of_theirs(desk, theirs).model_dump_json(by_alias=True, exclude_none=True))
        wanted = task_for(desk.home).spec_hash if spec_hash == "this" else "0" * 64
        intent["report"]["specHash"] = wanted
        intent["replace"] = replace
        stale = [f"{FOLDER}/thumbnails/001.jpg"]
        if replace:
            intent["stale"], intent["tickets"] = stale, intent["tickets"][:1]
        plant(desk, intent)
        with pytest.raises(ImportFailure) as caught:
            bring(desk.place(), mine)
        assert caught.value.reason is Reason.DESTINATION_EXISTS
        desk.home.bucket.delete(RECORD)
        assert desk.all == before

    @BOTH
    @pytest.mark.parametrize("marked", [False, True])
    def test_a_finished_record_lets_nothing_be_overwritten(
        self, desk: Desk, theirs: dict[str, Path], mine: dict[str, Path], marked: bool
    ) -> None:
        bring(desk.place("victim"), theirs)
        before = desk.all
        record = victims_record(desk) | {"specHash": "0" * 64}
        plant(desk, record | {"objects": [one | {"marked": marked} for one in record["objects"]]})
        with pytest.raises(ImportFailure) as caught:
            bring(desk.place(), mine)
        assert caught.value.reason is Reason.DESTINATION_EXISTS
        desk.home.bucket.delete(RECORD)
        assert desk.all == before

    @pytest.mark.parametrize("shape", ["keeps some"])
    @pytest.mark.parametrize("kind", ["intent", "finished"])
    def test_a_whole_foreign_uid_is_a_mark_on_any_store(
        self, desk: Desk, theirs: dict[str, Path], mine: dict[str, Path], kind: str
    ) -> None:
        victim = desk.place(UUIDS[0])
        bring(victim, theirs)
        desk.home.bucket.put(f"{NOTES}/imports/victim.json", desk.home.read(victim.record_key))
        before = desk.all
        record = victims_record(desk) | {"specHash": "0" * 64}
        objects = [one | {"marked": False} for one in record["objects"]]
        intent = intent_of_theirs(desk, theirs).model_dump_json(by_alias=True, exclude_none=True)
        plant(desk, record | {"objects": objects} if kind == "finished" else json.loads(intent))
        with pytest.raises(ImportFailure) as caught:
            bring(desk.place(), mine)
        assert caught.value.reason is Reason.DESTINATION_EXISTS
        desk.home.bucket.delete(RECORD)
        assert desk.all == before

    @pytest.mark.parametrize("shape", ["keeps metadata"])
    def test_a_users_file_without_marks_is_not_stale(
        self, desk: Desk, theirs: dict[str, Path], mine: dict[str, Path]
    ) -> None:
        """Not even where results may be replaced, and the replaced import's record claims it."""
        bring(desk.place("victim"), theirs)
        still = f"{FOLDER}/thumbnails/001.jpg"
        desk.home.bucket.put(still, theirs["thumbnails/001.jpg"].read_bytes())
        record = json.loads(desk.home.read(f"{NOTES}/imports/victim.json"))
        etag = desk.home.bucket.head(still)["ETag"].strip('"')
        size = theirs["thumbnails/001.jpg"].stat().st_size
        record["objects"] = [{"key": still, "sizeBytes": size, "etag": etag, "marked": False}]
        desk.home.bucket.put(f"{NOTES}/imports/victim.json", json.dumps(record).encode())
        bring(desk.place(**REPLACE), mine)
        assert desk.home.read(still) == b"still"


@pytest.mark.parametrize("shape", ["no conditions"])
def test_an_adopted_intent_overwrites_no_other_imports_video(
    desk: Desk, theirs: dict[str, Path], mine: dict[str, Path]
) -> None:
    """The store ignores conditions, which a run that adopts has not found out."""
    place = desk.place()

    def kill(**_: Any) -> Any:
        raise Killed

    shadow(place, complete_multipart_upload=kill)
    with pytest.raises(Killed):
        bring(place, mine)
    bring(desk.place("other"), theirs)
    with pytest.raises(ImportFailure) as caught:
        earlier_run.done_before(desk.place(run=2, probe=False))
    assert caught.value.reason is Reason.DESTINATION_EXISTS
    assert desk.home.read(VIDEO) == theirs["video.mp4"].read_bytes()
    assert json.loads(desk.home.read(RESULT))["uid"] == "other"
    assert desk.home.unfinished == []


class TestEarlierResult:
    """It stands where nothing of it was replaced; a local run's number is always 1."""

    @pytest.mark.full(but=["*-keeps metadata"])
    @BOTH
    @pytest.mark.parametrize("refused", ["complete", "intent"])
    @pytest.mark.parametrize("changed", [CHANGED, {}], ids=["changed spec", "same spec"])
    def test_an_own_one_stays_whole(
        self, desk: Desk, theirs: dict[str, Path], mine: dict[str, Path], refused: str, changed: dict[str, Any]
    ) -> None:
        bring(desk.place(), theirs)
        if not changed:  # made again, for something of it is gone
            desk.home.bucket.delete(f"{FOLDER}/thumbnails/001.jpg")
        before = desk.all
        place = desk.place(**changed)
        self._refuse(place, refused)
        with pytest.raises(ImportFailure) as caught:
            bring(place, mine)
        assert caught.value.reason is Reason.DESTINATION_DENIED
        assert desk.all == before
        assert desk.home.unfinished == []

    def _refuse(self, place: Place, what: str) -> None:
        def complete(**_: Any) -> Any:
            raise refusal("AccessDenied", 403, "CompleteMultipartUpload")

        def put(**options: Any) -> Any:
            content = options["Body"]
            if options["Key"] == RECORD and b'"Intent"' in content:
                raise refusal("AccessDenied", 403, "PutObject")
            return real.put_object(**options)

        calls = {"complete_multipart_upload": complete} if what == "complete" else {"put_object": put}
        real = shadow(place, **calls)

    @BOTH
    @pytest.mark.parametrize("refused", ["complete", "intent"])
    def test_another_imports_of_the_same_bytes_stays_whole(
        self, desk: Desk, theirs: dict[str, Path], refused: str
    ) -> None:
        bring(desk.place("victim"), theirs)
        before = desk.all
        place = desk.place(**REPLACE)
        self._refuse(place, refused)
        with pytest.raises(ImportFailure):
            bring(place, theirs)
        assert desk.all == before
        assert desk.home.unfinished == []

    @BOTH
    def test_an_intent_whose_answer_was_lost_leaves_the_earlier_record(
        self, desk: Desk, theirs: dict[str, Path], mine: dict[str, Path]
    ) -> None:
        bring(desk.place(), theirs)
        before = desk.all
        place = desk.place(**CHANGED)

        def put(**options: Any) -> Any:
            answer = real.put_object(**options)
            if options["Key"] == RECORD and b'"Intent"' in options["Body"]:
                raise refusal("AccessDenied", 403, "PutObject")
            return answer

        real = shadow(place, put_object=put)
        with pytest.raises(ImportFailure):
            bring(place, mine)
        assert desk.all == before


class TestKeysWithoutAnEarlierObject:
    """With ``ifExists: Fail`` an import replaces its own objects. At every other key another writer may come first."""

    STILL = f"{FOLDER}/thumbnails/001.jpg"

    @BOTH
    def test_another_writers_object_stays(self, desk: Desk, theirs: dict[str, Path], mine: dict[str, Path]) -> None:
        bring(desk.place(), mine)
        before = desk.all
        place = desk.place(**CHANGED)
        self._write_before_completion(desk, place, self.STILL)
        with pytest.raises(ImportFailure) as caught:
            bring(place, theirs)
        assert caught.value.reason is Reason.DESTINATION_EXISTS
        assert desk.home.read(self.STILL) == b"another's"
        assert {key: one for key, one in desk.all.items() if key != self.STILL} == before
        assert desk.home.unfinished == []

    @pytest.mark.parametrize("shape", ["keeps metadata", "keeps none", "no conditions"])
    def test_an_object_that_stands_before_the_look_stays(
        self, desk: Desk, theirs: dict[str, Path], mine: dict[str, Path]
    ) -> None:
        """A store without conditions is looked at just before the completion."""
        bring(desk.place(), mine)
        place = desk.place(**CHANGED)

        def put(**options: Any) -> Any:
            if options["Key"] == RECORD:
                desk.home.bucket.put(self.STILL, b"another's")
            return real.put_object(**options)

        real = shadow(place, put_object=put)
        with pytest.raises(ImportFailure) as caught:
            bring(place, theirs)
        assert caught.value.reason is Reason.DESTINATION_EXISTS
        assert desk.home.read(self.STILL) == b"another's"
        assert desk.home.read(VIDEO) == mine["video.mp4"].read_bytes()

    @pytest.mark.parametrize("shape", ["keeps metadata"])
    def test_a_later_run_keeps_it_too(self, desk: Desk, theirs: dict[str, Path], mine: dict[str, Path]) -> None:
        bring(desk.place(), mine)
        killed = desk.place(**CHANGED)

        def kill(**_: Any) -> Any:
            raise Killed

        shadow(killed, complete_multipart_upload=kill)
        with pytest.raises(Killed):
            bring(killed, theirs)
        place = desk.place(run=2, probe=False, **CHANGED)
        self._write_before_completion(desk, place, self.STILL)
        with pytest.raises(ImportFailure) as caught:
            earlier_run.done_before(place)
        assert caught.value.reason is Reason.DESTINATION_EXISTS
        assert desk.home.read(self.STILL) == b"another's"

    @pytest.mark.parametrize("shape", ["keeps metadata", "keeps none", "no conditions"])
    def test_another_writers_result_stays(self, desk: Desk, theirs: dict[str, Path], mine: dict[str, Path]) -> None:
        bring(desk.place(), mine)
        place = desk.place(**CHANGED)
        self._write_before_completion(desk, place, RESULT)
        with pytest.raises(ImportFailure) as caught:
            bring(place, theirs)
        assert caught.value.reason is Reason.DESTINATION_EXISTS
        assert desk.home.read(RESULT) == b"another's"

    @BOTH
    def test_its_own_are_replaced(self, desk: Desk, theirs: dict[str, Path], mine: dict[str, Path]) -> None:
        bring(desk.place(), mine)
        bring(desk.place(**CHANGED), theirs)
        assert desk.home.read(VIDEO) == theirs["video.mp4"].read_bytes()
        assert desk.home.read(self.STILL) == b"still"

    def _write_before_completion(self, desk: Desk, place: Place, key: str) -> None:
        """Let another writer put an object at the key after the last look and before the first completion."""

        def complete(**options: Any) -> Any:
            if not written:
                written.append(key)
                desk.home.bucket.put(key, b"another's")
            return real.complete_multipart_upload(**options)

        written: list[str] = []
        real = shadow(place, complete_multipart_upload=complete)


class TestLostAnswers:
    """The store did what it was asked to, and its answer did not arrive."""

    @BOTH
    @pytest.mark.parametrize(("code", "status"), [("PreconditionFailed", 412), ("NoSuchUpload", 404)])
    def test_a_look_that_fails_makes_no_result_another_imports(
        self, desk: Desk, mine: dict[str, Path], code: str, status: int
    ) -> None:
        place = desk.place()
        state = {"is_lost": False}

        def complete(**options: Any) -> Any:
            if not state.setdefault("is_done", False):
                real.complete_multipart_upload(**options)
                state.update(is_lost=True, is_done=True)
            raise refusal(code, status, "CompleteMultipartUpload")

        def head(**options: Any) -> Any:
            if state["is_lost"]:
                state["is_lost"] = False
                raise refusal("503", 503, "HeadObject")
            return real.head_object(**options)

        real = shadow(place, complete_multipart_upload=complete, head_object=head)
        bring(place, mine)
        assert desk.home.read(VIDEO) == mine["video.mp4"].read_bytes()
        assert desk.home.unfinished == []

    @pytest.mark.parametrize("shape", ["keeps none"])
    def test_what_was_completed_so_is_taken_back(self, desk: Desk, mine: dict[str, Path]) -> None:
        """The upload is gone: so it was this run that completed it."""
        place = desk.place()

        def complete(**options: Any) -> Any:
            real.complete_multipart_upload(**options)
            raise ConnectionError

        def put(**options: Any) -> Any:
            if options["Key"] == RESULT:
                raise refusal("AccessDenied", 403, "PutObject")
            return real.put_object(**options)

        real = shadow(place, complete_multipart_upload=complete, put_object=put)
        with pytest.raises(ImportFailure):
            bring(place, mine)
        assert desk.home.keys == []


@pytest.mark.parametrize("shape", ["keeps none"])
def test_what_another_import_completed_after_ours_stays(desk: Desk, mine: dict[str, Path]) -> None:
    """Before the first look at ours."""
    place = desk.place()

    def complete(**options: Any) -> Any:
        answer = real.complete_multipart_upload(**options)
        desk.home.bucket.put(VIDEO, b"theirs")
        return answer

    real = shadow(place, complete_multipart_upload=complete)
    with pytest.raises(ImportFailure):
        bring(place, mine)
    assert desk.home.read(VIDEO) == b"theirs"
    assert desk.home.keys == [VIDEO]


class TestResult:
    """result.json, which two imports of one name share though their other files differ."""

    @pytest.mark.parametrize("shape", ["keeps metadata", "keeps none", "no conditions"])
    def test_the_import_that_comes_second_has_not_imported(
        self, desk: Desk, theirs: dict[str, Path], mine: dict[str, Path]
    ) -> None:
        place, other = desk.place(), desk.place("other")
        done: list[dict[str, Any]] = []

        def complete(**options: Any) -> Any:
            if not done:
                done.append({})
                bring_original(other, theirs["video.mp4"])
                done[0] = {key: one for key, one in desk.all.items() if "/uploads/" not in key and key != RECORD}
            return real.complete_multipart_upload(**options)

        real = shadow(place, complete_multipart_upload=complete)
        with pytest.raises(ImportFailure) as caught:
            bring(place, mine)
        assert caught.value.reason is Reason.DESTINATION_EXISTS
        assert desk.all == done[0]
        assert desk.home.unfinished == []

    @pytest.mark.parametrize("shape", ["keeps none"])
    @pytest.mark.parametrize("whose", ["new", "victim"])
    def test_a_later_run_takes_back_the_one_that_names_its_import(
        self, desk: Desk, mine: dict[str, Path], whose: str
    ) -> None:
        place = desk.place()

        def put(**options: Any) -> Any:
            if options["Key"] == RECORD and b'"Intent"' not in options["Body"]:
                raise Killed
            return real.put_object(**options)

        real = shadow(place, put_object=put)
        with pytest.raises(Killed):
            bring(place, mine)
        content = desk.home.read(RESULT).replace(b'"new"', f'"{whose}"'.encode())
        desk.home.bucket.put(RESULT, content)
        assert earlier_run.done_before(desk.place(run=2, probe=False, **CHANGED)) is None
        assert (RESULT in desk.home.keys) == (whose == "victim")


def bring_original(place: Place, path: Path) -> None:
    """A result whose only file is the original."""
    key, task = f"{FOLDER}/original.mkv", place.task
    with Shipment(place.notebook, place.metadata(), lambda _: None, place.retries) as shipment:
        shipment.add(Parcel(key, "video/x-matroska", "original"), path)
        sent = shipment.arrived(key)
        file = OutputFile(uri=place.store.uri(key), size_bytes=sent.size, sha256=sent.sha256)
        report = Report(
            uid=task.uid, run=1, spec_hash=task.spec_hash, outcome="Succeeded", outputs=Outputs(original=file),
            video_id="w" * 64, finished_at=place.now(),
        )  # fmt: skip
        publish.publish(place, shipment, FOLDER, (report, json.dumps({"import": {"uid": task.uid}}).encode()))


@pytest.mark.parametrize("shape", ["trims metadata"])
def test_trimmed_marks_are_marks(desk: Desk, theirs: dict[str, Path], mine: dict[str, Path]) -> None:
    one, other = UUIDS
    report = bring(desk.place(one), theirs)
    record = json.loads(desk.home.read(f"{NOTES}/imports/{one}.json"))
    assert {object_.get("marked", True) for object_ in record["objects"]} == {True}
    again = desk.place(one, run=2, probe=False)
    assert earlier_run.done_before(again) == report
    with pytest.raises(ImportFailure) as caught:
        bring(desk.place(other), mine)
    assert caught.value.reason is Reason.DESTINATION_EXISTS
    bring(desk.place(other, **REPLACE), mine)
    assert [key for key in desk.home.keys if key.startswith(FOLDER)] == [RESULT, VIDEO]
