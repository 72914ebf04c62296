"""Objects that another writer puts at this import's keys while it runs: they stay, on a store that keeps metadata and
on one that keeps none, where the store honours conditions and where it refuses them."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from support.worker.destinations import FOLDER, BucketHarness, bring, place_at, task_for
from support.worker.shaped_store import CONDITIONS, Call, Shape, ShapedStore
from videoimport.api.reasons import Reason
from videoimport.worker.pipeline import destination as preflight
from videoimport.worker.pipeline import earlier_run
from videoimport.worker.pipeline.destination import Place
from videoimport.worker.runtime.errors import ImportFailure

VIDEO, STILL, RESULT = f"{FOLDER}/video.mp4", f"{FOLDER}/thumbnails/001.jpg", f"{FOLDER}/result.json"
RECORD = "in/.videoimport/imports/new.json"
CHANGED = {"output": {"video": {"crf": 30}}}
REPLACE = {"destination": {"ifExists": "Replace"}}
THEIRS = b"another's"


@dataclass
class Habits:
    """A store whose requests a test may meet before they are carried out."""

    keeps_metadata: bool = True
    conditions: str = "honoured"
    lists_parts: bool = True
    before: Callable[[Call, str], None] = field(default=lambda call, key: None)
    seen: list[str] = field(default_factory=list)
    """Operation, key and condition of each request."""

    @property
    def shape(self) -> Shape:
        return Shape("habits", self._request, self._answer)

    def _request(self, call: Call) -> None:
        key = call.path.partition("?")[0].lstrip("/").partition("/")[2]
        told = next((f"{name}: {call.headers[name]}" for name in CONDITIONS if name in call.headers), "")
        self.seen.append(f"{call.name} {key} {told}".rstrip())
        self.before(call, key)
        if call.name == "Parts" and not self.lists_parts:
            call.refuse(404, "404")
            call.content = b""
        if told and call.method != "GET" and self.conditions == "refused":
            call.refuse(501, "NotImplemented")
        if self.conditions == "ignored":
            for name in CONDITIONS:
                call.headers.pop(name, None)

    def _answer(self, _: ShapedStore, call: Call) -> None:
        if not self.keeps_metadata:
            call.rename(lambda name, value: None if name.lower().startswith("x-amz-meta-") else (name, value))


@dataclass
class Desk:
    """A bucket behind such a store, and runs of imports to it."""

    home: BucketHarness
    habits: Habits

    def place(self, uid: str = "new", run: int = 1, **more: Any) -> Place:
        """As a run of the worker begins that has no result of its own."""
        place = place_at(self.home.store(), task_for(self.home, uid, run, **more))
        assert earlier_run.done_before(place) is None
        preflight.writable(place)
        return place

    def put(self, key: str, body: bytes = THEIRS) -> None:
        """As another writer does."""
        self.home.bucket.put(key, body)

    def intrude(self, name: str, key: str, body: bytes = THEIRS, *, at: str | None = None) -> None:
        """Put another writer's object at a key just before the first such request to it, or to the key ``at``."""

        def before(call: Call, asked: str) -> None:
            if call.name == name and asked == (at or key):
                self.habits.before = lambda *_: None
                self.put(key, body)

        self.habits.before = before

    def end(self, place: Place, files: dict[str, Path]) -> ImportFailure:
        """Run an import that fails."""
        with pytest.raises(ImportFailure) as caught:
            bring(place, files)
        return caught.value


KEEPS = pytest.mark.parametrize("keeps", [True, False], ids=["keeps metadata", "keeps none"])
CONDITION = pytest.mark.parametrize("conditions", ["honoured", "ignored", "refused"])


@pytest.fixture
def keeps() -> bool:
    return True


@pytest.fixture
def conditions() -> str:
    return "honoured"


@pytest.fixture
def desk(via: Callable[[Shape], BucketHarness], keeps: bool, conditions: str) -> Desk:
    habits = Habits(keeps, conditions)
    return Desk(via(habits.shape), habits)


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    (tmp_path / "video").write_bytes(b"mine" * 1000)
    (tmp_path / "still").write_bytes(b"still")
    return {"video.mp4": tmp_path / "video", "thumbnails/001.jpg": tmp_path / "still"}


@pytest.fixture
def newer(tmp_path: Path) -> dict[str, Path]:
    (tmp_path / "newer").write_bytes(b"newer" * 900)
    return {"video.mp4": tmp_path / "newer"}


class TestUnmarkedObjects:
    """An object without marks at a key of this import's is its own only as the very version that was proven."""

    @pytest.mark.parametrize("keeps", [False])
    @pytest.mark.parametrize("key", [VIDEO, STILL])
    def test_one_that_came_after_the_look_is_not_overwritten_or_removed(
        self, desk: Desk, files: dict[str, Path], newer: dict[str, Path], key: str
    ) -> None:
        bring(desk.place(), files)
        place = desk.place(**CHANGED)
        desk.put(key)
        if key == VIDEO:
            assert desk.end(place, newer).reason is Reason.DESTINATION_EXISTS
        else:
            bring(place, newer)
        assert desk.home.read(key) == THEIRS

    def test_one_that_came_after_a_reclaimed_one_is_not_overwritten(
        self, desk: Desk, files: dict[str, Path], newer: dict[str, Path]
    ) -> None:
        bring(desk.place(), files)
        desk.put(VIDEO, b"changed by hand")
        place = desk.place(**CHANGED)
        desk.put(VIDEO)
        assert desk.end(place, newer).reason is Reason.DESTINATION_EXISTS
        assert desk.home.read(VIDEO) == THEIRS

    def test_one_at_a_key_that_was_free_is_not_overwritten(
        self, desk: Desk, files: dict[str, Path], newer: dict[str, Path]
    ) -> None:
        bring(desk.place(), files)
        desk.home.bucket.delete(VIDEO)
        place = desk.place(**CHANGED)
        desk.put(VIDEO)
        assert desk.end(place, newer).reason is Reason.DESTINATION_EXISTS
        assert desk.home.read(VIDEO) == THEIRS

    @KEEPS
    def test_those_that_were_seen_are_overwritten(
        self, desk: Desk, files: dict[str, Path], newer: dict[str, Path], keeps: bool
    ) -> None:
        bring(desk.place(), files)
        if keeps:
            desk.put(VIDEO, b"changed by hand")
        bring(desk.place(**CHANGED), newer)
        assert desk.home.read(VIDEO) == newer["video.mp4"].read_bytes()
        assert STILL not in desk.home.keys


class TestEqualBytes:
    """A store that keeps no metadata and answers ListParts with a bare 404: another writer's bytes are the same."""

    @pytest.mark.parametrize("keeps", [False])
    @CONDITION
    @pytest.mark.parametrize("fails_later", [True, False])
    def test_another_writers_object_is_not_taken_for_ours(
        self, desk: Desk, files: dict[str, Path], fails_later: bool
    ) -> None:
        desk.habits.lists_parts = False
        place = desk.place()
        body = files["video.mp4"].read_bytes()
        first = "Head" if desk.habits.conditions != "honoured" else "Complete"

        def before(call: Call, key: str) -> None:
            if call.name == "Complete" and key == STILL:
                desk.intrude(first, VIDEO, body)
            if fails_later and call.name == "Put" and key == RESULT:
                call.refuse(403, "AccessDenied")

        desk.habits.before = before
        assert desk.end(place, files).reason is Reason.DESTINATION_EXISTS
        assert desk.home.keys == [VIDEO]
        assert desk.home.read(VIDEO) == body

    @pytest.mark.parametrize("keeps", [False])
    def test_what_may_be_ours_counts_and_is_not_removed(self, desk: Desk, files: dict[str, Path]) -> None:
        """The answer to the completion was lost, and nothing tells whose the object is."""
        desk.habits.lists_parts = False
        place = desk.place()
        real: Any = place.store.client  # type: ignore[attr-defined]

        class Client:
            def __getattr__(self, name: str) -> Any:
                return getattr(real, name)

            def complete_multipart_upload(self, **options: Any) -> Any:
                answer = real.complete_multipart_upload(**options)
                if options["Key"] == VIDEO:
                    raise ConnectionError
                return answer

        place.store.client = Client()  # type: ignore[attr-defined]
        bring(place, files)
        assert desk.home.keys == sorted([RECORD, RESULT, STILL, VIDEO])


class TestOwnObjects:
    """Each write over an object of ours goes with the ETag that was seen."""

    @KEEPS
    @pytest.mark.parametrize("key", [VIDEO, STILL])
    def test_what_took_the_place_of_one_in_the_last_moment_stays(
        self, desk: Desk, files: dict[str, Path], tmp_path: Path, key: str
    ) -> None:
        bring(desk.place(), files)
        place = desk.place(**CHANGED)
        other = {name: tmp_path / f"new{number}" for number, name in enumerate(files)}
        for path in other.values():
            path.write_bytes(path.name.encode() * 500)
        desk.intrude("Complete", key)
        assert desk.end(place, other).reason is Reason.DESTINATION_EXISTS
        assert desk.home.read(key) == THEIRS
        assert desk.home.unfinished == []

    @KEEPS
    @pytest.mark.parametrize("conditions", ["ignored", "refused"])
    def test_without_conditions_it_is_looked_at_just_before(
        self, desk: Desk, files: dict[str, Path], newer: dict[str, Path]
    ) -> None:
        bring(desk.place(), files)
        place = desk.place(**CHANGED)
        desk.habits.seen.clear()
        bring(place, newer)
        seen = [one.partition(" if-")[0] for one in desk.habits.seen]
        completed = max(at for at, one in enumerate(seen) if one == f"Complete {VIDEO}")
        assert f"Head {VIDEO}" in seen[completed - 2 : completed]
        assert desk.home.read(VIDEO) == newer["video.mp4"].read_bytes()

    @KEEPS
    def test_another_writers_result_is_not_removed(
        self, desk: Desk, files: dict[str, Path], newer: dict[str, Path]
    ) -> None:
        bring(desk.place(), files)
        place = desk.place(**CHANGED)
        desk.intrude("Delete", RESULT)
        failure = desk.end(place, newer)
        assert failure.reason is Reason.DESTINATION_EXISTS
        assert desk.home.read(RESULT) == THEIRS
        assert desk.home.read(VIDEO) == files["video.mp4"].read_bytes()

    @KEEPS
    def test_another_writers_result_is_not_overwritten_by_the_earlier_one(
        self, desk: Desk, files: dict[str, Path], newer: dict[str, Path]
    ) -> None:
        """The run takes back what it showed, and another writer comes before it writes the earlier result."""
        bring(desk.place(), files)
        place = desk.place(**CHANGED)

        def before(call: Call, key: str) -> None:
            if call.name == "Complete" and key == VIDEO:
                call.refuse(403, "AccessDenied")
            if call.name == "Put" and key == RESULT:
                desk.habits.before = lambda *_: None
                desk.put(RESULT)

        desk.habits.before = before
        desk.end(place, newer)
        assert desk.home.read(RESULT) == THEIRS

    @KEEPS
    def test_a_rollback_removes_no_object_that_took_the_place_of_ours(self, desk: Desk, files: dict[str, Path]) -> None:
        place = desk.place()

        def before(call: Call, key: str) -> None:
            if call.name == "Put" and key == RESULT:
                call.refuse(403, "AccessDenied")
                desk.intrude("Delete", VIDEO)

        desk.habits.before = before
        desk.end(place, files)
        assert desk.home.keys == [VIDEO]
        assert desk.home.read(VIDEO) == THEIRS


class TestRecord:
    """The commit record is bound to what the run has seen of it."""

    @pytest.mark.full(but=["*-keeps metadata"])
    @KEEPS
    @CONDITION
    @pytest.mark.parametrize("kind", ["Intent", "Finished"])
    def test_one_that_another_run_wrote_meanwhile_stays(self, desk: Desk, files: dict[str, Path], kind: str) -> None:
        place, other = desk.place(), b'{"another": "run"}'
        if kind == "Intent":
            desk.put(RECORD, other)
        else:
            desk.intrude("Complete", RECORD, other, at=VIDEO)
        failure = desk.end(place, files)
        assert failure.reason is Reason.DESTINATION_UNAVAILABLE
        assert desk.home.read(RECORD) == other

    @pytest.mark.parametrize(
        ("name", "conditions"), [("Get", "honoured"), ("Get", "ignored"), ("Get", "refused"), ("Delete", "honoured")]
    )
    def test_a_rollback_removes_no_record_that_another_run_wrote_meanwhile(
        self, desk: Desk, files: dict[str, Path], name: str
    ) -> None:
        place, other = desk.place(), b'{"another": "run"}'

        def before(call: Call, key: str) -> None:
            if call.name == "Put" and key == RESULT:
                call.refuse(403, "AccessDenied")
                desk.intrude(name, RECORD, other)

        desk.habits.before = before
        desk.end(place, files)
        assert desk.home.keys == [RECORD]
        assert desk.home.read(RECORD) == other

    @CONDITION
    def test_an_earlier_one_is_replaced(self, desk: Desk, files: dict[str, Path], newer: dict[str, Path]) -> None:
        bring(desk.place(), files)
        report = bring(desk.place(**CHANGED), newer)
        assert json.loads(desk.home.read(RECORD))["specHash"] == report.spec_hash


class TestReplace:
    """``ifExists: Replace`` replaces what it sees directly before the write, and removes what its plan names."""

    def test_what_came_in_the_last_moment_is_replaced_after_a_new_look(
        self, desk: Desk, files: dict[str, Path], newer: dict[str, Path]
    ) -> None:
        bring(desk.place("victim"), files)
        place = desk.place(**REPLACE)
        desk.intrude("Complete", VIDEO)
        bring(place, newer)
        assert desk.home.read(VIDEO) == newer["video.mp4"].read_bytes()
        completed = [one for one in desk.habits.seen if one.startswith(f"Complete {VIDEO} if-match")]
        assert len(completed) == 2
        assert completed[0] != completed[1]

    @KEEPS
    def test_two_that_replace_each_others_files_end_with_one_whole_result(
        self, desk: Desk, files: dict[str, Path], tmp_path: Path
    ) -> None:
        """The other one begins after this one's first file is visible, and ends before its second one is."""
        other = {name: tmp_path / f"other{number}" for number, name in enumerate(files)}
        for path in other.values():
            path.write_bytes(path.name.encode() * 500)
        place, theirs = desk.place(**REPLACE), desk.place("other", **REPLACE)

        def before(call: Call, key: str) -> None:
            if call.name == "Complete" and key == VIDEO:
                desk.habits.before = lambda *_: None
                bring(theirs, other)

        desk.habits.before = before
        assert desk.end(place, files).reason is Reason.DESTINATION_UNAVAILABLE
        bring(desk.place(run=2, **REPLACE), files)
        assert {key: desk.home.read(key) for key in (STILL, VIDEO)} == {
            f"{FOLDER}/{name}": path.read_bytes() for name, path in files.items()
        }
        assert json.loads(desk.home.read(RESULT))["uid"] == "new"

    @CONDITION
    def test_what_took_the_place_of_an_old_file_is_not_removed(
        self, desk: Desk, files: dict[str, Path], newer: dict[str, Path]
    ) -> None:
        bring(desk.place("victim"), files)
        place = desk.place(**REPLACE)
        desk.intrude("Complete", STILL, at=VIDEO)
        bring(place, newer)
        assert desk.home.read(STILL) == THEIRS
        assert desk.home.read(VIDEO) == newer["video.mp4"].read_bytes()
