"""``ifExists: KeepBoth``: each import stores its video beside what exists, also two at once, and keeps its folder."""

import signal
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from support.fake_source_site import FakeSourceSite, file, slowly
from support.waiting import until
from support.worker.destinations import (
    FOLDER,
    BucketHarness,
    DestinationHarness,
    Killed,
    bring,
    place_at,
    task_for,
)
from support.worker.kill_points import NOTES, visible
from support.worker.object_store import Bucket
from support.worker.shaped_store import CONDITIONS, Call, Shape
from support.worker.worker_harness import FinishedRun, WorkerHarness
from videoimport.api.reasons import Reason
from videoimport.api.tasks.import_report import Report
from videoimport.worker.pipeline import destination as preflight
from videoimport.worker.pipeline import earlier_run, publish_plan
from videoimport.worker.pipeline.destination import Place
from videoimport.worker.runtime.errors import DestinationFault, ImportFailure
from videoimport.worker.storage.base import DestinationStore
from videoimport.worker.storage.upload_batch import Shipment

KEEP_BOTH = {"destination": {"ifExists": "KeepBoth"}}
NAMES = f"{NOTES}/names/"
Footage = Callable[[str], Path]


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    made = {}
    for number, name in enumerate(("video.mp4", "audio.m4a")):
        made[name] = tmp_path / f"{number}"
        made[name].write_bytes(name.encode() * 100)
    return made


def place(home: DestinationHarness, store: DestinationStore, uid: str = "new", run: int = 1, **more: Any) -> Place:
    """The destination of one run, on a store that honours conditions as far as the run knows: it does not wait."""
    found = place_at(store, task_for(home, uid, run, **{**KEEP_BOTH, **more}))
    found.names.wait = lambda _: None
    return found


def store_beside(place: Place, files: Mapping[str, Path]) -> Report:
    """What a run does with files that are made."""
    if (done := earlier_run.done_before(place)) is not None:
        return done
    with publish_plan.reserved_folder(place, None, None) as folder:
        return bring(place, files, folder=folder)


def folder_of(report: Report) -> str:
    assert report.outputs is not None
    assert report.outputs.video is not None
    return report.outputs.video.uri.rpartition("/")[0].rpartition("/")[2]


def reserved(home: DestinationHarness) -> list[str]:
    return [key for key in home.keys if key.startswith(NAMES)]


def left_open(home: DestinationHarness) -> list[str]:
    return [*home.unfinished, *reserved(home)]


class TestTheNextFreeName:
    def test_each_import_gets_the_next_folder(
        self, home: DestinationHarness, at: DestinationStore, files: dict[str, Path]
    ) -> None:
        uids = ("one", "two", "three")
        assert [folder_of(store_beside(place(home, at, uid), files)) for uid in uids] == ["clip", "clip-2", "clip-3"]
        wanted = [f"{folder}/{name}" for folder in ("clip", "clip-2", "clip-3") for name in (*files, "result.json")]
        assert [key.removeprefix("in/") for key in home.keys if not key.startswith(NOTES)] == sorted(wanted)
        assert left_open(home) == []

    def test_whatever_is_in_a_folder_makes_it_not_free(
        self, home: DestinationHarness, at: DestinationStore, files: dict[str, Path]
    ) -> None:
        at.write(f"{FOLDER}/notes.json", b"{}", {}, shown=True)
        assert folder_of(store_beside(place(home, at), files)) == "clip-2"
        assert home.read(f"{FOLDER}/notes.json") == b"{}"

    def test_a_gap_is_filled(self, home: DestinationHarness, at: DestinationStore, files: dict[str, Path]) -> None:
        for key in (f"{FOLDER}/video.mp4", f"{FOLDER}-3/video.mp4"):
            at.write(key, b"theirs", {}, shown=True)
        found = [folder_of(store_beside(place(home, at, uid), files)) for uid in ("one", "two")]
        assert found == ["clip-2", "clip-4"]

    def test_the_same_import_again_has_the_same_folder(
        self, home: DestinationHarness, at: DestinationStore, files: dict[str, Path]
    ) -> None:
        store_beside(place(home, at, "old"), files)
        first = store_beside(place(home, at), files)
        assert earlier_run.done_before(place(home, at, run=2)) == first
        at.delete(f"{FOLDER}-2/audio.m4a")
        at.delete(f"{FOLDER}/video.mp4")
        again = store_beside(place(home, at, run=3), files)
        assert (folder_of(again), again.run) == ("clip-2", 3)
        assert at.head(f"{FOLDER}-2/audio.m4a") is not None

    def test_another_spec_of_the_import_stays_in_its_folder(
        self, home: DestinationHarness, at: DestinationStore, files: dict[str, Path]
    ) -> None:
        store_beside(place(home, at, "old"), files)
        store_beside(place(home, at), files)
        changed = store_beside(place(home, at, run=2, metadata={"a": "b"}), {"video.mp4": files["audio.m4a"]})
        assert folder_of(changed) == "clip-2"
        assert home.read(f"{FOLDER}-2/video.mp4") == files["audio.m4a"].read_bytes()
        assert f"{FOLDER}-2/audio.m4a" not in home.keys, "of the earlier result"

    def test_a_failure_leaves_no_reservation(
        self, home: DestinationHarness, at: DestinationStore, files: dict[str, Path]
    ) -> None:
        with suppress(RuntimeError), publish_plan.reserved_folder(place(home, at), None, None) as folder:
            assert folder == FOLDER
            assert len(reserved(home)) == 2
            raise RuntimeError
        assert home.keys == []


class TestAtOnce:
    def _run(self, home: DestinationHarness, uids: list[str], files: dict[str, Path]) -> list[Report]:
        """Imports of other sources with one name, all between reservation and publication at the same moment."""
        barrier = Barrier(len(uids))

        def run(uid: str) -> Report:
            store = home.store()
            mine = place_at(store, task_for(home, uid, **KEEP_BOTH))
            preflight.writable(mine)
            content = files["video.mp4"].with_name(uid)
            content.write_bytes(uid.encode() * 100)
            barrier.wait()
            with publish_plan.reserved_folder(mine, None, None) as folder:
                barrier.wait()
                mine.names.confirm(folder)
                report = bring(mine, {"video.mp4": content}, folder=folder)
            store.close()
            return report

        with ThreadPoolExecutor(len(uids)) as threads:
            return [*threads.map(run, uids)]

    def _check(self, home: DestinationHarness, uids: list[str], reports: list[Report]) -> None:
        wanted = ["clip", *(f"clip-{number}" for number in range(2, len(uids) + 1))]
        assert sorted(map(folder_of, reports)) == wanted
        for uid, report in zip(uids, reports, strict=True):
            assert home.read(f"in/{folder_of(report)}/video.mp4") == uid.encode() * 100
        assert left_open(home) == []

    def test_two_get_two_folders(self, home: DestinationHarness, files: dict[str, Path]) -> None:
        self._check(home, ["one", "two"], self._run(home, ["one", "two"], files))

    def test_eight_get_eight_folders(self, home: DestinationHarness, files: dict[str, Path]) -> None:
        uids = [f"uid-{number}" for number in range(8)]
        self._check(home, uids, self._run(home, uids, files))

    @pytest.mark.parametrize("refuses", [True, False])
    def test_also_on_a_store_without_conditions(
        self, via: Callable[[Shape], BucketHarness], files: dict[str, Path], refuses: bool
    ) -> None:
        """It refuses or ignores them: the last to reserve has the name, and the others see that after a while."""

        def request(call: Call) -> None:
            for name in CONDITIONS:
                if refuses and name in call.headers:
                    call.refuse(501, "NotImplemented")
                call.headers.pop(name, None)

        home = via(Shape("no conditions", request=request))
        reports = self._run(home, ["one", "two"], files)
        self._check(home, ["one", "two"], reports)
        assert all(report.unguarded for report in reports)


class TestKilled:
    def _killed(self, home: DestinationHarness, files: dict[str, Path], at: int, *, after: bool) -> str | None:
        """Run an import up to its call number ``at``. Return the last call, or None if the run ended before it."""
        with home.dying(at, after=after) as (store, doom):
            mine = place(home, store)
            with suppress(Killed):
                store_beside(mine, files)
        return doom.what if doom.seen >= at else None

    @pytest.mark.full(but=["volume-True-False", "bucket-True-True"])
    @pytest.mark.parametrize(("after", "freed"), [(True, True), (False, True), (True, False)])
    def test_at_any_call_the_next_run_has_the_same_folder(
        self, new_home: Callable[[], DestinationHarness], files: dict[str, Path], after: bool, freed: bool
    ) -> None:
        """Also where the name without a suffix became free in between, once the run has noted its folder."""
        folders = set()
        for number in range(1, 1000):
            home = new_home()
            store = home.store()
            store_beside(place(home, store, "old"), files)
            is_noted = self._killed(home, files, number, after=after)
            if is_noted is None:
                break
            noted = f"{NAMES}imports/new.json" in home.keys or f"{NOTES}/imports/new.json" in home.keys
            if freed:
                for name in (*files, "result.json"):
                    store.delete(f"{FOLDER}/{name}")
            report = store_beside(place(home, store, run=2), files)
            wanted = "clip-2" if noted or not freed else "clip"
            assert folder_of(report) == wanted, number
            folders.add(wanted)
            whole = {f"in/{wanted}/{name}" for name in (*files, "result.json")}
            others = {f"{FOLDER}/{name}" for name in (*files, "result.json")} if not freed else set()
            assert {key for key in home.keys if not key.startswith(NOTES)} == whole | others, number
            assert left_open(home) == [], number
            store.close()
        assert number > 10
        assert folders == ({"clip", "clip-2"} if freed else {"clip-2"})

    def test_while_all_was_shown_and_another_took_the_folder(
        self, home: DestinationHarness, at: DestinationStore, files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A writer that reserves nothing: the import goes to the next folder, and ends well."""
        with monkeypatch.context() as patch:
            patch.setattr(Shipment, "complete", lambda *_, **__: (_ for _ in ()).throw(Killed))
            with suppress(Killed):
                store_beside(place(home, at), files)
        at.write(f"{FOLDER}/video.mp4", b"theirs", {}, shown=True)
        report = store_beside(place(home, at, run=2), files)
        assert folder_of(report) == "clip-2"
        assert home.read(f"{FOLDER}/video.mp4") == b"theirs"
        assert [name for name in visible(home) if "/" not in name] == ["video.mp4"], "nothing else is in this folder"
        assert left_open(home) == []


class TestOtherWriters:
    def test_one_that_comes_meanwhile_keeps_its_file_and_the_next_run_goes_on(
        self, home: DestinationHarness, at: DestinationStore, files: dict[str, Path]
    ) -> None:
        mine = place(home, at)

        def run() -> None:
            with publish_plan.reserved_folder(mine, None, None) as folder:
                at.write(f"{folder}/video.mp4", b"theirs", {}, shown=True)
                bring(mine, files, folder=folder)

        with pytest.raises(ImportFailure, match="was not written by this import") as caught:
            run()
        assert caught.value.reason is Reason.DESTINATION_UNAVAILABLE, "it is retried"
        assert "next free name" in caught.value.advice
        assert visible(home) == ["video.mp4"]
        assert left_open(home) == []
        assert folder_of(store_beside(place(home, at, run=2), files)) == "clip-2"

    def test_a_lost_reservation_is_noticed_before_anything_is_shown(
        self, home: DestinationHarness, at: DestinationStore, files: dict[str, Path]
    ) -> None:
        """As on a store without conditions, where another import's write came later."""
        mine, other = place(home, at), place(home, at, "other")
        with publish_plan.reserved_folder(mine, None, None) as folder:
            (key,) = [key for key in reserved(home) if "/folders/" in key]
            at.delete(key)
            with publish_plan.reserved_folder(other, None, None) as theirs:
                assert theirs == folder
                with pytest.raises(ImportFailure, match="Another import reserved") as caught:
                    mine.names.confirm(folder)
                assert caught.value.reason is Reason.DESTINATION_UNAVAILABLE
        assert left_open(home) == []

    def test_a_reservation_that_was_deleted_is_written_again(
        self, home: DestinationHarness, at: DestinationStore, files: dict[str, Path]
    ) -> None:
        mine = place(home, at)
        with publish_plan.reserved_folder(mine, None, None) as folder:
            before = reserved(home)
            for key in before:
                at.delete(key)
            mine.names.confirm(folder)
            assert reserved(home) == before
            bring(mine, files, folder=folder)
        assert left_open(home) == []

    def test_files_that_cannot_be_sent_leave_the_folder_to_the_next_run(
        self, home: DestinationHarness, at: DestinationStore, files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The store stops to answer after the intent: the folder stays reserved, and the next run finishes there."""
        silent = DestinationFault(Reason.DESTINATION_UNAVAILABLE, "silent")
        mine = place(home, at)
        with monkeypatch.context() as patch:
            patch.setattr(mine.retries, "run_whole", lambda work: (_ for _ in ()).throw(silent))
            patch.setattr("videoimport.worker.pipeline.publish_rollback.is_hopeless", lambda *_, **__: False)
            with pytest.raises(DestinationFault, match="silent"):
                store_beside(mine, files)
        assert len(reserved(home)) == 2
        assert folder_of(store_beside(place(home, at, "other"), files)) == "clip-2"
        assert earlier_run.done_before(place(home, at, run=2)) is not None
        assert [name for name in visible(home) if "/" not in name] == ["audio.m4a", "result.json", "video.mp4"]
        assert left_open(home) == []


class TestWholeRuns:
    """The worker as in its pod."""

    @pytest.fixture
    def other(self, bucket: Bucket, tmp_path: Path) -> WorkerHarness:
        """Another import's pod, at the same bucket."""
        (tmp_path / "other").mkdir()
        return WorkerHarness(bucket, tmp_path / "other")

    def _uris(self, ended: FinishedRun) -> list[str]:
        assert ended.code == 0, ended.everything
        outputs = ended.report.outputs
        found = (outputs.video, outputs.result, outputs.thumbnails, outputs.original)
        return [one.uri for one in found if one is not None]

    def _left(self, bucket: Bucket) -> list[str]:
        return [*bucket.unfinished, *(key for key in bucket.keys if key.startswith(NAMES))]

    def test_two_at_once_of_one_source_store_two(
        self, desk: WorkerHarness, other: WorkerHarness, site: FakeSourceSite, footage: Footage
    ) -> None:
        url = site.add("/v.mp4", file(footage("silent.mp4")))
        wish = {**KEEP_BOTH, "incremental": False, "output": {"thumbnails": {"count": 1}, "keepOriginal": True}}
        running = [one.start(one.task(url, uid=f"uid-{n}", **wish)) for n, one in enumerate((desk, other))]
        uris = [self._uris(one.ended()) for one in running]
        root = f"s3://{desk.bucket.name}/in"
        names = ("video.mp4", "result.json", "thumbnails/001.jpg", "original.mp4")
        wanted = [[f"{root}/{folder}/{name}" for name in names] for folder in ("clip", "clip-2")]
        assert sorted(uris) == sorted(wanted)
        assert len(desk.bucket.shown) == 2 * len(names)
        assert self._left(desk.bucket) == []
        told = desk.bucket.json("in/clip-2/result.json")
        assert told["outputs"]["video"]["uri"] == f"{root}/clip-2/video.mp4"

    def test_everything_is_imported_again_and_the_index_keeps_the_first(
        self, desk: WorkerHarness, site: FakeSourceSite, footage: Footage
    ) -> None:
        url = site.add("/v.mp4", file(footage("silent.mp4")))
        ended = [desk.bring(url, uid=f"uid-{n}", incremental=False, **KEEP_BOTH) for n in range(3)]
        assert [one.report.duplicate_of for one in ended] == [None] * 3
        folders = [folder_of(one.report) for one in ended]
        assert folders == ["clip", "clip-2", "clip-3"]
        found = desk.bring(url, uid="uid-4", **KEEP_BOTH).report
        assert (found.duplicate_of, folder_of(found)) == (f"s3://{desk.bucket.name}/in/clip/video.mp4", "clip")
        desk.bucket.delete("in/clip/video.mp4")
        assert desk.bring(url, uid="uid-5", **KEEP_BOTH).report.duplicate_of is None
        assert "in/clip-4/video.mp4" in desk.bucket.keys, "result.json is still in the first"
        assert desk.bring(url, uid="uid-6", **KEEP_BOTH).report.duplicate_of.endswith("/in/clip-4/video.mp4")
        assert self._left(desk.bucket) == []

    def test_a_duplicate_found_by_its_bytes_leaves_no_reservation(
        self, desk: WorkerHarness, site: FakeSourceSite, footage: Footage
    ) -> None:
        urls = [site.add(path, file(footage("silent.mp4"))) for path in ("/a.mp4", "/b.mp4")]
        ended = [desk.bring(url, uid=f"uid-{n}", **KEEP_BOTH) for n, url in enumerate(urls)]
        assert ended[1].report.duplicate_of == f"s3://{desk.bucket.name}/in/clip/video.mp4"
        assert len(desk.bucket.shown) == 2
        assert self._left(desk.bucket) == []

    def test_the_same_run_again_moves_nothing(
        self, desk: WorkerHarness, site: FakeSourceSite, footage: Footage
    ) -> None:
        desk.bucket.put("in/clip/video.mp4", b"theirs")
        url = site.add("/v.mp4", file(footage("silent.mp4")))
        first = desk.bring(url, **KEEP_BOTH)
        asked = len(site.requests)
        again = desk.bring(url, run=2, **KEEP_BOTH)
        assert self._uris(again) == self._uris(first)
        assert folder_of(again.report) == "clip-2"
        assert len(site.requests) == asked
        assert desk.bucket.read("in/clip/video.mp4") == b"theirs"

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
    def test_a_run_that_is_stopped_or_killed_leaves_the_name_to_its_next_run(
        self, desk: WorkerHarness, other: WorkerHarness, site: FakeSourceSite, footage: Footage, number: signal.Signals
    ) -> None:
        """A stopped run releases the name at once. A killed one keeps it, and another import takes the next."""
        slow = site.add("/slow.mp4", slowly(footage("silent.mp4"), site, 60))
        running = desk.start(desk.task(slow, **KEEP_BOTH))
        until(lambda: len(self._reservations(desk.bucket)) == 2)
        running.process.send_signal(number)
        running.ended()
        is_killed = number == signal.SIGKILL
        assert len(self._reservations(desk.bucket)) == (2 if is_killed else 0)
        url = site.add("/v.mp4", file(footage("silent.mp4")))
        assert folder_of(other.bring(url, uid="uid-2", incremental=False, **KEEP_BOTH).report) == (
            "clip-2" if is_killed else "clip"
        )
        assert folder_of(desk.bring(url, run=2, incremental=False, **KEEP_BOTH).report) == (
            "clip" if is_killed else "clip-2"
        )
        assert self._left(desk.bucket) == []

    def _reservations(self, bucket: Bucket) -> list[str]:
        return [key for key in bucket.keys if key.startswith(NAMES)]

    def test_a_title_gets_the_suffix_and_a_volume_too(
        self, desk: WorkerHarness, site: FakeSourceSite, footage: Footage, tmp_path: Path
    ) -> None:
        volume = tmp_path / "volume"
        volume.mkdir()
        desk.options = ("--destination-volume", volume)
        url = site.add("/a-talk.mp4", file(footage("silent.mp4")))
        there = {"s3": None, "credentialsSecretRef": None, "persistentVolumeClaim": {"claimName": "media"}}
        wish = {"incremental": False, "destination": {**there, "name": "{title}", "ifExists": "KeepBoth"}}
        ended = [desk.bring(url, uid=f"uid-{n}", **wish) for n in range(2)]
        assert [one.code for one in ended] == [0, 0], ended[0].everything + ended[1].everything
        uris = [one.report.outputs.video.uri for one in ended]
        assert uris[1] == uris[0].replace("/video.mp4", "-2/video.mp4")
        for uri in uris:
            assert (volume / uri.removeprefix("pvc://media/")).is_file()
        assert not (volume / ".videoimport/names").exists()
