"""A cluster small enough to hold in the hand: it carries out plans, can die between any two of their steps, and runs
Jobs whose fate is drawn. It speaks the API server's JSON, so the parsers are in play too."""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from support.core.video_builders import NOW, SETTINGS, URI, stages
from videoimport.api.bulkimport import BulkImport
from videoimport.api.bulkimport_status import BulkImportStatus
from videoimport.api.labels import PAGE, RUN, SHARD, TASK
from videoimport.api.reasons import Reason
from videoimport.api.tasks.import_report import Progress, Report
from videoimport.api.tasks.import_task import Task
from videoimport.api.videoimport import VideoImport
from videoimport.api.videoimport_status import OutputFile, Outputs, Usage, VideoImportStatus
from videoimport.core.bulk.phase import FINISHED_PHASES
from videoimport.core.bulk.reconcile import reconcile_bulk
from videoimport.core.names_and_owners import build_video_owner, is_pod_of
from videoimport.core.observed import ObservedBulk, ObservedVideo
from videoimport.core.observed_parsers import parse_claim, parse_job, parse_page, parse_pod, parse_shard
from videoimport.core.plan import Action, Create, Patch, Plan, StoreListingPage
from videoimport.core.video.reconcile import reconcile_video
from videoimport.core.video_status import is_settled

FATES = ("goes on", "goes on", "succeeds", "fails", "lost", "evicted")
Raw = dict[str, Any]
T = TypeVar("T")
Parser = Callable[[Raw], T]
Snapshot = dict[tuple[str, str], Raw]
SURE = 10_000
"""More steps than any plan has: a crash after so many is none."""


@dataclass
class SimulatedCluster:
    dice: random.Random
    now: datetime = NOW
    objects: Snapshot = field(default_factory=dict)
    """By kind and name, as JSON."""
    progress: dict[str, Progress] = field(default_factory=dict)
    """Of a Job, by its name."""
    records: dict[str, str] = field(default_factory=dict)
    """Commit records: spec hash by import's UID."""
    uploads: Counter[str] = field(default_factory=Counter)
    """By import's UID."""
    brought: Counter[str] = field(default_factory=Counter)
    """The same by address, whichever import it was."""
    made: Counter[str] = field(default_factory=Counter)
    """How often an object of a kind and name was really made."""
    writes: int = 0
    mesh: bool = False
    """Each pod has a container that never ends: only a deletion, or a failed pod, ends a Job."""
    parsed: dict[tuple[Parser[Any], int], tuple[Raw, Any]] = field(default_factory=dict)
    """Each version of an object, as it was parsed; by the identity of its JSON, which is replaced and never changed."""

    # What the API server does

    def put(self, raw: Raw) -> Raw:
        key = (raw["kind"], raw["metadata"]["name"])
        if key not in self.objects:
            self.writes += 1
            self.made["/".join(key)] += 1
            stamps = {"uid": f"{key[0]}-{key[1]}-{self.writes}", "generation": 1, "resourceVersion": str(self.writes)}
            raw = raw | {"metadata": raw["metadata"] | stamps | {"creationTimestamp": self.now.isoformat()}}
            self.objects[key] = raw
        return self.objects[key]

    def change(self, kind: str, name: str, patch: Raw) -> None:
        self.writes += 1
        old = self.objects[kind, name]
        new = _merged(old, patch)
        if new.get("spec") != old.get("spec"):
            new["metadata"] = new["metadata"] | {"generation": old["metadata"]["generation"] + 1}
        new["metadata"] = new["metadata"] | {"resourceVersion": str(self.writes)}
        self.objects[kind, name] = new

    def remove(self, kind: str, name: str) -> None:
        """The object and, as the garbage collector would, what it owns."""
        gone = self.objects.pop((kind, name), None)
        if gone is not None:
            for key, raw in list(self.objects.items()):
                if gone["metadata"]["uid"] in [owner["uid"] for owner in raw["metadata"].get("ownerReferences", ())]:
                    self.remove(*key)

    def of_kind(self, kind: str, seen_at: Snapshot | None = None) -> list[Raw]:
        return [raw for (its, _), raw in sorted((seen_at or self.objects).items()) if its == kind]

    def snapshot(self) -> Snapshot:
        return dict(self.objects)

    # What the controller does

    def parse(self, parser: Parser[T], raw: Raw) -> T:
        key = (parser, id(raw))
        if key not in self.parsed:
            self.parsed[key] = (raw, parser(raw))
        found: T = self.parsed[key][1]
        return found

    def status_of(self, name: str) -> VideoImportStatus:
        return self.parse(_parse_status, self.objects["VideoImport", name])

    def sync_video(
        self, name: str, crash_after: int = SURE, seen_at: Snapshot | None = None
    ) -> Plan[VideoImportStatus]:
        """``seen_at``: the controller's sight is that old; a status it then writes is refused if the object changed."""
        seen = self.parse(VideoImport.parse, (seen_at or self.objects)["VideoImport", name])
        views = [self.parse(parse_job, raw) for raw in self.of_kind("Job", seen_at)]
        jobs = tuple(view for view in views if view.owner == build_video_owner(seen.metadata))
        pods = tuple(self.parse(parse_pod, raw) for raw in self.of_kind("Pod", seen_at))
        own = tuple(view for view in pods if any(is_pod_of(view, job) for job in jobs))
        told = self.progress.get(seen.status.job.name) if seen.status.job else None
        claims = tuple(self.parse(parse_claim, raw) for raw in self.of_kind("PersistentVolumeClaim", seen_at))
        plan = reconcile_video(ObservedVideo(seen, jobs, own, told, claims=claims), self.now, SETTINGS)
        current = self.objects["VideoImport", name]["metadata"]["resourceVersion"]
        if plan.status is None or current == seen.metadata.resource_version:
            self._carry_out("VideoImport", name, plan, crash_after)
        return plan

    def sync_bulk(self, name: str, crash_after: int = SURE) -> Plan[BulkImportStatus]:
        seen = self.observe_bulk(name)
        plan = reconcile_bulk(seen, self.now, SETTINGS)
        if plan.status is not None and plan.status.phase in FINISHED_PHASES:
            assert seen.bulk.status.phase in FINISHED_PHASES or not self._working(seen), "it ends while something runs"
        self._carry_out("BulkImport", name, plan, crash_after)
        return plan

    def _working(self, seen: ObservedBulk) -> list[str]:
        children = [child.metadata.name for child in seen.children if not is_settled(child)]
        return children + [job.name for job in seen.jobs if job.finished is None and not self._has_ended(job.name)]

    def observe_bulk(self, name: str) -> ObservedBulk:
        seen = self.parse(BulkImport.parse, self.objects["BulkImport", name])
        children = tuple(self.parse(VideoImport.parse, raw) for raw in self.owned("VideoImport", seen.metadata.uid))
        kept = self.owned("ConfigMap", seen.metadata.uid)
        shards = [self.parse(parse_shard, raw) for raw in kept if SHARD in raw["metadata"]["labels"]]
        pages = [self.parse(parse_page, raw) for raw in kept if PAGE in raw["metadata"]["labels"]]
        jobs = tuple(self.parse(parse_job, raw) for raw in self.owned("Job", seen.metadata.uid))
        pods = (self.parse(parse_pod, raw) for raw in self.of_kind("Pod"))
        own = tuple(pod for pod in pods if any(is_pod_of(pod, job) for job in jobs))
        return ObservedBulk(
            seen,
            children,
            tuple(sorted(shards, key=by_number)),
            pages=tuple(sorted(pages, key=by_number)),
            jobs=jobs,
            pods=own,
        )

    def owned(self, kind: str, uid: str) -> list[Raw]:
        owned = (raw for raw in self.of_kind(kind) if raw["metadata"].get("ownerReferences"))
        return [raw for raw in owned if raw["metadata"]["ownerReferences"][0]["uid"] == uid]

    def _carry_out(self, kind: str, name: str, plan: Plan[Any], steps: int) -> None:
        if plan.status is not None and steps > 0:
            stored = type(plan.status).model_validate(plan.status.wire())
            assert stored == plan.status, "the controller keeps a status that it wrote without reading it again"
            written = stored.wire()
            self.change(kind, name, {"status": None})
            self.change(kind, name, {"status": written})
        for action in plan.actions[: max(0, steps - 1)]:
            self._act(action)

    def _act(self, action: Action) -> None:
        assert not isinstance(action, StoreListingPage)
        if isinstance(action, Create):
            there = self.put(action.manifest)
            assert there["metadata"]["ownerReferences"] == action.manifest["metadata"]["ownerReferences"]
            return
        if (action.kind, action.name) not in self.objects:
            return
        if isinstance(action, Patch):
            assert self.objects[action.kind, action.name]["metadata"]["uid"] == action.uid
            self.change(action.kind, action.name, action.patch)
        elif action.kind == "Job":
            self.change("Job", action.name, {"metadata": {"deletionTimestamp": self.now.isoformat()}})
        else:
            self.remove(action.kind, action.name)

    # What kubelet, Job controller and worker do

    def run_jobs(self, fate: str | None = None) -> None:
        """Each Job takes a step: deleted ones go, finished ones expire, the others work on."""
        for raw in self.of_kind("Job"):
            name, view = raw["metadata"]["name"], self.parse(parse_job, raw)
            if view.deleting or (view.finished and view.expires and self.dice.random() < 0.3):
                self.remove("Job", name)
            elif not view.finished and not self._has_ended(name):
                self._work(
                    raw, fate or self.dice.choice(("goes on", "goes on", "succeeds", "fails", "lost", "evicted"))
                )

    def _has_ended(self, job: str) -> bool:
        pod = self.objects.get(("Pod", f"{job}-x7pod"))
        return pod is not None and self.parse(parse_pod, pod).exit_code is not None

    def _work(self, job: Raw, fate: str) -> None:
        task = Task.model_validate_json(job["spec"]["template"]["metadata"]["annotations"][TASK])
        pod = self.put(_pod(job))["metadata"]["name"]
        if self.records.get(task.uid) == task.spec_hash or fate == "succeeds":
            self._succeed(task, job, pod)
        elif fate == "goes on":
            self._go_on(job, pod)
        elif fate == "fails":
            self._fail(task, job, pod)
        elif fate == "idle":
            self._terminate(task, job, pod, 103, {"outcome": "Failed", "reason": Reason.UPLOAD_IDLE, "message": "Idle"})
        elif fate == "evicted":
            self.change("Pod", pod, {"status": {"phase": "Failed", "reason": "Evicted", "message": "node is full"}})
            self._finish(job, "Failed", "BackoffLimitExceeded")
        elif job["metadata"]["uid"] in str(self.of_kind("VideoImport")):
            self.remove("Job", job["metadata"]["name"])

    def _go_on(self, job: Raw, pod: str) -> None:
        running = [{"name": "worker", "state": {"running": {}}}]
        self.change("Pod", pod, {"status": {"phase": "Running", "containerStatuses": running}})
        parts = sorted((self.dice.randint(0, 100) for _ in range(3)), reverse=True)
        run = int(job["metadata"]["labels"][RUN])
        mode = self.dice.choice((None, "Encode", "Remux"))
        self.progress[job["metadata"]["name"]] = Progress(run=run, stages=stages(*parts, mode=mode))

    def _succeed(self, task: Task, job: Raw, pod: str) -> None:
        if self.records.get(task.uid) != task.spec_hash:
            self.records[task.uid] = task.spec_hash
            self.uploads[task.uid] += 1
            self.brought[task.spec.source.url or ""] += 1
        done = {"outcome": "Succeeded", "outputs": Outputs(video=OutputFile(uri=URI)), "usage": Usage(bytes_in=3)}
        self._terminate(task, job, pod, 0, done)

    def _fail(self, task: Task, job: Raw, pod: str) -> None:
        reason = self.dice.choice((Reason.SOURCE_UNAVAILABLE, Reason.SOURCE_NOT_FOUND, Reason.OUT_OF_MEMORY))
        self._terminate(task, job, pod, 85, {"outcome": "Failed", "reason": reason, "message": "It broke"})

    def _terminate(self, task: Task, job: Raw, pod: str, code: int, told: Raw) -> None:
        words = {"uid": task.uid, "run": task.run, "spec_hash": task.spec_hash, "finished_at": self.now}
        message = Report(**words | told).model_dump_json(by_alias=True, exclude_none=True)
        self.end_worker(job, pod, code, message)

    def end_worker(self, job: Raw, pod: str, code: int, message: str) -> None:
        """The worker's container ends, and with it, but for a mesh, its pod and Job."""
        ended = [{"name": "worker", "state": {"terminated": {"exitCode": code, "message": message}}}]
        if self.mesh:
            ended.insert(0, {"name": "proxy", "state": {"running": {}}})
            self.change("Pod", pod, {"status": {"phase": "Running", "containerStatuses": ended}})
            return
        phase = "Failed" if code else "Succeeded"
        self.change("Pod", pod, {"status": {"phase": phase, "containerStatuses": ended}})
        self._finish(job, "Failed" if code else "Complete", "PodFailurePolicy" if code else "CompletionsReached")
        if self.dice.random() < 0.2:
            self.remove("Pod", pod)

    def _finish(self, job: Raw, kind: str, reason: str) -> None:
        condition = {"type": kind, "status": "True", "reason": reason, "message": ""}
        self.change("Job", job["metadata"]["name"], {"status": {"conditions": [condition]}})

    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


def _pod(job: Raw) -> Raw:
    own = {"name": job["metadata"]["name"], "uid": job["metadata"]["uid"]}
    owner = {"apiVersion": "batch/v1", "kind": "Job", **own, "controller": True}
    name = f"{job['metadata']['name']}-x7pod"
    meta = {"name": name, "namespace": job["metadata"]["namespace"], "ownerReferences": [owner]}
    return {"kind": "Pod", "metadata": meta, "status": {"phase": "Pending"}}


def _parse_status(raw: Raw) -> VideoImportStatus:
    return VideoImportStatus.model_validate(raw.get("status") or {})


def by_number(view: Any) -> int:
    number: int = view.number
    return number


def _merged(old: Any, patch: Any) -> Any:
    """RFC 7386."""
    if not isinstance(patch, dict):
        return patch
    base = dict(old) if isinstance(old, dict) else {}
    for key, value in patch.items():
        if value is None:
            base.pop(key, None)
        else:
            base[key] = _merged(base.get(key), value)
    return base
