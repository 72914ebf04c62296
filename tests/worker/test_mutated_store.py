"""Imports into a real object store whose answers are changed: as the S3 API allows, as servers were seen to do, or with
faults in between. Whatever the store does, no import ends wrong.

``VIDEOIMPORT_TEST_MUTATIONS`` is the number of random cases (``make mutations-test``).
"""

import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal, get_args, get_type_hints

import pytest
from botocore.retries import standard
from hypothesis import given, settings
from hypothesis import strategies as st

from support.fake_source_site import FakeSourceSite, file
from support.portion import repetitions
from support.worker.destinations import FOLDER, Killed, bring, place_at, task_for
from support.worker.mutated_bucket import MutatedBucket
from support.worker.mutated_store import Damage, Fault, FaultKind, Habits, MutatedStore, Operation, Plan, Request
from support.worker.object_store import Bucket, ObjectStore
from support.worker.worker_harness import WorkerHarness
from videoimport.api.reasons import Reason, RetryClass, info
from videoimport.api.tasks.import_report import Report
from videoimport.worker.pipeline import destination as preflight
from videoimport.worker.pipeline import earlier_run
from videoimport.worker.runtime.errors import ImportFailure
from videoimport.worker.storage.base import DestinationStore

CASES = int(os.environ.get("VIDEOIMPORT_TEST_MUTATIONS") or repetitions("mutations", 20, 40))
RUNS = 8
NOTES = "in/.videoimport"
ENTRY = f"{NOTES}/index/content/v.json"
THEIRS = b"another import's"
NAMES = ("video.mp4", "audio.m4a", "renditions/480p.mp4")
TIMES = (1, 3, 6)
"""Of a fault: the client tries five times."""


@dataclass(frozen=True)
class Case:
    """A store, and an import into it."""

    habits: Habits = field(default_factory=Habits)
    faults: tuple[Fault, ...] = ()
    damage: Damage | None = None
    intruder: Literal["First", "InBetween"] | None = None
    """Another import's video is there before, or comes when ours is about to be completed."""
    if_exists: Literal["Fail", "Replace"] = "Fail"
    killed_at: int | None = None
    """The request before which the first run is killed."""
    count: int = 2
    """Files."""
    earlier: bool = False
    """Whether a result of the same import with other files is there, which this one replaces. Not with an intruder that
    is there first."""

    @property
    def is_over_own(self) -> bool:
        return self.earlier and self.intruder != "First"

    @property
    def is_taken(self) -> bool:
        """Whether the import has to end with DestinationExists."""
        habits = self.habits
        is_bound = habits.conditions == "Honoured"
        if self.is_over_own:
            is_bound = is_bound and habits.if_match == "Honoured" and habits.etag != "AbsentOnRead"
        return self.intruder is not None and (self.intruder == "First" or is_bound) and self.if_exists == "Fail"

    @property
    def may_be_in_doubt(self) -> bool:
        """Whether a later run may find files that a run before it showed and nothing marks as its own: those stay, and
        are in the way. It finishes what was sent only where the store lists parts."""
        is_finished = self.habits.lists_parts and not self.is_over_own
        is_unfinished = bool(self.faults) or (self.killed_at is not None and not is_finished)
        return self.habits.metadata == "Dropped" and is_unfinished and self.if_exists == "Fail"


@dataclass
class Ended:
    """A run that is over."""

    report: Report | None
    reason: Reason | None = None
    message: str = ""

    @property
    def is_retried(self) -> bool:
        permanent = (RetryClass.PERMANENT, RetryClass.USER, RetryClass.END)
        return self.report is None and (self.reason is None or info(self.reason).retry not in permanent)


@dataclass
class World:
    """One case under way."""

    case: Case
    mutated: MutatedStore
    bucket: Bucket
    files: dict[str, Path]
    ended: list[Ended]

    def __post_init__(self) -> None:
        case = self.case
        if case.intruder == "First":
            self.bucket.put(self.theirs, THEIRS)
        if case.is_over_own:
            self._bring_earlier()
        self.plan = Plan(case.habits, case.faults, case.damage)
        if case.intruder == "InBetween":
            self.plan.before = self._intrude
        self.mutated.plan = self.plan

    @property
    def theirs(self) -> str:
        return f"{FOLDER}/video.mp4"

    def _intrude(self, request: Request) -> None:
        if request.operation == "CompleteMultipartUpload" and request.key == self.theirs:
            self.plan.before = lambda _: None
            self.bucket.put(self.theirs, THEIRS)

    def _bring_earlier(self) -> None:
        self.mutated.plan = Plan(self.case.habits)
        home = MutatedBucket(self.bucket, self.mutated)
        with self._store(None) as store:
            place = place_at(store, task_for(home, output={"video": {"crf": 30}}, **self._wish))
            assert earlier_run.done_before(place) is None
            preflight.writable(place)
            bring(place, {name: path.with_suffix(".old") for name, path in self.files.items()})

    def run(self) -> Ended:
        """One run of the import, as the pipeline goes."""
        number = len(self.ended) + 1
        at = self.case.killed_at if number == 1 else None
        with self._store(at) as store:
            place = place_at(store, task_for(MutatedBucket(self.bucket, self.mutated), run=number, **self._wish))
            try:
                report = earlier_run.done_before(place)
                if report is None:
                    preflight.writable(place)
                    report = bring(place, self.files, (ENTRY,))
                self.ended.append(Ended(report))
            except ImportFailure as failure:
                self.ended.append(Ended(None, failure.reason, failure.message))
            except Killed:
                self.ended.append(Ended(None))
        return self.ended[-1]

    @contextmanager
    def _store(self, killed_at: int | None) -> Iterator[DestinationStore]:
        home = MutatedBucket(self.bucket, self.mutated)
        if killed_at is not None:
            with home.dying(killed_at, after=False) as (store, _):
                yield store
            return
        store = home.store()
        yield store
        store.close()

    @property
    def _wish(self) -> dict[str, Any]:
        return {"destination": {"ifExists": self.case.if_exists}}

    @property
    def visible(self) -> dict[str, bytes]:
        keys = [key for key in self.bucket.keys if not key.startswith(NOTES)]
        return {key.removeprefix(f"{FOLDER}/"): self.bucket.read(key) for key in keys}

    def told(self) -> str:
        """For whoever reads of a failed case."""
        runs = [f"{one.reason or 'no reason'} {one.message}" if not one.report else "Completed" for one in self.ended]
        return "\n".join([repr(self.case), *runs, *self.plan.log, *map(repr, self.bucket.keys)])


@pytest.fixture(scope="module")
def mutated(store: ObjectStore) -> Iterator[MutatedStore]:
    with pytest.MonkeyPatch.context() as patch, MutatedStore(store.endpoint) as running:
        patch.setattr(standard.ExponentialBackoff, "delay_amount", lambda *_: 0.001)  # of up to 20 s
        yield running


@pytest.fixture(scope="module")
def files() -> Iterator[dict[str, Path]]:
    with tempfile.TemporaryDirectory() as folder:
        made = {}
        for number, name in enumerate(NAMES):
            made[name] = Path(folder) / str(number)
            made[name].write_bytes(name.encode() * (100 + number))
            made[name].with_suffix(".old").write_bytes(b"earlier" * (90 + number))
        yield made


def check(case: Case, store: ObjectStore, mutated: MutatedStore, files: dict[str, Path]) -> None:
    """Run the import until it is over, and once more; raises AssertionError for what must not be."""
    wanted = {name: files[name] for name in NAMES[: case.count]}
    world = World(case, mutated, store.new_bucket(), wanted, [])
    try:
        while (ended := world.run()).is_retried and len(world.ended) < RUNS:
            assert_nothing_foreign_is_lost(world)
        assert_ended_right(world, ended)
        world.plan.faults, world.plan.damage = (), None
        completed = world.plan.seen["CompleteMultipartUpload"]
        again = world.run()
        assert_ended_right(world, again)
        if ended.report:
            assert again.report == ended.report, "another report of the same result"
            assert world.plan.seen["CompleteMultipartUpload"] == completed, "brought twice"
        elif not (case.may_be_in_doubt and len(world.ended) > 2) and not case.is_over_own:
            assert set(world.visible) <= {"video.mp4"}, "something of ours stays visible"
    except AssertionError as error:
        raise AssertionError(f"{error}\n{world.told()}") from None


def assert_nothing_foreign_is_lost(world: World) -> None:
    if world.case.is_taken and "video.mp4" in world.visible:
        assert world.visible["video.mp4"] == THEIRS, "another import's file was overwritten"


def assert_ended_right(world: World, ended: Ended) -> None:
    case, visible = world.case, world.visible
    assert_nothing_foreign_is_lost(world)
    for run in world.ended:
        assert run.reason is not Reason.DESTINATION_CORRUPT or case.damage, "what is right was not believed"
    if case.is_taken:
        assert ended.reason is Reason.DESTINATION_EXISTS, "another import's file is in the way"
        return
    contents = {name: path.read_bytes() for name, path in world.files.items()}
    if case.may_be_in_doubt and ended.reason is Reason.DESTINATION_EXISTS and len(world.ended) > 1:
        is_known = visible.items() <= contents.items()
        assert is_known or case.is_over_own, "other files than those that were shown are in the way"
        return
    assert ended.report is not None, "it never completes"
    assert {name: visible.get(name) for name in contents} == contents, "Completed, and the bytes are others"
    assert set(visible) == {*contents, "result.json"}, "not exactly the result is visible"
    assert visible["result.json"] in world.plan.results, "Completed, and result.json is another"
    video = ended.report.outputs and ended.report.outputs.video
    assert video is not None
    assert (video.size_bytes, video.sha256) == (
        len(contents["video.mp4"]),
        hashlib.sha256(contents["video.mp4"]).hexdigest(),
    )
    is_known = case.habits.lists_uploads or not (case.faults or case.killed_at)
    assert not is_known or world.bucket.unfinished == [], "an upload is left"


OF_HABITS = {
    name: tuple(get_args(hint)) if get_args(hint) else (True, False) for name, hint in get_type_hints(Habits).items()
}
ONE_HABIT = [
    replace(Habits(), **{one.name: value})
    for one in fields(Habits)
    for value in OF_HABITS[one.name]
    if value != one.default
]


def _name(habits: Habits) -> str:
    return next((f"{one.name}-{getattr(habits, one.name)}" for one in fields(habits)
                 if getattr(habits, one.name) != one.default), "plain")  # fmt: skip


@pytest.mark.parametrize("habits", [Habits(), *ONE_HABIT], ids=_name)
def test_every_habit_alone_is_coped_with(
    store: ObjectStore, mutated: MutatedStore, files: dict[str, Path], habits: Habits
) -> None:
    check(Case(habits), store, mutated, files)


@pytest.mark.full(but=["None-*", "InBetween-plain", "InBetween-conditions-*", "InBetween-if_match-*"])
@pytest.mark.parametrize("habits", [Habits(), *ONE_HABIT], ids=_name)
@pytest.mark.parametrize("intruder", [None, "InBetween"])
def test_an_own_result_is_replaced_and_no_other(
    store: ObjectStore, mutated: MutatedStore, files: dict[str, Path], habits: Habits, intruder: Any
) -> None:
    check(Case(habits, intruder=intruder, earlier=True), store, mutated, files)


DAMAGED = [Damage("UploadPart", 2, "Flipped"), Damage("UploadPart", 2, "Shorter"), Damage("PutObject", 1, "Flipped")]
FORMS = [
    ("Quoted", "Composite"), ("Quoted", "Unknown"), ("Weak", "AbsentOnRead"), ("Opaque", "Unknown"),
    ("AbsentOnRead", "Unreadable"),
]  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGED, ids=lambda one: f"{one.kind} {one.operation}")
@pytest.mark.parametrize(("etag", "checksum"), FORMS)
def test_what_the_store_damages_is_found(
    store: ObjectStore, mutated: MutatedStore, files: dict[str, Path], damage: Damage, etag: Any, checksum: Any
) -> None:
    """Whatever is left to tell it."""
    check(Case(Habits(checksum=checksum, etag=etag), damage=damage), store, mutated, files)


LOST = [
    Case(faults=(Fault("CreateMultipartUpload", 1, "AnswerLost"),)),
    Case(faults=(Fault("CreateMultipartUpload", 3, "AnswerLost"),)),
    Case(faults=(Fault("CreateMultipartUpload", 2, "AnswerLost", 6),), if_exists="Replace"),
    Case(faults=(Fault("CreateMultipartUpload", 3, "DoneButErrorIn200"),), killed_at=28),
]  # fmt: skip


@pytest.mark.parametrize("case", LOST, ids=lambda case: f"{case.faults[0].first} {case.faults[0].kind}")
def test_an_upload_whose_id_no_answer_told_is_taken_back(
    store: ObjectStore, mutated: MutatedStore, files: dict[str, Path], case: Case
) -> None:
    check(case, store, mutated, files)


HABITS = st.builds(Habits, **{name: st.sampled_from(values) for name, values in OF_HABITS.items()})
FAULTS = st.builds(
    Fault,
    st.sampled_from(get_args(Operation)),
    st.integers(1, 9),
    st.sampled_from(get_args(FaultKind)),
    st.sampled_from(TIMES),
)
DAMAGES = st.builds(
    Damage, st.sampled_from(("UploadPart", "PutObject")), st.integers(1, 3), st.sampled_from(("Flipped", "Shorter"))
)
PLANS = st.builds(
    Case,
    habits=st.one_of(st.sampled_from(ONE_HABIT), HABITS),
    faults=st.lists(FAULTS, max_size=2).map(tuple),
    damage=st.none() | st.none() | DAMAGES,
    intruder=st.sampled_from((None, None, "First", "InBetween")),
    if_exists=st.sampled_from(("Fail", "Replace")),
    killed_at=st.none() | st.none() | st.integers(1, 45),
    count=st.integers(1, len(NAMES)),
    earlier=st.booleans(),
)


@settings(max_examples=CASES)
@given(case=PLANS)
def test_whatever_the_store_does_no_import_ends_wrong(
    store: ObjectStore, mutated: MutatedStore, files: dict[str, Path], case: Case
) -> None:
    check(case, store, mutated, files)


ODD = Habits(
    metadata="HeaderCase", etag="Weak", checksum="NoSuffix", conditions="NotImplemented", lists_parts=False,
    unlisted="Bare404",
    lists_uploads=False, listing="Repeated", version="Null",
)  # fmt: skip
BARE = Habits(metadata="Dropped", etag="Opaque", checksum="Unknown", conditions="Ignored", version="Named")


@pytest.mark.parametrize(
    ("habits", "fault"),
    [
        (Habits(), Fault("CompleteMultipartUpload", 2, "AnswerLost")),
        (ODD, Fault("CompleteMultipartUpload", 1, "DoneButErrorIn200")),
        (BARE, Fault("PutObject", 6, "SlowDown", 3)),
    ],
    ids=["plain", "odd", "bare"],
)
def test_a_whole_import_completes(
    bucket: Bucket, mutated: MutatedStore, site: FakeSourceSite, footage: Callable[[str], Path], tmp_path: Path,
    habits: Habits, fault: Fault,
) -> None:  # fmt: skip
    """By the real worker: once, and again without a byte moved."""
    mutated.plan = Plan(habits, (fault,))
    desk = WorkerHarness(MutatedBucket(bucket, mutated).bucket, tmp_path)
    task = desk.task(site.add("/talk.mp4", file(footage("silent.mp4"))), output={"thumbnails": {"count": 2}})
    ended = desk.run(task)
    assert ended.code == 0, f"{ended.everything}\n{mutated.plan.log}"
    told = json.loads(bucket.read("in/clip/result.json"))
    for one in (ended.report.outputs.video, ended.report.outputs.result):
        content = bucket.read(one.uri.removeprefix(f"s3://{bucket.name}/"))
        assert (one.size_bytes, one.sha256) == (len(content), hashlib.sha256(content).hexdigest())
    assert told["outputs"]["video"]["sha256"] == ended.report.outputs.video.sha256
    assert [key for key in bucket.shown if "thumbnails" in key] != []
    again = desk.run(task.model_copy(update={"run": 2}))
    assert (again.code, again.report.outputs) == (0, ended.report.outputs)
    assert len(site.requests) == 1
