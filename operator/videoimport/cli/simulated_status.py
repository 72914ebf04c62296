"""The status that a cluster would compute from the reports of a worker.

The controller's own code makes the decisions, with a simulated Job and pod as input. So the status is the same as in a
cluster.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from videoimport.api.tasks.import_report import Progress
from videoimport.api.tasks.import_task import Task
from videoimport.api.videoimport import IDENTITY, VideoImport, spec_hash
from videoimport.api.videoimport_status import VideoImportStatus
from videoimport.core.names_and_owners import build_job_name, build_job_owner, build_video_owner
from videoimport.core.observed import JobView, ObservedVideo, PodView
from videoimport.core.settings import Settings
from videoimport.core.video.reconcile import reconcile_video

RUN = 1
_JOB_UID = "here"
_HERE = Settings(
    worker_image="here",
    write_interval=timedelta(0),  # every progress report is shown
    max_uncharged=0,  # this machine tries once, and the user decides about another try
    later_cap=timedelta(0),
)


def task_of(video: VideoImport, networks: tuple[str, ...]) -> Task:
    """Return the task of the worker."""
    meta = video.metadata
    return Task(
        uid=meta.uid, namespace=meta.namespace, name=meta.name, run=RUN, spec=video.spec,
        spec_hash=spec_hash(video.spec), allowed_networks=networks, progress_seconds=1,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class RunEnd:
    """The exit code and the report of a worker that has ended."""

    code: int
    """The exit code as a kubelet reports it. For a killed worker the exit code is 128 plus the signal."""
    message: str | None
    """The termination message of the worker."""


class SimulatedCluster:
    """The objects of a cluster that a single import needs.

    The simulated cluster observes the import, calls ``core`` for decisions, and stores the status.
    """

    def __init__(self, video: VideoImport, now: datetime) -> None:
        spec = video.spec.model_copy(update={"max_attempts": 1})
        self._video = video.model_copy(update={"spec": spec, "status": VideoImportStatus()})
        self._job = _job(video, now)
        self._pod = _pod(video, now)
        self._observe(ObservedVideo(self._video), now)

    @property
    def status(self) -> VideoImportStatus:
        """The status as in a cluster, without the simulated Job."""
        return self._video.status.model_copy(update={"job": None})

    def told(self, progress: Progress, now: datetime) -> VideoImportStatus:
        """Update and return the status after a progress report of the worker."""
        self._observe(ObservedVideo(self._video, (self._job,), (self._pod,), progress), now)
        return self.status

    def ended(self, end: RunEnd, last: Progress | None, now: datetime) -> VideoImportStatus:
        """Update and return the status after the end of the worker."""
        job = replace(self._job, finished="Failed" if end.code else "Complete", exit_code=end.code or None)
        pod = replace(self._pod, running=False, exit_code=end.code, termination_message=end.message)
        self._observe(ObservedVideo(self._video, (job,), (pod,), last), now)
        return self.status

    def _observe(self, observed: ObservedVideo, now: datetime) -> None:
        plan = reconcile_video(observed, now, _HERE)
        if plan.status is not None:
            self._video = self._video.model_copy(update={"status": plan.status})


def _job(video: VideoImport, now: datetime) -> JobView:
    meta = video.metadata
    return JobView(
        namespace=meta.namespace, name=build_job_name(meta.name, RUN), uid=_JOB_UID, owner=build_video_owner(meta),
        run=RUN, created=now, deleting=False, finished=None, failure_reason=None, failure_message=None, exit_code=None,
        disrupted=False, expires=False,
    )  # fmt: skip


def _pod(video: VideoImport, now: datetime) -> PodView:
    meta, job = video.metadata, build_job_name(video.metadata.name, RUN)
    return PodView(
        namespace=meta.namespace, name=f"{job}-00000", uid=_JOB_UID,
        owner=build_job_owner(meta.namespace, job, _JOB_UID), created=now, deleting=False, phase="Running", reason=None,
        message=None, disrupted=False, unscheduled=None, waiting_reason=None, waiting_message=None, running=True,
        exit_code=None, oom_killed=False, termination_message=None,
    )  # fmt: skip


def resource(video: VideoImport, status: VideoImportStatus) -> dict[str, Any]:
    """Return the whole object, as `kubectl get -o json` prints objects."""
    meta = video.metadata
    metadata: dict[str, Any] = {"name": meta.name, "namespace": meta.namespace, "uid": meta.uid}
    metadata |= {"labels": meta.labels} if meta.labels else {}
    metadata |= {"annotations": meta.annotations} if meta.annotations else {}
    whole = video.model_copy(update={"status": status}).wire()
    metadata |= {key: whole["metadata"][key] for key in ("generation", "creationTimestamp")}
    return {**IDENTITY, "metadata": metadata, "spec": whole["spec"], "status": whole["status"]}
