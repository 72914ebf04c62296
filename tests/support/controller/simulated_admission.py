"""A cluster in the hand for those who wait: the real store and the real decisions, whose writes take their time, whose
controller may be killed at any point, and sites that answer 429."""

import json
import random
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from videoimport.api.bulkimport import IDENTITY as BULK
from videoimport.api.labels import TASK
from videoimport.api.reasons import Reason, info
from videoimport.api.tasks.import_report import Progress, Report
from videoimport.api.tasks.import_task import Task
from videoimport.api.videoimport import VideoImport
from videoimport.api.videoimport_status import OutputFile, Outputs, Stage, VideoImportStatus, VideoPhase
from videoimport.controller.cache.additional_state import AdditionalStates
from videoimport.controller.cache.store import Store
from videoimport.controller.client.resources import Key
from videoimport.controller.reconcile.observe import list_owned, observe_video
from videoimport.core.circuit_breaker import BreakerState, combine_records, find_host
from videoimport.core.plan import Create, Delete, Patch, Plan
from videoimport.core.settings import Settings
from videoimport.core.start_limits import Limits
from videoimport.core.video.reconcile import reconcile_video
from videoimport.core.video_status import has_active_run

Raw = dict[str, Any]
NOW = datetime(2026, 5, 4, 12, 0, 0, tzinfo=UTC)
SETTINGS = Settings(worker_image="w", host_backoff=timedelta(seconds=60), host_backoff_max=timedelta(seconds=600))
DOWNLOADED = (Stage(name="Download", state="Done", percent=100), Stage(name="Transcode", state="Running", percent=5))


@dataclass
class SimulatedHost:
    """``angry`` is the chance of a 429, or what decides it by the moment."""

    angry: float = 0.0
    asked: list[datetime] = field(default_factory=list)
    refused: list[datetime] = field(default_factory=list)
    most: int | None = None
    """Requests that it answers before it sends 429; None for no end."""
    taken: int = 0

    def answers(self, now: datetime, dice: random.Random) -> bool:
        self.asked.append(now)
        self.taken += 1
        refuses = dice.random() < self.angry if self.most is None else self.taken > self.most
        if refuses:
            self.refused.append(now)
            self.taken = 0 if self.most is not None and dice.random() < 0.5 else self.taken
        return not refuses


@dataclass
class SimulatedController:
    dice: random.Random
    limits: Limits = field(default_factory=Limits)
    sites: dict[str, SimulatedHost] = field(default_factory=lambda: defaultdict(SimulatedHost))
    now: datetime = NOW
    version: int = 1
    objects: dict[tuple[str, str, str], Raw] = field(default_factory=dict)
    flying: list[tuple[Key, str, Plan[VideoImportStatus]]] = field(default_factory=list)
    """Decisions whose writes are on their way, with the version that they rest on."""
    backoffs: list[tuple[str, int, timedelta]] = field(default_factory=list)
    """Each try that failed: host, failures in a row, and the backoff that follows."""
    most_live: int = 0
    parsed: dict[int, tuple[Raw, VideoImport]] = field(default_factory=dict)
    """Each version of an import, as it was parsed; by the identity of its JSON, which is replaced and never changed."""

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """A controller that knows only what the API server has. What was on its way is lost, or was done unseen."""
        for key, version, plan in getattr(self, "flying", []):
            if self.dice.random() < 0.5:
                self.commit(key, version, plan, unseen=True)
        self.flying, self.pending, self.timers = [], set(), {}
        self.notes = AdditionalStates()
        self.store = Store(self.pending.add, limits=self.limits)
        for kind in ("BulkImport", "VideoImport", "Job", "Pod"):
            for key, raw in self.objects.items():
                if key[0] == kind:
                    self.store.put(kind, raw)

    # What the API server does

    def write(self, raw: Raw, *, unseen: bool = False) -> Raw:
        self.version += 1
        kept = copied(raw)
        kept["metadata"]["resourceVersion"] = str(self.version)
        kept["metadata"].setdefault("uid", f"uid-{self.version}")
        kept["metadata"].setdefault("creationTimestamp", self.now.isoformat())
        self.objects[kept["kind"], kept["metadata"]["namespace"], kept["metadata"]["name"]] = kept
        if not unseen:
            self.store.put(kept["kind"], kept)
        return kept

    def remove(self, kind: str, namespace: str, name: str, *, unseen: bool = False) -> None:
        gone = self.objects.pop((kind, namespace, name), None)
        if gone is None:
            return
        self.version += 1
        gone = copied(gone)
        gone["metadata"]["resourceVersion"] = str(self.version)
        if not unseen:
            self.store.remove(kind, gone)
        for key, raw in list(self.objects.items()):
            if any(owner["uid"] == gone["metadata"]["uid"] for owner in raw["metadata"].get("ownerReferences", ())):
                self.remove(*key, unseen=unseen)

    def video(self, name: str, host: str, namespace: str = "ns", **spec: Any) -> None:
        source = {"source": {"url": f"https://{host}/{name}.mp4"}, "destination": {"s3": {"bucket": "videos"}}}
        owner = spec.pop("owner", None)
        meta: Raw = {"namespace": namespace, "name": name, "generation": 1}
        if owner:
            meta["ownerReferences"] = [{**BULK, "name": owner, "uid": owner, "controller": True}]
        self.write(
            {"apiVersion": "v", "kind": "VideoImport", "metadata": meta, "spec": {**source, **spec}, "status": {}}
        )

    def wish(self, key: tuple[str, str, str], **spec: Any) -> None:
        raw = copied(self.objects[key])
        raw["spec"] |= spec
        raw["metadata"]["generation"] += 1
        self.write(raw)

    def parse(self, raw: Raw) -> VideoImport:
        if id(raw) not in self.parsed:
            self.parsed[id(raw)] = (raw, VideoImport.parse(raw))
        return self.parsed[id(raw)][1]

    def videos(self) -> list[VideoImport]:
        return [self.parse(raw) for key, raw in self.objects.items() if key[0] == "VideoImport"]

    def seen(self, host: str, namespace: str) -> BreakerState | None:
        """As the statuses of a namespace have it in the API server."""
        here = (video for video in self.videos() if video.metadata.namespace == namespace)
        mine = (video for video in here if find_host(video) == host)
        return combine_records(host, (video.status.host_backoff for video in mine if video.status.host_backoff))

    # What the controller does

    def decide(self) -> None:
        """One key that waits; what comes of it is on its way."""
        key = self.dice.choice(sorted(self.pending))
        self.pending.discard(key)
        entry = self.store.find(*key)
        if entry is None or key.kind != "VideoImport" or any(flying[0] == key for flying in self.flying):
            if entry is not None and key.kind == "VideoImport":
                self.pending.add(key)
            return
        observed = observe_video(entry, list_owned(entry, self.store), self.store, self.notes.of(key, entry.uid))
        plan = reconcile_video(observed, self.now, SETTINGS)
        self.store.turns.decided(observed.video, plan.status)
        if plan.requeue_at is not None:
            self.timers[key] = min(plan.requeue_at, self.timers.get(key, plan.requeue_at))
        if plan.status is not None and has_active_run(plan.status) and plan.status.run != observed.video.status.run:
            self._starts(observed.video, plan.status)
        self.flying.append((key, entry.head["metadata"]["resourceVersion"], plan))

    def _starts(self, video: VideoImport, status: VideoImportStatus) -> None:
        host = find_host(video)
        assert host is not None
        seen = self.seen(host, video.metadata.namespace)
        if seen is not None:
            assert self.now >= seen.until, "it starts while the breaker of its host is open"
            assert status.host_backoff is not None
            assert status.host_backoff.probing, "it starts, and is no try"

    def land(self) -> None:
        """A write that was on its way arrives."""
        key, version, plan = self.flying.pop(self.dice.randrange(len(self.flying)))
        self.commit(key, version, plan)

    def commit(self, key: Key, version: str, plan: Plan[VideoImportStatus], *, unseen: bool = False) -> None:
        raw = self.objects.get(tuple(key))
        if raw is None:
            return
        if plan.status is not None:
            if raw["metadata"]["resourceVersion"] != version:
                self.pending.add(key)
                return
            before = self.parse(raw)
            self.write({**raw, "status": plan.status.wire()}, unseen=unseen)
            self._check(before, plan.status)
        for action in plan.actions:
            self._act(action, unseen)

    def _check(self, before: VideoImport, status: VideoImportStatus) -> None:
        videos = [video for video in self.videos() if video.metadata.namespace == before.metadata.namespace]
        for host in {find_host(video) for video in videos}:
            tries = [
                v
                for v in videos
                if find_host(v) == host and has_active_run(v.status) and (r := v.status.host_backoff) and r.probing
            ]
            assert len(tries) <= 1, f"{len(tries)} try {host} at once"
        now, was = status.host_backoff, before.status.host_backoff
        if now and was and was.probing and now.failures > was.failures and now.until:
            self.backoffs.append((now.host, now.failures, now.until - now.time))
            assert now.failures == was.failures + 1
        assert not (status.phase is VideoPhase.FAILED and status.reason is Reason.RATE_LIMITED), "failed for its host"

    def _act(self, action: Any, unseen: bool) -> None:
        if isinstance(action, Create):
            meta = action.manifest["metadata"]
            if (action.manifest["kind"], meta["namespace"], meta["name"]) not in self.objects:
                self.write({**action.manifest, "status": {}}, unseen=unseen)
                live = [raw for key, raw in self.objects.items() if key[0] == "Job" and not raw["status"]]
                self.most_live = max(self.most_live, len(live))
                assert len(live) <= self.limits.cluster, "more run than may"
                here = [raw for raw in live if raw["metadata"]["namespace"] == meta["namespace"]]
                assert not self.limits.namespace or len(here) <= self.limits.namespace, "more run there than may"
        elif isinstance(action, Delete):
            self.remove(action.kind, action.namespace, action.name, unseen=unseen)
        elif isinstance(action, Patch) and (raw := self.objects.get((action.kind, action.namespace, action.name))):
            self.write({**raw, "spec": {**raw["spec"], **action.patch["spec"]}}, unseen=unseen)

    # What workers do

    def work(self) -> bool:
        """A Job takes a step; whether there was one to take it."""
        jobs = [raw for key, raw in self.objects.items() if key[0] == "Job" and not raw["status"]]
        if not jobs:
            return False
        job = self.dice.choice(jobs)
        task = Task.model_validate_json(job["spec"]["template"]["metadata"]["annotations"][TASK])
        meta = job["metadata"]
        key = Key("VideoImport", meta["namespace"], task.name)
        notes = self.notes.of(key, task.uid)
        if notes.progress is not None and notes.progress.run == task.run:
            self._end(job, task, None)
        elif not self.sites[str(task.spec.source.url).split("/")[2]].answers(self.now, self.dice):
            self._end(job, task, Reason.RATE_LIMITED)
        elif self.dice.random() < 0.5:
            self._end(job, task, self.dice.choice((None, None, None, Reason.WORKER_LOST)))
        else:
            notes.progress = Progress(run=task.run, stages=DOWNLOADED)
            self.pending.add(key)
        return True

    def _end(self, job: Raw, task: Task, reason: Reason | None) -> None:
        told: Raw = (
            {"outcome": "Failed", "reason": reason}
            if reason
            else {"outcome": "Succeeded", "outputs": Outputs(video=OutputFile(uri="s3://videos/v"))}
        )
        report = Report(uid=task.uid, run=task.run, spec_hash=task.spec_hash, finished_at=self.now, **told)
        state = {
            "exitCode": (info(reason).exit_code or 1) if reason else 0,
            "message": report.model_dump_json(by_alias=True, exclude_none=True),
        }
        meta = job["metadata"]
        owner = {"apiVersion": "batch/v1", "kind": "Job", "name": meta["name"], "uid": meta["uid"], "controller": True}
        pod = {
            "namespace": meta["namespace"],
            "name": f"{meta['name']}-"[:58] + "ppppp",
            "ownerReferences": [owner],
            "labels": meta["labels"],
        }
        ended = {
            "phase": "Failed" if reason else "Succeeded",
            "containerStatuses": [{"name": "worker", "state": {"terminated": state}}],
        }
        self.write({"apiVersion": "v1", "kind": "Pod", "metadata": pod, "status": ended})
        condition = {"type": "Failed" if reason else "Complete", "status": "True", "reason": "", "message": ""}
        self.write({**job, "status": {"conditions": [condition]}})

    # Time

    def storm(self) -> None:
        """Anything that can happen next."""
        what = self.dice.random()
        if self.pending and what < 0.5:
            self.decide()
        elif self.flying and what < 0.8:
            self.land()
        elif what < 0.9:
            self.work()
        else:
            self.pass_time(self.dice.choice((1, 5, 30, 90, 400)))

    def pass_time(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        for key, at in list(self.timers.items()):
            if at <= self.now:
                del self.timers[key]
                self.pending.add(key)

    def calm(self, steps: int = 20_000) -> None:
        """Until nothing is left to happen."""
        for _ in range(steps):
            if self.flying:
                self.land()
            elif any(key.kind == "VideoImport" for key in self.pending):
                self.decide()
            elif not self.work():
                if not self.timers:
                    return
                self.pass_time(max(1.0, (min(self.timers.values()) - self.now).total_seconds()))
            else:
                self.pass_time(1)
        raise AssertionError("it does not come to rest")


def copied(raw: Raw) -> Raw:
    """As the API server keeps and sends it. A copy by way of JSON takes a third of the time of ``deepcopy``."""
    copy: Raw = json.loads(json.dumps(raw))
    return copy
