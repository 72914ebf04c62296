"""Whatever is killed, lost or edited when: an ending is told under one id, and once it was taken nothing is sent."""

import random
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from support.core.bulk_builders import BULK, BULK_UID, bulk, good, plan, recorded
from support.core.video_builders import NOW, SETTINGS, pod
from support.examples import examples
from videoimport.api.bulkimport import BulkImport
from videoimport.api.bulkimport_status import BulkImportStatus, BulkPhase
from videoimport.api.labels import RUN, TASK
from videoimport.api.reasons import Reason
from videoimport.api.tasks.webhook_task import DeliveryReport, DeliveryTask, WebhookStatus
from videoimport.core.observed import JobView, ObservedBulk, PodView
from videoimport.core.plan import Create, Delete, Patch
from videoimport.core.webhook.reconcile import reconcile_webhook

HOOK = {"url": "https://hooks.example/done", "secretRef": {"name": "hook-key"}}
FATES = ("goes on", "delivered", "delivered and lost", "delivered and silent", "refused", "lost", "deleted")
seeds = st.integers(0, 2**32)


@dataclass
class World:
    """A bulk, its Jobs, and a receiver that remembers what it took."""

    dice: random.Random
    bulk: BulkImport = field(default_factory=lambda: bulk(status=finished_at(NOW), webhook=HOOK))
    now: datetime = NOW
    jobs: dict[str, JobView] = field(default_factory=dict)
    tasks: dict[str, DeliveryTask] = field(default_factory=dict)
    pods: dict[str, PodView] = field(default_factory=dict)
    taken: list[str] = field(default_factory=list)
    made: int = 0
    mesh: bool = False
    """Each pod has a container that never ends."""

    @property
    def hook(self) -> WebhookStatus | None:
        return self.bulk.status.webhook

    def sync(self, steps: int = 99) -> bool:
        """Decide and do, or die after so many steps; whether there was anything to do."""
        seen = ObservedBulk(self.bulk, jobs=tuple(self.jobs.values()), pods=tuple(self.pods.values()))
        found = reconcile_webhook(seen, self.bulk.status, self.now, SETTINGS)
        changed = found.status != self.hook
        if changed and steps > 0:
            self.write(webhook=found.status and WebhookStatus.model_validate(found.status.wire()))
        for action in found.actions[: max(0, steps - 1)]:
            self.act(action)
        return changed or bool(found.actions)

    def act(self, action: Any) -> None:
        if isinstance(action, Create):
            self.create(action.manifest)
        elif isinstance(action, Patch):
            self.jobs[action.name] = replace(self.jobs[action.name], expires=True)
        elif isinstance(action, Delete):
            self.drop(action.name)

    def create(self, manifest: dict[str, Any]) -> None:
        name, run = manifest["metadata"]["name"], int(manifest["metadata"]["labels"][RUN])
        if name not in self.jobs:
            self.made += 1
            self.jobs[name] = a_job(name, f"uid-{self.made}", run)
            task = manifest["spec"]["template"]["metadata"]["annotations"][TASK]
            self.tasks[name] = DeliveryTask.model_validate_json(task)

    def drop(self, name: str) -> None:
        self.jobs.pop(name, None)
        self.pods.pop(name, None)

    def write(self, **status: Any) -> None:
        self.bulk = self.bulk.model_copy(update={"status": self.bulk.status.model_copy(update=status)})

    def edit(self, **spec: Any) -> None:
        self.bulk = self.bulk.model_copy(update={"spec": self.bulk.spec.model_copy(update=spec)})

    def run_jobs(self, fates: tuple[str, ...]) -> None:
        for name, job in list(self.jobs.items()):
            if not job.finished and name not in self.pods:
                self.end(name, job, self.dice.choice(fates))
            elif job.expires:
                self.drop(name)

    def end(self, name: str, job: JobView, fate: str) -> None:
        if fate == "goes on":
            return
        if fate in ("delivered", "delivered and lost", "delivered and silent"):
            self.taken.append(self.tasks[name].message_id)
        if fate == "deleted":
            self.drop(name)
            return
        good = fate in ("delivered", "delivered and silent")
        reason = None if good else Reason.WEBHOOK_FAILED
        report = DeliveryReport(uid=BULK_UID, run=job.run, reason=reason).model_dump_json(by_alias=True)
        if self.mesh:
            text = "" if "silent" in fate else report
            ended = {"phase": "Running", "exit_code": 0 if good else 98, "companions": ("proxy",)}
            self.pods[name] = pod(job, termination_message=text, **ended)
            return
        self.jobs[name] = replace(job, finished="Complete" if good else "Failed", disrupted="lost" in fate)
        if fate in ("delivered", "refused"):
            ended = {"phase": "Succeeded" if good else "Failed", "exit_code": 0 if good else 98}
            self.pods[name] = pod(job, termination_message=report, **ended)

    def ends_anew(self) -> None:
        self.write(phase=BulkPhase.PROCESSING, completion_time=None)
        self.sync(self.dice.choice((0, 1, 99)))
        self.now += timedelta(seconds=30)
        self.write(phase=BulkPhase.COMPLETED, completion_time=self.now)

    def storm(self) -> None:
        self.sync(self.dice.choice((0, 1, 2, 99, 99)))
        self.run_jobs(
            ("goes on", "delivered", "delivered and lost", "delivered and silent", "refused", "lost", "deleted")
        )
        self.now += timedelta(seconds=self.dice.choice((0, 1, 60, 3600)))
        if self.dice.random() < 0.15:
            self.edit(suspend=not self.bulk.spec.suspend)
        if self.dice.random() < 0.1:
            self.edit(retry_token=str(self.dice.random()))

    def calm_down(self, fate: str = "delivered") -> None:
        self.edit(suspend=False)
        for _ in range(200):
            if not self.sync() and not any(not job.finished for job in self.jobs.values()) and self.settled:
                return
            self.run_jobs((fate,))
            self.now += timedelta(hours=5)
        raise AssertionError(f"no end: {self.hook} {self.jobs}")

    @property
    def settled(self) -> bool:
        return self.hook is not None and self.hook.state != "Pending"


def finished_at(moment: datetime) -> BulkImportStatus:
    return BulkImportStatus(phase=BulkPhase.COMPLETED, completion_time=moment, total=1, completed=1)


def a_job(name: str, uid: str, run: int) -> JobView:
    return JobView(
        namespace="films", name=name, uid=uid, owner=BULK, run=run, created=NOW, deleting=False, finished=None,
        failure_reason=None, failure_message=None, exit_code=None, disrupted=False, expires=False,
    )  # fmt: skip


@given(seeds)
@examples(24)
def test_one_ending_is_told_under_one_id_until_it_is_taken_and_then_no_more(seed):
    world = World(random.Random(seed), mesh=seed % 2 == 1)
    for _ in range(15):
        world.storm()
    world.calm_down()
    assert world.hook is not None
    assert {task.message_id for task in world.tasks.values()} == {world.hook.id}
    assert len({task.body for task in world.tasks.values()}) == 1
    assert (world.hook.state == "Delivered") <= (world.hook.id in world.taken)
    made = world.made
    for _ in range(3):
        world.now += timedelta(days=1)
        world.sync()
    assert world.made == made


@given(seeds)
@examples(24)
def test_at_most_one_job_sends_at_a_time(seed):
    world = World(random.Random(seed), mesh=seed % 2 == 1)
    for _ in range(30):
        world.storm()
        world.sync()
        world.sync()
        sending = [job for job in world.jobs.values() if not job.finished and job.name not in world.pods]
        assert len(sending) <= 1
        assert not (world.bulk.spec.suspend and sending)


@given(seeds)
@examples(24)
def test_each_ending_has_an_id_of_its_own_and_the_last_is_told(seed):
    world = World(random.Random(seed), mesh=seed % 2 == 1)
    for _ in range(4):
        for _ in range(world.dice.randint(0, 4)):
            world.storm()
        world.ends_anew()
    world.calm_down()
    assert world.hook is not None
    assert world.hook.id == world.taken[-1]
    assert world.hook.state == "Delivered"
    ids = list(dict.fromkeys(task.message_id for task in world.tasks.values()))
    assert ids[-1] == world.hook.id


def test_a_receiver_that_never_takes_it_is_given_up_in_the_end():
    world = World(random.Random(1))
    world.calm_down("refused")
    assert world.hook is not None
    assert (world.hook.state, world.made) == ("Failed", 20)


def test_the_end_and_the_intent_to_tell_it_are_one_write():
    wish = bulk(1, webhook=HOOK)
    found = plan(wish, (good(wish, 0),), recorded(good(wish, 0)))
    assert found.status is not None
    assert found.status.phase is BulkPhase.COMPLETED
    assert found.status.webhook is not None
    assert found.status.webhook.run == 1
    jobs = [action for action in found.actions if isinstance(action, Create) and action.manifest["kind"] == "Job"]
    assert [job.manifest["metadata"]["name"] for job in jobs] == ["talks-hook-r1"]
