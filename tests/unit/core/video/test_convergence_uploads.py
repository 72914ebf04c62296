"""Whatever clients, users and crashes do: an upload runs only in an open session, and comes to its end."""

import random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from support.core.simulated_cluster import FATES, SURE, SimulatedCluster
from videoimport.api.labels import TASK, UPLOAD_SESSION
from videoimport.api.reasons import Reason
from videoimport.api.tasks.import_task import Task
from videoimport.api.videoimport_status import VideoImportStatus, VideoPhase
from videoimport.core.observed_parsers import parse_job
from videoimport.core.video_status import ENDED

WISH: dict[str, Any] = {
    "source": {"upload": {"filename": "talk.mp4", "size": 1000}},
    "destination": {"s3": {"bucket": "media"}},
    "maxAttempts": 3,
}
seeds = st.integers(0, 2**32)


class Story:
    """An import with source.upload, and what happens to it at random."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.cluster = SimulatedCluster(self.dice)
        self.cluster.put({"kind": "VideoImport", "metadata": {"name": "talk", "namespace": "films"}, "spec": WISH})
        self.spent: set[str] = set()
        """Sessions that were over when a status was written."""
        self.jobs: set[str] = set()

    @property
    def status(self) -> VideoImportStatus:
        return self.cluster.status_of("talk")

    def edit(self, **spec: Any) -> None:
        generation = self.cluster.objects["VideoImport", "talk"]["metadata"].get("generation", 1)
        self.cluster.change("VideoImport", "talk", {"metadata": {"generation": generation + 1}, "spec": spec})

    def annotate(self, session: str | None) -> None:
        self.cluster.change("VideoImport", "talk", {"metadata": {"annotations": {UPLOAD_SESSION: session}}})

    def open_session(self) -> None:
        self.annotate(f"{self.dice.getrandbits(256):064x}")

    def happen(self) -> None:
        """One thing that a client, a user, a worker or the clock does."""
        deeds = {
            self.open_session: 4,
            lambda: self.annotate(None): 1,
            lambda: self.edit(suspend=self.dice.random() < 0.4): 2,
            lambda: self.edit(retryToken=str(self.dice.random())): 1,
            lambda: self.edit(source={"upload": {"size": self.dice.randint(1, 9)}}): 1,
            lambda: self.cluster.run_jobs(self.dice.choice((*FATES, "idle", "idle"))): 6,
            lambda: self.cluster.wait(self.dice.choice((1, 20, 900, 4000))): 4,
        }
        [deed] = self.dice.choices(list(deeds), list(deeds.values()))
        deed()

    def sync(self, steps: int = SURE) -> None:
        plan = self.cluster.sync_video("talk", steps)
        self._check_new_jobs()
        session = self.status.upload_session
        if self.status.reason is Reason.WAITING_FOR_UPLOAD and session and session.token_sha256:
            self.spent.add(session.token_sha256)
        self.is_settled = plan.status is None and not plan.actions

    def _check_new_jobs(self) -> None:
        for raw in self.cluster.of_kind("Job"):
            if raw["metadata"]["uid"] not in self.jobs:
                self.jobs.add(raw["metadata"]["uid"])
                task = Task.model_validate_json(raw["spec"]["template"]["metadata"]["annotations"][TASK])
                assert task.upload is not None, "a run without a session"
                assert task.upload.token_sha256 not in self.spent, "a run of a session that is over"

    def active_jobs(self) -> list[str]:
        views = [parse_job(raw) for raw in self.cluster.of_kind("Job")]
        return [view.name for view in views if not view.finished and not view.deleting]


def stormed(seed: int, steps: int = 40) -> Story:
    story = Story(seed)
    for _ in range(steps):
        story.happen()
        story.sync(story.dice.choice((0, 1, 2, SURE, SURE)))
    return story


@given(seeds)
def test_each_run_has_an_open_session_of_its_own(seed):
    stormed(seed)


@given(seeds)
def test_no_job_is_left_while_an_import_waits_for_a_client(seed):
    story = stormed(seed)
    story.edit(suspend=False, retryToken="once more")
    story.annotate(None)
    for _ in range(60):
        story.sync()
        story.cluster.run_jobs("idle")
        story.cluster.wait(20)
        if story.is_settled and story.status.reason is Reason.WAITING_FOR_UPLOAD:
            break
    assert story.status.phase in ENDED or story.status.reason is Reason.WAITING_FOR_UPLOAD
    assert story.active_jobs() == []


@given(seeds)
def test_an_import_whose_clients_stay_away_ends(seed):
    story = stormed(seed)
    story.edit(suspend=False)
    for _ in range(100):
        story.sync()
        story.cluster.run_jobs("idle")
        story.cluster.wait(600)
    assert story.status.phase in ENDED
    assert story.active_jobs() == []


@given(seeds)
def test_an_import_whose_client_comes_back_is_completed(seed):
    story = stormed(seed)
    story.edit(suspend=False, maxAttempts=20, retryToken="the last one")
    story.sync()
    for number in range(200):
        if story.status.reason is Reason.WAITING_FOR_UPLOAD:
            story.open_session()
        if story.status.phase is VideoPhase.FAILED:
            story.edit(retryToken=f"again {number}")
        story.sync()
        story.cluster.run_jobs("succeeds")
        story.cluster.wait(60)
        if story.status.phase is VideoPhase.COMPLETED:
            return
    raise AssertionError(f"no end: {story.status}")
