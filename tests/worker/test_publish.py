"""Publishing several files, to a bucket and to a volume; killed after, and just before, every single call."""

import errno
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from support.fake_clock import FakeClock
from support.worker.destinations import (
    FOLDER,
    DestinationHarness,
    VolumeHarness,
    bring,
    place_at,
    task_for,
)
from support.worker.kill_points import ENTRY, NOTES, REPLACE, kill, kill_everywhere, visible
from videoimport.api.reasons import Reason
from videoimport.worker.pipeline import destination as preflight
from videoimport.worker.pipeline import earlier_run
from videoimport.worker.runtime.errors import DestinationFault, ImportFailure, Interruption
from videoimport.worker.storage.base import DestinationStore, Ticket
from videoimport.worker.storage.retry_policy import Retries
from videoimport.worker.storage.upload_batch import Parcel, Shipment


def files(folder: Path, *names: str) -> dict[str, Path]:
    made = {}
    for number, name in enumerate(names):
        made[name] = folder / f"{number}"
        made[name].write_bytes(name.encode() * 100)
    return made


@pytest.fixture
def old_files(tmp_path: Path) -> dict[str, Path]:
    (tmp_path / "old").mkdir()
    return files(tmp_path / "old", "video.mp4", "renditions/480p.mp4")


@pytest.fixture
def new_files(tmp_path: Path) -> dict[str, Path]:
    (tmp_path / "new").mkdir()
    return files(tmp_path / "new", "video.mp4", "audio.m4a")


def test_all_lie_where_they_should_and_nothing_else_is_left(
    home: DestinationHarness, at: DestinationStore, new_files: dict[str, Path]
) -> None:
    place = place_at(at, task_for(home, metadata={"a": "ü"}, destination={"publicBaseURL": "https://cdn.example/x/"}))
    preflight.writable(place)
    assert home.keys == []
    report = bring(place, new_files)
    assert visible(home) == sorted([*new_files, "result.json"])
    for name, path in new_files.items():
        facts = at.head(f"{FOLDER}/{name}")
        assert facts is not None
        assert facts.metadata == {
            "videoimport-uid": "new", "videoimport-run": "1", "videoimport-spec-hash": place.task.spec_hash,
            "videoimport-metadata": "{%22a%22:%22%C3%BC%22}",
        }  # fmt: skip
        assert home.read(f"{FOLDER}/{name}") == path.read_bytes()
    assert report.outputs is not None
    assert report.outputs.video is not None
    assert report.outputs.video.url == "https://cdn.example/x/in/clip/video.mp4"
    assert [key for key in home.keys if key.startswith(NOTES)] == [f"{NOTES}/imports/new.json"]
    assert home.unfinished == []
    again = earlier_run.done_before(place_at(at, place.task))
    assert again == report


def test_any_foreign_key_is_in_the_way(
    home: DestinationHarness, at: DestinationStore, new_files: dict[str, Path]
) -> None:
    at.write(f"{FOLDER}/audio.m4a", b"theirs", {}, shown=True)
    with pytest.raises(ImportFailure, match=r"audio\.m4a") as caught:
        bring(place_at(at, task_for(home)), new_files)
    assert caught.value.reason is Reason.DESTINATION_EXISTS
    assert visible(home) == ["audio.m4a"]
    assert home.unfinished == []
    assert not any(key.startswith(NOTES) for key in home.keys)


def test_what_appears_in_the_last_moment_stays_and_all_else_is_taken_back(
    home: DestinationHarness, at: DestinationStore, new_files: dict[str, Path]
) -> None:
    place = place_at(at, task_for(home))
    seen = at.head
    theirs = f"{FOLDER}/video.mp4"

    def head(key: str) -> object:
        """The video appears once everything was looked at."""
        found = seen(key)
        if key.endswith("result.json"):
            at.write(theirs, b"theirs", {}, shown=True)
        return found

    at.head = head  # type: ignore[method-assign, assignment]
    with pytest.raises(ImportFailure) as caught:
        bring(place, new_files)
    assert caught.value.reason is Reason.DESTINATION_EXISTS
    assert visible(home) == ["video.mp4"]
    assert home.read(theirs) == b"theirs"
    assert home.unfinished == []


@pytest.mark.parametrize("names", [("video.mp4",), ("video.mp4", "audio.m4a")])
def test_what_did_not_arrive_as_it_was_sent_is_taken_back(
    home: DestinationHarness, at: DestinationStore, new_files: dict[str, Path], names: tuple[str, ...]
) -> None:
    """The video is the last: nothing comes after it that could find it out."""
    seen = at.is_there
    at.is_there = lambda ticket, marks: "video" not in ticket.key and seen(ticket, marks)  # type: ignore[method-assign]
    with pytest.raises(ImportFailure, match="and was removed") as caught:
        bring(place_at(at, task_for(home)), {name: new_files[name] for name in names})
    assert caught.value.reason is Reason.DESTINATION_CORRUPT
    assert home.keys == []
    assert home.unfinished == []


def test_what_did_not_arrive_once_is_sent_again(
    home: DestinationHarness, at: DestinationStore, new_files: dict[str, Path]
) -> None:
    seen, doubted = at.is_there, list[str]()

    def is_there(ticket: Ticket, marks: Mapping[str, str]) -> object:
        if ticket.key in doubted:
            return seen(ticket, marks)
        doubted.append(ticket.key)
        return None

    at.is_there = is_there  # type: ignore[method-assign, assignment]
    bring(place_at(at, task_for(home)), new_files)
    assert len(doubted) == len(new_files) + 1, "result.json too"
    assert visible(home) == sorted([*new_files, "result.json"])
    for name, path in new_files.items():
        assert home.read(f"{FOLDER}/{name}") == path.read_bytes()
    assert home.unfinished == []


REFUSED = DestinationFault(Reason.DESTINATION_DENIED, "refused")


def refusing(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    """The destination shows no object whose key ends so."""
    complete = Shipment.complete

    def refuse(shipment: Shipment, asked: str, *, replace: bool) -> None:
        if asked.endswith(key):
            raise REFUSED
        complete(shipment, asked, replace=replace)

    monkeypatch.setattr(Shipment, "complete", refuse)


def test_a_refusal_takes_back_what_was_shown(
    home: DestinationHarness, at: DestinationStore, new_files: dict[str, Path]
) -> None:
    """As a volume that is full when result.json is written."""
    write = at.write

    def refuse(key: str, *args: Any, **more: Any) -> None:
        if key.endswith("result.json"):
            raise REFUSED
        write(key, *args, **more)

    at.write = refuse  # type: ignore[method-assign]
    with pytest.raises(DestinationFault, match="refused"):
        bring(place_at(at, task_for(home)), new_files)
    assert home.keys == []
    assert home.unfinished == []


def test_an_earlier_result_stands_where_nothing_of_it_was_replaced(
    home: DestinationHarness,
    at: DestinationStore,
    old_files: dict[str, Path],
    new_files: dict[str, Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bring(place_at(at, task_for(home, "old")), old_files)
    before = {key: (home.read(key), at.head(key)) for key in home.keys}
    refusing(monkeypatch, "")
    with pytest.raises(DestinationFault, match="refused"):
        bring(place_at(at, task_for(home, **REPLACE)), new_files)
    assert {key: (home.read(key), at.head(key)) for key in home.keys} == before
    assert home.unfinished == []


def test_a_refusal_after_something_was_replaced_leaves_the_rest_to_the_next_run(
    home: DestinationHarness, at: DestinationStore, new_files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    bring(place_at(at, task_for(home, "old")), new_files)
    with monkeypatch.context() as refusals:
        refusing(refusals, "video.mp4")
        with pytest.raises(DestinationFault, match="refused"):
            bring(place_at(at, task_for(home, **REPLACE)), new_files)
    assert earlier_run.done_before(place_at(at, task_for(home, run=2, **REPLACE))) is not None
    assert visible(home) == sorted([*new_files, "result.json"])
    assert home.unfinished == []


def test_a_replaced_result_of_another_layout_leaves_nothing(
    home: DestinationHarness, at: DestinationStore, old_files: dict[str, Path], new_files: dict[str, Path]
) -> None:
    bring(place_at(at, task_for(home, "old")), old_files)
    at.write(f"{FOLDER}/thumbnails/mine.jpg", b"a user's own", {}, shown=True)
    at.write(f"{FOLDER}/other/video.mp4", b"in a folder below", {"videoimport-uid": "old"}, shown=True)
    bring(place_at(at, task_for(home, **REPLACE)), new_files)
    assert visible(home) == sorted([*new_files, "result.json", "thumbnails/mine.jpg", "other/video.mp4"])


def test_two_imports_at_one_key_do_not_take_each_others_uploads_back(
    home: DestinationHarness, at: DestinationStore, new_files: dict[str, Path]
) -> None:
    one, other = (place_at(at, task_for(home, uid)) for uid in ("one", "other"))
    for place in (one, other):
        place.notebook.open(f"{FOLDER}/video.mp4", "video/mp4", {})
    assert len(home.unfinished) == 2
    assert earlier_run.done_before(place_at(at, task_for(home, "one", run=2))) is None
    assert len(home.unfinished) == 1
    assert earlier_run.done_before(place_at(at, task_for(home, "other", run=2))) is None
    assert home.unfinished == []


def test_what_the_store_does_not_tell_now_is_not_forgotten(
    home: DestinationHarness, at: DestinationStore, new_files: dict[str, Path]
) -> None:
    """A run was killed before it noted the id, and the next one cannot list: the one after that takes it back."""
    key = f"{FOLDER}/audio.m4a"
    place_at(at, task_for(home)).notebook.announce([key])
    at.begin(key, "audio/mp4", {})
    real = at.unfinished
    at.unfinished = lambda _: None  # type: ignore[method-assign]
    place = place_at(at, task_for(home, run=2))
    assert earlier_run.done_before(place) is None
    report = bring(place, new_files)
    assert f"{NOTES}/uploads/new.json" in home.keys, "the next run would not know"
    at.unfinished = real  # type: ignore[method-assign]
    assert earlier_run.done_before(place_at(at, task_for(home, run=3))) == report
    assert home.unfinished == []
    assert f"{NOTES}/uploads/new.json" not in home.keys


def test_an_upload_that_could_not_be_taken_back_is_not_forgotten(
    home: DestinationHarness, at: DestinationStore, new_files: dict[str, Path], tmp_path: Path
) -> None:
    """Withdrawn to be made anew, and the store does not answer just then: the run goes through all the same."""
    place = place_at(at, task_for(home))
    key = f"{FOLDER}/audio.m4a"
    real = at.abort
    at.abort = lambda *_: False  # type: ignore[method-assign, assignment]
    with Shipment(place.notebook, place.metadata(), lambda _: None) as shipment:
        shipment.add(Parcel(key, "audio/mp4", "audio"), new_files["audio.m4a"])
        shipment.arrived(key)
        shipment.withdraw(key)
    place.notebook.forget()
    assert home.unfinished != []
    assert f"{NOTES}/uploads/new.json" in home.keys, "the next run would not know"
    at.abort = real  # type: ignore[method-assign]
    bring(place, new_files)
    assert home.unfinished == []
    assert f"{NOTES}/uploads/new.json" not in home.keys


def test_an_upload_that_was_opened_when_the_run_was_interrupted_is_taken_back(
    home: DestinationHarness, at: DestinationStore, new_files: dict[str, Path]
) -> None:
    """A signal may come before its owner knows of it."""
    place = place_at(at, task_for(home))
    real = place.notebook.open

    def interrupted(*what: Any) -> Any:
        real(*what)
        raise ENDED

    place.notebook.open = interrupted  # type: ignore[method-assign]
    with pytest.raises(Interruption), Shipment(place.notebook, place.metadata(), lambda _: None) as shipment:
        shipment.add(Parcel(f"{FOLDER}/video.mp4", "video/mp4", "video"), new_files["video.mp4"])
    assert home.unfinished == []
    assert f"{NOTES}/uploads/new.json" not in home.keys


def test_two_files_never_travel_to_one_key(
    home: DestinationHarness, at: DestinationStore, new_files: dict[str, Path]
) -> None:
    place = place_at(at, task_for(home))
    parcel = Parcel(f"{FOLDER}/audio.m4a", "audio/mp4", "audio")
    with Shipment(place.notebook, place.metadata(), lambda _: None) as shipment:
        shipment.add(parcel, new_files["audio.m4a"])
        with pytest.raises(ValueError, match=r"two files for in/clip/audio\.m4a"):
            shipment.add(parcel, new_files["video.mp4"])
        assert len(home.unfinished) == 1
        shipment.withdraw(parcel.key)
    assert home.unfinished == []


def test_an_earlier_wishs_intent_is_undone(
    home: DestinationHarness, at: DestinationStore, new_files: dict[str, Path]
) -> None:
    states = (next(kill(home, new_files, number, after=True)) for number in range(20, 1000))
    assert next(state for state in states if state.startswith(("Intent", "Report", "over"))).startswith("Intent")
    changed = task_for(home, run=2, output={"video": {"crf": 30}})
    store = home.store()
    earlier_run.done_before(place_at(store, changed))
    store.close()
    assert home.unfinished == []


@pytest.mark.full(but=["volume-False", "bucket-True"])
@pytest.mark.parametrize("after", [True, False])
def test_killed_at_any_call_the_next_run_ends_with_one_whole_result(
    new_home: Callable[[], DestinationHarness], old_files: dict[str, Path], new_files: dict[str, Path], after: bool
) -> None:
    kill_everywhere(new_home, old_files, new_files, after=after)


@pytest.mark.parametrize("after", [True, False])
def test_a_volume_whose_server_is_away_for_a_moment_is_waited_for(
    tmp_path: Path, new_files: dict[str, Path], after: bool
) -> None:
    """At any call: the result is complete all the same, and by this very run."""
    for number in range(1, 1000):
        home, clock = VolumeHarness(tmp_path / f"{number}"), FakeClock()
        home.root.mkdir()
        with home.dying(number, after=after, error=OSError(errno.EIO, "away")) as (store, doom):
            place = replace(place_at(store, task_for(home)), retries=Retries(clock.sleep, clock))
            bring(place, new_files, (ENTRY,))
        if doom.seen < number:
            break
        state = f"{doom.what} at {number}"
        assert visible(home) == sorted([*new_files, "result.json"]), state
        for name, path in new_files.items():
            assert home.read(f"{FOLDER}/{name}") == path.read_bytes(), state
        assert home.unfinished == [], state
    assert number > 20


ENDED = Interruption(Reason.WORKER_LOST, "terminated")
AWAY = ImportFailure(Reason.DESTINATION_UNAVAILABLE, "away")


@pytest.mark.full(but=["volume-error0-True", "volume-error1-False", "bucket-error0-True"])
@pytest.mark.parametrize("after", [True, False])
@pytest.mark.parametrize("error", [ENDED, AWAY])
def test_ended_at_any_call_a_result_is_never_lost(
    new_home: Callable[[], DestinationHarness],
    old_files: dict[str, Path],
    new_files: dict[str, Path],
    error: BaseException,
    after: bool,
) -> None:
    """Terminated, or left alone by the store for one call: the old result is whole, or the new one is, or will be."""
    outcomes = set()
    for number in range(1, 1000):
        home = new_home()
        first = home.store()
        bring(place_at(first, task_for(home, "old")), old_files)
        report = None
        with home.dying(number, after=after, error=error) as (store, doom):
            place = place_at(store, task_for(home, **REPLACE))
            with suppress(type(error)):
                earlier_run.done_before(place)
                report = bring(place, new_files)
        if doom.seen < number:
            break
        state = f"{doom.what} at {number}"
        next_run = place_at(home.store(), task_for(home, run=2, **REPLACE))
        is_opening = after and doom.what == "create_multipart_upload"  # its id is known to nobody
        if report is None and error is AWAY:
            report = earlier_run.done_before(next_run)
        assert is_opening or home.unfinished == [], state
        whole = new_files if report else old_files
        outcomes.add(report is not None)
        assert visible(home) == sorted([*whole, "result.json"]), state
        for name, path in whole.items():
            assert home.read(f"{FOLDER}/{name}") == path.read_bytes(), state
        for store in (first, next_run.store):
            store.close()
    assert outcomes == {True, False}
