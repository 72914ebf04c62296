"""Stands for the scheduler, the kubelet and the worker: runs each pod by writing the status that would come of it.

The real Job controller makes the pods and draws the conclusions; nothing here touches a Job.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from support.controller.api_server import ApiServer, Raw, Refused
from videoimport.api.labels import IMPORT, TASK
from videoimport.api.reasons import Reason, info
from videoimport.api.tasks.import_report import Report
from videoimport.api.tasks.import_task import Task
from videoimport.api.videoimport_status import OutputFile, Outputs, SourceStatus, Usage, VideoMetadata

SUCCESS = None
Fate = Callable[[Task], Reason | None]
"""The reason for which a task fails, or None for success."""


def by_url(task: Task) -> Reason | None:
    """A source with "gone" in its address is not there."""
    return Reason.SOURCE_NOT_FOUND if "gone" in task.spec.source.address else SUCCESS


@dataclass
class FakeKubelet:
    """For one namespace. ``hold`` keeps pods running while it is set."""

    api: ApiServer
    namespace: str
    fate: Fate = by_url
    hold: threading.Event = field(default_factory=threading.Event)
    reports: bool = True
    """False loses every report: the container ends, and its message is empty."""
    mesh: bool = False
    """True adds a container that never ends to what each pod reports."""

    def run(self, stopping: threading.Event) -> None:
        """Until stopping is set."""
        while not stopping.is_set():
            for event in self.api.watch("Pod", self.namespace, stopping):
                if event["type"] != "DELETED":
                    self._advance(event["object"])
                if stopping.is_set():
                    return

    def finish_all(self) -> None:
        """Let the pods go that were held."""
        self.hold.clear()
        for pod in self.api.all_of("Pod", self.namespace):
            self._advance(pod)

    def finish(self, pod: Raw) -> None:
        """Let this one go, although others are held."""
        task = Task.model_validate_json(pod["metadata"]["annotations"][TASK])
        self.api.merge("Pod", self.namespace, pod["metadata"]["name"], {"status": self._ended(task)}, "status")

    def _advance(self, pod: Raw) -> None:
        if IMPORT not in pod["metadata"].get("labels", {}):
            return  # a task Job of a BulkImport: task_job_kubelet.py
        phase = pod.get("status", {}).get("phase", "Pending")
        if phase in ("Succeeded", "Failed") or "deletionTimestamp" in pod["metadata"] or _has_ended(pod):
            return
        task = Task.model_validate_json(pod["metadata"]["annotations"][TASK])
        state = running() if phase == "Pending" else None if self.hold.is_set() else self._ended(task)
        if state is None:
            return
        patch = {"metadata": {"resourceVersion": pod["metadata"]["resourceVersion"]}, "status": state}
        try:
            self.api.merge("Pod", self.namespace, pod["metadata"]["name"], patch, "status")
        except Refused as refused:
            if refused.status not in (404, 409):  # it is gone, or it changed, which the watch tells
                raise

    def _ended(self, task: Task) -> Raw:
        reason = self.fate(task)
        code = (info(reason).exit_code or 1) if reason else 0
        message = report(task, reason).model_dump_json(by_alias=True, exclude_none=True) if self.reports else ""
        return beside_a_sidecar(terminated(code, message)) if self.mesh else terminated(code, message)


def _has_ended(pod: Raw) -> bool:
    states = [one["state"] for one in pod.get("status", {}).get("containerStatuses", ()) if one["name"] == "worker"]
    return any("terminated" in state for state in states)


def running() -> Raw:
    """Of a pod whose worker has started."""
    return {
        "phase": "Running",
        "startTime": _now(),
        "containerStatuses": [_container({"running": {"startedAt": _now()}})],
    }


def terminated(code: int, message: str) -> Raw:
    """Of a pod whose worker has ended."""
    state = {"terminated": {"exitCode": code, "message": message, "reason": "Completed" if code == 0 else "Error",
                            "startedAt": _now(), "finishedAt": _now()}}  # fmt: skip
    return {"phase": "Failed" if code else "Succeeded", "containerStatuses": [_container(state)]}


def beside_a_sidecar(ended: Raw) -> Raw:
    """Of a pod that goes on although its worker has ended."""
    sidecar = {**_container({"running": {"startedAt": _now()}}), "name": "mesh-proxy"}
    return {"phase": "Running", "containerStatuses": [sidecar, *ended["containerStatuses"]]}


def report(task: Task, reason: Reason | None) -> Report:
    """As a worker would leave it."""
    facts: dict[str, Any] = {
        "uid": task.uid,
        "run": task.run,
        "spec_hash": task.spec_hash,
        "source": SourceStatus(type="Url", url=task.spec.source.address),
        "usage": Usage(cpu_seconds=1, bytes_in=1000, bytes_out=500),
        "finished_at": datetime.now(UTC),
    }
    if reason:
        return Report(outcome="Failed", reason=reason, message=f"acted: {reason.value}", **facts)
    file = OutputFile(uri=f"s3://{task.spec.destination.s3.bucket}/{task.name}/video.mp4", size_bytes=500)
    metadata = VideoMetadata(resolution="640x360", width=640, height=360, duration_ms=10_000, size_bytes=1000)
    return Report(outcome="Succeeded", metadata=metadata, outputs=Outputs(video=file), video_id="0" * 64, **facts)


def _container(state: Raw) -> Raw:
    return {"name": "worker", "image": "worker", "imageID": "", "ready": False, "restartCount": 0, "state": state}


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
