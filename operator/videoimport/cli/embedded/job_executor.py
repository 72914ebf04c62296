"""The Job controller and the kubelet of the embedded mode: each Job becomes a pod, and each pod a local process.

The executor starts a Job at once. The controller's limit of running imports keeps the number of processes low.
"""

import asyncio
import copy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from videoimport.api.labels import WORKER_CONTAINER
from videoimport.cli.embedded.cluster import EmbeddedCluster
from videoimport.cli.embedded.local_volumes import LocalVolumes
from videoimport.cli.embedded.object_store import Change, ObjectStore, utc_text
from videoimport.cli.embedded.pod_process import PodProcess, Termination
from videoimport.controller.client import errors
from videoimport.controller.client.resources import Raw
from videoimport.core.plan import Kind

RUNNING_PROCESS = "videoimport.io/local-process"
"""Finalizer of a pod whose process runs. A deleted pod disappears only after the end of its process."""
_STOP_SECONDS = 8.0
"""Seconds between SIGTERM and SIGKILL. A worker needs four seconds to abort an upload, and two for its last report."""


@dataclass(slots=True)
class JobExecutor:
    """Runs the Jobs of an object store, for one event loop."""

    cluster: EmbeddedCluster
    volumes: LocalVolumes
    folder: Path
    """Private folder in which each pod gets a folder of its own."""
    verbose: bool = False
    """True if the logs of the workers go to the error stream of this program."""
    _running: dict[str, "_LocalRun"] = field(default_factory=dict)
    """The runs by the UID of their pod."""
    _stopping: bool = False
    crash: "asyncio.Future[None]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    """Gets the first error that no Job can show, such as an unreadable file of a Secret."""

    @property
    def _store(self) -> ObjectStore:
        return self.cluster.store

    def begin(self) -> None:
        """Delete the unfinished Jobs of an earlier program, then follow every change.

        The processes of these Jobs ended with the earlier program. The controller then creates the same Jobs again.
        """
        for job in self._store.list("Job"):
            if not _has_finished(job):
                self._forget_processes(job)
                self._store.delete("Job", job["metadata"]["namespace"], job["metadata"]["name"])
        self._store.observe(self._observe)

    async def stop(self) -> None:
        """End every process with SIGTERM, and start no new process."""
        self._stopping = True
        runs = list(self._running.values())
        await asyncio.gather(*(run.process.stop(_STOP_SECONDS) for run in runs))
        await asyncio.gather(*(run.task for run in runs if run.task), return_exceptions=True)

    def kill(self) -> bool:
        """End every process with SIGKILL. Return whether there was a process."""
        self._stopping = True
        for run in self._running.values():
            run.process.kill()
        return bool(self._running)

    def _forget_processes(self, job: Raw) -> None:
        for pod in self._store.list("Pod"):
            if job["metadata"]["uid"] in {owner["uid"] for owner in pod["metadata"]["ownerReferences"]}:
                self._patch(pod, {"metadata": {"finalizers": None}})

    def _observe(self, change: Change, kind: Kind, raw: Raw) -> None:
        if self._stopping or change == "DELETED":
            if change == "DELETED" and kind == "Pod":
                self.cluster.log_path(raw["metadata"]["namespace"], raw["metadata"]["name"]).unlink(missing_ok=True)
        elif kind == "Job" and "deletionTimestamp" not in raw["metadata"]:
            self._advance(raw)
        elif kind == "Pod" and "deletionTimestamp" in raw["metadata"]:
            self._stop_process(raw["metadata"]["uid"])

    def _stop_process(self, pod_uid: str) -> None:
        run = self._running.get(pod_uid)
        if run is not None and run.stop is None:
            run.stop = asyncio.create_task(run.process.stop(_STOP_SECONDS))

    def _advance(self, job: Raw) -> None:
        if _has_finished(job):
            self._expire(job)
        elif job["spec"].get("suspend") is not True and "startTime" not in job.get("status", {}):
            asyncio.get_running_loop().call_soon(self._start, job)

    def _start(self, job: Raw) -> None:
        """Create the pod of a Job and start its process."""
        meta = job["metadata"]
        try:
            present = self._store.get("Job", meta["namespace"], meta["name"])
            if self._stopping or "startTime" in present.get("status", {}) or present["metadata"]["uid"] != meta["uid"]:
                return
            self._write_status(present, {"startTime": utc_text(self._store.now()), "active": 1})
            pod = self._store.create(build_pod(present))
        except errors.ClusterError:  # the Job was deleted since
            return
        log = self.cluster.log_path(pod["metadata"]["namespace"], pod["metadata"]["name"])
        run = _LocalRun(PodProcess(pod, self.folder / pod["metadata"]["uid"], log, self.verbose))
        self._running[pod["metadata"]["uid"]] = run
        run.task = asyncio.create_task(self._run(run, present, pod), name=pod["metadata"]["name"])
        run.task.add_done_callback(self._note_crash)

    async def _run(self, run: "_LocalRun", job: Raw, pod: Raw) -> None:
        started = self._store.now()
        deadline = job["spec"].get("activeDeadlineSeconds")
        timer = asyncio.get_running_loop().call_later(deadline, self._exceed, run) if deadline else None

        def show_start() -> None:
            self._write_status(pod, build_running_status(started))

        try:
            end = await run.process.run(self.volumes, show_start)
        except OSError as error:
            end = Termination(1, f"the process cannot be started: {error.strerror}", oom_killed=False)
        finally:
            self._running.pop(pod["metadata"]["uid"], None)
            if timer:
                timer.cancel()
        if not self._stopping:
            self._record(run, job, pod, started, end)

    def _note_crash(self, task: "asyncio.Task[None]") -> None:
        if not task.cancelled() and (error := task.exception()) is not None and not self.crash.done():
            self.crash.set_exception(error)

    def _exceed(self, run: "_LocalRun") -> None:
        run.deadline_exceeded = True
        run.stop = asyncio.create_task(run.process.stop(_STOP_SECONDS))

    def _record(self, run: "_LocalRun", job: Raw, pod: Raw, started: datetime, end: Termination) -> None:
        """Write the result of a process into the status of the pod and of the Job."""
        now = self._store.now()
        self._write_status(pod, build_final_status(end, started, now))
        self._patch(pod, {"metadata": {"finalizers": None}})
        self._write_status(job, build_job_status(pod, end, now, deadline_exceeded=run.deadline_exceeded))

    def _expire(self, job: Raw) -> None:
        """Delete a finished Job when its TTL is over."""
        seconds = job["spec"].get("ttlSecondsAfterFinished")
        if seconds is None:
            return
        meta = job["metadata"]
        ended = datetime.fromisoformat(job["status"]["conditions"][-1]["lastTransitionTime"])
        delay = (ended + timedelta(seconds=seconds) - self._store.now()).total_seconds()
        asyncio.get_running_loop().call_later(max(0.0, delay), self._delete, meta)

    def _delete(self, meta: dict[str, Any]) -> None:
        try:
            self._store.delete("Job", meta["namespace"], meta["name"], meta["uid"])
        except errors.ClusterError:  # the Job is gone already
            return

    def _write_status(self, raw: Raw, status: Raw) -> None:
        meta = raw["metadata"]
        try:
            present = self._store.get(raw["kind"], meta["namespace"], meta["name"])
            if present["metadata"]["uid"] == meta["uid"]:
                self._store.replace_status(raw["kind"], {**present, "status": present.get("status", {}) | status})
        except errors.NotFound:
            return

    def _patch(self, raw: Raw, patch: Raw) -> None:
        meta = raw["metadata"]
        try:
            self._store.patch(raw["kind"], meta["namespace"], meta["name"], patch)
        except errors.ClusterError:  # the object is gone
            return


@dataclass(slots=True)
class _LocalRun:
    process: PodProcess
    task: "asyncio.Task[None] | None" = None
    stop: "asyncio.Task[None] | None" = None
    """The task that ends the process. This field keeps a reference to the task, because the event loop keeps none."""
    deadline_exceeded: bool = False


def build_pod(job: Raw) -> Raw:
    """Return the pod of a Job, as the Job controller creates it."""
    template, meta = copy.deepcopy(job["spec"]["template"]), job["metadata"]
    owner = {"apiVersion": "batch/v1", "kind": "Job", "name": meta["name"], "uid": meta["uid"]}
    own = {
        "name": f"{meta['name']}-local",
        "namespace": meta["namespace"],
        "ownerReferences": [owner | {"controller": True, "blockOwnerDeletion": True}],
        "finalizers": [RUNNING_PROCESS],
    }
    status = {"phase": "Pending"}
    metadata = template.get("metadata", {}) | own
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"], "status": status}


def build_running_status(started: datetime) -> Raw:
    """Return the status of a pod whose process runs."""
    state = {"running": {"startedAt": utc_text(started)}}
    return {"phase": "Running", "startTime": utc_text(started), "containerStatuses": [_build_container(state)]}


def build_final_status(end: Termination, started: datetime, now: datetime) -> Raw:
    """Return the status of a pod whose process has ended."""
    reason = "OOMKilled" if end.oom_killed else "Error" if end.exit_code else "Completed"
    times = {"startedAt": utc_text(started), "finishedAt": utc_text(now)}
    state = {"terminated": {"exitCode": end.exit_code, "reason": reason, "message": end.message} | times}
    return {"phase": "Failed" if end.exit_code else "Succeeded", "containerStatuses": [_build_container(state)]}


def build_job_status(pod: Raw, end: Termination, now: datetime, *, deadline_exceeded: bool) -> Raw:
    """Return the status of a finished Job. The messages are the messages of the Job controller."""
    name = f"{pod['metadata']['namespace']}/{pod['metadata']['name']}"
    if deadline_exceeded:
        failed = ("DeadlineExceeded", "Job was active longer than specified deadline")
    else:
        failed = (
            "PodFailurePolicy",
            f"Container {WORKER_CONTAINER} for pod {name} failed with exit code {end.exit_code} "
            "matching FailJob rule at index 1",
        )
    moment = {"status": "True", "lastTransitionTime": utc_text(now), "lastProbeTime": utc_text(now)}
    if end.exit_code == 0 and not deadline_exceeded:
        return {"active": 0, "succeeded": 1, "conditions": [{"type": "Complete"} | moment]}
    condition = {"type": "Failed", "reason": failed[0], "message": failed[1]} | moment
    return {"active": 0, "failed": 1, "conditions": [condition]}


def _build_container(state: Raw) -> Raw:
    return {"name": WORKER_CONTAINER, "state": state, "ready": False, "restartCount": 0, "image": "", "imageID": ""}


def _has_finished(job: Raw) -> bool:
    conditions = job.get("status", {}).get("conditions", [])
    return any(condition["type"] in ("Complete", "Failed") for condition in conditions)
