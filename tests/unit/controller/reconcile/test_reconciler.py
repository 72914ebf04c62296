import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from videoimport.api.videoimport import VideoImport
from videoimport.controller.cache.additional_state import AdditionalStates
from videoimport.controller.cache.store import Store
from videoimport.controller.client.errors import AlreadyExists, Conflict, NotFound, Rejected, Terminating, Unavailable
from videoimport.controller.client.resources import Key
from videoimport.controller.queue.workqueue import KeyedQueue
from videoimport.controller.reconcile import reconciler as sync
from videoimport.controller.reconcile.apply import EventRecorder
from videoimport.controller.reconcile.reconciler import Syncer
from videoimport.core.names_and_owners import OUR_LABELS
from videoimport.core.observed import ObservedVideo, Owner
from videoimport.core.plan import Create, Delete, EventQuery, Patch, Plan, PlannedEvent
from videoimport.core.settings import Settings

Raw = dict[str, Any]
Thing = Callable[..., Raw]
KEY = Key("VideoImport", "ns", "one")
NOW = datetime(2026, 1, 1, tzinfo=UTC)
SPEC = {"source": {"url": "https://example.com/a.mp4"}, "destination": {"s3": {"bucket": "videos"}}}
OWNER = [
    {
        "apiVersion": "videoimport.io/v1alpha1",
        "kind": "VideoImport",
        "name": "one",
        "uid": "one-uid",
        "controller": True,
    }
]
ONE = Owner("ns", "videoimport.io", "VideoImport", "one", "one-uid")
JOB = {
    "apiVersion": "batch/v1",
    "kind": "Job",
    "metadata": {"namespace": "ns", "name": "one-1", "labels": {"videoimport.io/run": "1"}, "ownerReferences": OWNER},
}

ABOUT = {"kind": "Job", "namespace": "ns", "name": "one-1", "uid": "job-uid"}


class Scene:
    """One VideoImport, and a plan of the test's choice."""

    def __init__(self, cluster: Any, thing: Thing, clock: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        self.cluster, self.clock = cluster, clock
        self.queue = KeyedQueue(clock=clock)
        self.store = Store(lambda _: None)
        self.notebook = AdditionalStates(clock)
        self.video = thing("VideoImport", "one", 5, spec=SPEC, meta={"generation": 1})
        self.store.put("VideoImport", self.video)
        cluster.objects["VideoImport", "one"] = self.video
        self.plan: Plan[Any] = Plan()
        self.observed: list[ObservedVideo] = []
        monkeypatch.setattr(sync, "reconcile_video", self._decide)
        self.syncer = Syncer(
            cluster,
            self.store,
            self.queue,
            self.notebook,
            Settings("worker"),
            EventRecorder(cluster),
            lambda: NOW,
            clock,
        )

    def _decide(self, observed: ObservedVideo, _now: datetime, _settings: Settings) -> Plan[Any]:
        self.observed.append(observed)
        return self.plan

    async def sync(self, plan: Plan[Any] | None = None) -> None:
        self.plan = self.plan if plan is None else plan
        await self.syncer.sync(KEY)


@pytest.fixture
def scene(cluster: Any, thing: Thing, clock: Any, monkeypatch: pytest.MonkeyPatch) -> Scene:
    return Scene(cluster, thing, clock, monkeypatch)


def status(scene: Scene, message: str) -> Any:
    return scene.observed[-1].video.status.model_copy(update={"message": message})


async def test_an_import_that_is_gone_is_forgotten(scene: Scene) -> None:
    scene.store.vanished("VideoImport", "ns", "one", "one-uid")
    await scene.sync()
    assert scene.cluster.calls == []


async def test_the_status_is_written_first_then_actions_then_words(scene: Scene) -> None:
    await scene.sync()
    await scene.sync(Plan(status(scene, "hello"), (Create(JOB),), (), (PlannedEvent("Normal", "Started", "words"),)))
    assert [name for name, _ in scene.cluster.calls] == ["replace_status", "create", "post_event"]
    written = scene.cluster.called("replace_status")[0]
    assert written["metadata"]["resourceVersion"] == "5"
    assert written["status"]["message"] == "hello"
    entry = scene.store.find("VideoImport", "ns", "one")
    assert entry is not None
    assert entry.of(VideoImport).status.message == "hello"
    assert [job.head["metadata"]["name"] for job in scene.store.owned("Job", ONE)] == ["one-1"]


async def test_a_status_that_stands_there_already_is_not_written(scene: Scene) -> None:
    await scene.sync()
    await scene.sync(Plan(status(scene, "hello")))
    await scene.sync()
    assert len(scene.cluster.called("replace_status")) == 1


@pytest.mark.parametrize("failure", [Conflict("changed"), Unavailable("reset")])
async def test_without_its_status_nothing_of_a_plan_is_done(scene: Scene, failure: Exception) -> None:
    await scene.sync()
    scene.cluster.failures["replace_status"] = [failure]
    with pytest.raises(type(failure)):
        await scene.sync(
            Plan(status(scene, "hello"), (Create(JOB),), (), (PlannedEvent("Normal", "Started", "words"),))
        )
    assert scene.cluster.called("create") == []
    assert scene.cluster.called("post_event") == []


async def test_a_conflict_makes_it_read_what_is_there_now(scene: Scene, thing: Thing) -> None:
    await scene.sync()
    scene.cluster.failures["replace_status"] = [Conflict("changed")]
    scene.cluster.objects["VideoImport", "one"] = thing("VideoImport", "one", 9, spec=SPEC)
    with pytest.raises(Conflict):
        await scene.sync(Plan(status(scene, "hello")))
    entry = scene.store.find("VideoImport", "ns", "one")
    assert entry is not None
    assert entry.version == 9


async def test_words_are_said_even_when_an_action_fails(scene: Scene) -> None:
    scene.cluster.failures["create"] = [Unavailable("reset")]
    with pytest.raises(Unavailable):
        await scene.sync(Plan(None, (Create(JOB),), (), (PlannedEvent("Normal", "Started", "words"),)))
    assert len(scene.cluster.called("post_event")) == 1


async def test_words_that_cannot_be_said_harm_nothing(scene: Scene) -> None:
    scene.cluster.failures["post_event"] = [Rejected("the namespace is going")]
    await scene.sync(Plan(planned_events=(PlannedEvent("Normal", "Started", "words"),)))


def taken(**metadata: Any) -> Raw:
    return {**JOB, "metadata": {**JOB["metadata"], "uid": "job-uid", "resourceVersion": "7", **metadata}}  # type: ignore[dict-item]


async def test_a_job_that_is_there_already_is_taken_for_made(scene: Scene) -> None:
    scene.cluster.failures["create"] = [AlreadyExists("there")]
    scene.cluster.objects["Job", "one-1"] = taken()
    await scene.sync(Plan(None, (Create(JOB),)))
    assert [job.uid for job in scene.store.owned("Job", ONE)] == ["job-uid"]


@pytest.mark.parametrize(
    "passing",
    [{"labels": {"videoimport.io/run": "2"}}, {"deletionTimestamp": "2026-01-01T00:00:00Z"}],
    ids=["another-run", "going"],
)
async def test_a_namesake_that_will_pass_is_waited_for(scene: Scene, passing: Raw) -> None:
    scene.cluster.failures["create"] = [AlreadyExists("there")]
    scene.cluster.objects["Job", "one-1"] = taken(**passing)
    with pytest.raises(Conflict, match="another run, or being deleted"):
        await scene.sync(Plan(None, (Create(JOB),)))


@pytest.mark.parametrize(
    "strange",
    [{"ownerReferences": [{**OWNER[0], "uid": "an-earlier-uid"}]}, {"ownerReferences": []}],
    ids=["another-owner", "no-owner"],
)
async def test_a_name_that_somebody_else_holds_is_told_like_a_refusal(scene: Scene, strange: Raw) -> None:
    scene.cluster.failures["create"] = [AlreadyExists("there")]
    scene.cluster.objects["Job", "one-1"] = taken(**strange)
    await scene.sync(Plan(None, (Create(JOB),)))
    await scene.sync()
    [refusal] = scene.observed[-1].events
    assert refusal.reason == "JobRejected"
    assert "Job one-1 is there and belongs to another" in refusal.message
    assert refusal.message.endswith("delete it")


async def test_nobody_is_told_to_delete_what_is_at_work_for_another_of_ours(scene: Scene) -> None:
    theirs = [{**OWNER[0], "name": "two", "uid": "two-uid"}]
    scene.cluster.failures["create"] = [AlreadyExists("there")]
    scene.cluster.objects["Job", "one-1"] = taken(labels=OUR_LABELS, ownerReferences=theirs)
    await scene.sync(Plan(None, (Create(JOB),)))
    await scene.sync()
    [refusal] = scene.observed[-1].events
    assert "belongs to another, VideoImport two" in refusal.message
    assert "delete" not in refusal.message


async def test_a_refused_create_does_not_keep_what_follows_from_being_done(scene: Scene) -> None:
    scene.cluster.failures["create"] = [Rejected("exceeded quota")]
    await scene.sync(Plan(None, (Create(JOB), Delete("Job", "ns", "old", "old-uid"))))
    assert len(scene.cluster.called("delete")) == 1


async def test_an_import_whose_namespace_is_being_deleted_is_left_alone(scene: Scene) -> None:
    scene.cluster.failures["create"] = [Terminating("being terminated")]
    plan = Plan(None, (Create(JOB),), (), (PlannedEvent("Normal", "Started", "words"),))
    for _ in range(3):
        await scene.sync(plan)
        scene.clock.now += 3600
    assert [name for name, _ in scene.cluster.calls] == ["create"]
    assert (scene.queue.depth, scene.queue._due) == (0, {}), "it does not come back by itself"


async def test_what_is_to_be_stopped_in_a_namespace_that_is_being_deleted_is_stopped(scene: Scene) -> None:
    scene.cluster.failures["create"] = [Terminating("being terminated")]
    await scene.sync(Plan(None, (Create(JOB), Delete("Job", "ns", "one-0", "old"))))
    assert scene.cluster.called("delete") == [("Job", "one-0", "old")]


async def test_a_refused_create_is_told_once_and_tried_later_and_later(scene: Scene) -> None:
    scene.cluster.failures["create"] = [Rejected("exceeded quota")] * 3
    plan: Plan[Any] = Plan(None, (Create(JOB),))
    await scene.sync(plan)
    assert scene.queue.depth == 1
    [event] = scene.cluster.called("post_event")
    assert (event["type"], event["reason"]) == ("Warning", "JobRejected")
    assert event["message"].startswith("exceeded quota.")

    await scene.sync()
    assert len(scene.cluster.called("create")) == 1, "not before its time"
    [refusal] = scene.observed[-1].events
    assert (refusal.uid, refusal.reason, refusal.last_seen) == ("one-uid", "JobRejected", NOW)
    assert "exceeded quota" in refusal.message

    scene.clock.now += 1
    await scene.sync()
    scene.clock.now += 1
    await scene.sync()
    assert len(scene.cluster.called("create")) == 2, "the second pause is longer"
    assert len(scene.cluster.called("post_event")) == 1


async def test_a_changed_spec_is_tried_at_once_and_a_success_clears_the_refusal(scene: Scene, thing: Thing) -> None:
    scene.cluster.failures["create"] = [Rejected("exceeded quota")]
    await scene.sync(Plan(None, (Create(JOB),)))
    scene.store.put("VideoImport", thing("VideoImport", "one", 50, spec=SPEC, meta={"generation": 2}))
    await scene.sync()
    assert len(scene.cluster.called("create")) == 2
    await scene.sync(Plan())
    assert scene.observed[-1].events == ()


async def test_a_patch_is_guarded_by_the_uid(scene: Scene) -> None:
    scene.cluster.objects["Job", "one-1"] = taken()
    await scene.sync(Plan(None, (Patch("Job", "ns", "one-1", "job-uid", {"spec": {"ttlSecondsAfterFinished": 9}}),)))
    [(_, _, patch)] = scene.cluster.called("patch")
    assert patch == {"spec": {"ttlSecondsAfterFinished": 9}, "metadata": {"uid": "job-uid"}}


async def test_patching_what_is_gone_makes_it_known_as_gone(scene: Scene) -> None:
    scene.store.put("Job", taken())
    scene.cluster.failures["patch"] = [NotFound("gone")]
    with pytest.raises(NotFound):
        await scene.sync(Plan(None, (Patch("Job", "ns", "one-1", "job-uid", {}),)))
    assert scene.store.owned("Job", ONE) == []


@pytest.mark.parametrize("answer", [None, NotFound("gone"), Conflict("a namesake")])
async def test_deleting_what_is_gone_is_success(scene: Scene, answer: Exception | None) -> None:
    scene.store.put("Job", taken())
    scene.cluster.failures["delete"] = [answer] if answer else []
    await scene.sync(Plan(None, (Delete("Job", "ns", "one-1", "job-uid"),)))
    assert scene.store.owned("Job", ONE) == []


async def test_an_answer_to_a_question_is_part_of_the_next_observation(scene: Scene) -> None:
    scene.store.put("Job", taken(creationTimestamp="2026-01-01T00:00:00Z"))
    scene.cluster.about = [
        {"metadata": {}, "involvedObject": ABOUT, "reason": "FailedCreate", "message": "forbidden",
         "lastTimestamp": "2026-01-01T00:00:00Z"}
    ]  # fmt: skip
    await scene.sync(Plan(event_queries=(EventQuery("Job", "ns", "one-1", "job-uid"),)))
    assert scene.queue.depth == 1
    await scene.sync()
    assert [event.reason for event in scene.observed[-1].events] == ["FailedCreate"]
    assert len(scene.cluster.called("events_about")) == 1, "not asked twice within the patience"


@pytest.mark.parametrize("part", ["kind", "namespace", "name", "uid"])
async def test_an_event_about_something_else_is_no_answer(scene: Scene, part: str) -> None:
    scene.cluster.about = [{"metadata": {}, "involvedObject": ABOUT | {part: "another"}, "reason": "FailedCreate"}]
    await scene.sync(Plan(event_queries=(EventQuery("Job", "ns", "one-1", "job-uid"),)))
    await scene.sync()
    assert scene.observed[-1].events == ()


async def test_a_plan_that_wants_to_be_made_again_is(scene: Scene) -> None:
    await scene.sync(Plan(requeue_at=NOW + timedelta(seconds=5)))
    assert scene.queue.depth == 0
    scene.clock.now += 5
    assert await scene.queue.get() == KEY


async def test_a_finished_job_without_a_report_has_its_pods_listed_once(scene: Scene) -> None:
    done = {"status": {"conditions": [{"type": "Complete", "status": "True"}]}}
    scene.store.put("Job", taken(creationTimestamp="2026-01-01T00:00:00Z") | done)
    await scene.sync()
    await scene.sync()
    assert scene.cluster.called("pages") == [("Pod", "ns", "batch.kubernetes.io/controller-uid=job-uid")]


async def test_an_import_that_cannot_be_read_is_refused_by_name_of_the_field(scene: Scene, thing: Thing) -> None:
    scene.store.put("VideoImport", thing("VideoImport", "one", 9, spec={"source": {"url": "ftp://a.example/b.mp4"}}))
    await scene.sync()
    [written] = scene.cluster.called("replace_status")
    assert written["status"]["reason"] == "InvalidSpec"
    assert "spec.source.url" in written["status"]["message"]


def child(name: str) -> Create:
    return Create(
        {"apiVersion": "v", "kind": "VideoImport", "metadata": {"namespace": "ns", "name": name}, "spec": SPEC}
    )


async def test_children_of_a_bulk_are_made_at_the_same_time(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    make, arrived = scene.cluster.create, asyncio.Barrier(3)

    async def slow(manifest: Raw) -> Raw:
        await arrived.wait()  # nobody passes before all have come
        made: Raw = await make(manifest)
        return made

    monkeypatch.setattr(scene.cluster, "create", slow)
    async with asyncio.timeout(300):
        await scene.sync(Plan(None, (child("a"), child("b"), child("c"))))
    assert len(scene.cluster.called("create")) == 3


async def test_a_child_that_is_refused_keeps_none_of_the_others_from_being_made(scene: Scene) -> None:
    scene.cluster.failures["create"] = [Rejected("exceeded quota")]
    await scene.sync(Plan(None, (child("a"), child("b"), child("c"))))
    assert len(scene.cluster.called("create")) == 3
    assert "exceeded quota" in scene.cluster.called("post_event")[0]["message"]


async def test_a_child_that_cannot_be_made_now_brings_the_key_back_after_all_were_tried(scene: Scene) -> None:
    scene.cluster.failures["create"] = [Unavailable("the server is away")]
    with pytest.raises(Unavailable):
        await scene.sync(Plan(None, (child("a"), child("b"), child("c"))))
    assert len(scene.cluster.called("create")) == 3
