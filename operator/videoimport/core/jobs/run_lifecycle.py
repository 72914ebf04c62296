"""Runs of an import, a listing or a webhook. Each run has one Job. New runs start until one run succeeds or no other
run is allowed.

The status has the number of a run before its Job is created. Each step depends only on the status and the cluster, so a
repeated step changes nothing.

A run ends with its Job, or with its container ``worker``. A service mesh adds a container that never ends. Then the pod
stays Running, and the Job finishes only at its deadline. The controller deletes such a Job once the result is recorded.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TypeVar

from videoimport.api.base import Model
from videoimport.api.bulkimport import IDENTITY as BULK_IDENTITY
from videoimport.api.bulkimport import BulkImport
from videoimport.api.labels import BULK, COMPONENT, IMPORT, RUN, WORKER_CONTAINER
from videoimport.api.reasons import Reason, reason_of_exit_code
from videoimport.api.videoimport import IDENTITY as VIDEO_IDENTITY
from videoimport.api.videoimport import VideoImport, wish_hash
from videoimport.api.videoimport_status import Attempts
from videoimport.core.jobs.cluster_message import Fields, explain
from videoimport.core.jobs.outcome import Outcome
from videoimport.core.jobs.pod_template import build_import_pod, build_pod_annotations, build_task
from videoimport.core.jobs.startup_diagnosis import JobPlan, Start, diagnose
from videoimport.core.names_and_owners import (
    CALM,
    OUR_LABELS,
    WISH,
    build_job_name,
    build_owner_references,
    build_sidecar_opt_out,
    find_pods,
    remove_own_prefixes,
    select_queue_labels,
)
from videoimport.core.observed import ClaimView, EventView, JobView, PodView
from videoimport.core.plan import Action, Delete, Manifest, Patch, find_earliest
from videoimport.core.settings import Settings

R = TypeVar("R")
SETTLE = timedelta(seconds=60)
"""Time after which a stop, or a crash without a report, is the end of the run. The kubelet records the end of a
container before the eviction of the pod. The kubelet records the eviction only once all containers have ended, at most
``terminationGracePeriodSeconds`` (30) later."""
_FINAL_PHASES = ("Succeeded", "Failed")
_POD_FAILURE_POLICY: Manifest = {
    "rules": [
        {"action": "FailJob", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
        {
            "action": "FailJob",
            "onExitCodes": {"containerName": WORKER_CONTAINER, "operator": "NotIn", "values": [0]},
        },
    ]
}
"""Policy that only records the exit code, because ``backoffLimit`` is 0. The Job's condition keeps the exit code when
the pod is gone."""


@dataclass(frozen=True, slots=True)
class RunState:
    """The current run as the status shows it, and the objects of this run and earlier runs in the cluster."""

    number: int
    """Number of the run; 0 before the first run."""
    attempts: Attempts
    job: JobView | None
    """Job of the current run."""
    jobs: tuple[JobView, ...]
    """Jobs of all runs."""
    pods: tuple[PodView, ...]
    """Pods of any of these Jobs, perhaps among other pods."""
    events: tuple[EventView, ...]
    refusal: EventView | None
    """The API server's message when it last refused an object of the same owner."""
    now: datetime
    settings: Settings
    claim: ClaimView | None = None
    """Scratch claim that the pod waits for."""

    @property
    def is_outdated(self) -> bool:
        """True if a Job of a later run exists. Then the status is old, and the decision writes a new run.

        If the controller only read the status too early, the API server refuses that write because of the
        resourceVersion.
        """
        return any(job.run > self.number for job in self.jobs)

    def pods_of(self, job: JobView) -> tuple[PodView, ...]:
        """Return the Job's pods, the newest first."""
        return find_pods(job, self.pods)


def create_next_run(state: RunState, attempts: Attempts) -> RunState:
    """Return the run after the current run. The new run is a new attempt only if the current run counted toward
    maxAttempts."""
    number = 1 + max([state.number, *(job.run for job in state.jobs)])
    counted = attempts.model_copy(update={"count": len(attempts.reasons) + 1, "next_retry_time": None})
    return replace(state, number=number, attempts=counted, job=None)


def ensure_job(state: RunState, creation: tuple[Action, ...], fields: Fields, pause: timedelta) -> JobPlan:
    """Return the plan for a missing Job.

    A second creation of the same Job changes nothing. If the API server refused the Job, the plan names the cause.
    The plan then creates the Job when ``pause`` has passed since the last refusal.
    """
    refusal = state.refusal
    if refusal is None:
        return JobPlan(actions=creation)
    message = explain(Reason.JOB_REJECTED, refusal.message, fields)
    rejected = JobPlan(reason=Reason.JOB_REJECTED, message=message)
    requeue_at = refusal.last_seen + pause
    return replace(rejected, requeue_at=requeue_at) if state.now < requeue_at else replace(rejected, actions=creation)


def observe_job(state: RunState, fields: Fields) -> JobPlan:
    """Return the plan for a Job whose pod has not started. The plan names the cause and lists the needed Event queries.
    The plan is empty if no cause is found."""
    job = state.job
    if job is None or job.finished or job.deleting or job.suspended:
        return JobPlan()
    pods = state.pods_of(job)
    found = diagnose(Start(job, pods, state.events, state.now, state.settings.patience, state.claim))
    message = explain(found.reason, found.message, fields) if found.reason else ""
    return replace(
        found, message=message, requeue_at=find_earliest(found.requeue_at, find_settle_time(job, pods, state.now))
    )


def finish_run(state: RunState, outcome_of: Callable[[JobView, tuple[PodView, ...]], Outcome[R]]) -> Outcome[R] | None:
    """Return how the current run ended. Return None while the run is active or the Job is missing."""
    job = state.job
    if job is None or not has_ended(job, state.pods_of(job), state.now):
        return None
    return outcome_of(job, state.pods_of(job))


def find_recorded_jobs(state: RunState, *, current: bool) -> tuple[JobView, ...]:
    """Return the Jobs whose result is in the observed status: the Jobs of earlier runs, and with ``current`` also the
    Job of the current run."""
    last = state.number if current else state.number - 1
    return tuple(job for job in state.jobs if job.run <= last)


def cleanup_jobs(state: RunState, jobs: Iterable[JobView]) -> tuple[Delete | Patch, ...]:
    """Return the actions that give finished Jobs their TTL and delete the other Jobs."""
    return tuple(action for job in jobs for action in retire(job, state.pods_of(job), state.settings))


def retire(job: JobView, pods: Iterable[PodView], settings: Settings) -> tuple[Delete | Patch, ...]:
    """Return the actions that remove a Job whose result is recorded or not wanted.

    A finished Job stays until its TTL is over, so that users can read its log. If the worker has ended, the Job
    usually finishes soon. The exception is a pod in which another container keeps running.
    """
    if job.deleting:
        return ()
    if job.finished:
        ttl = {"ttlSecondsAfterFinished": settings.job_ttl // timedelta(seconds=1)}
        return () if job.expires else (Patch("Job", job.namespace, job.name, job.uid, {"spec": ttl}),)
    pods = tuple(pods)
    ends_by_itself = bool(pods) and all(is_over(pod) and not is_held_open(pod) for pod in pods)
    return () if ends_by_itself and not job.suspended else delete_jobs((job,))


def delete_jobs(jobs: Iterable[JobView]) -> tuple[Delete, ...]:
    """Return the deletions of the Jobs with their pods. A Job that is being deleted already is not deleted again."""
    return tuple(Delete("Job", job.namespace, job.name, job.uid) for job in jobs if not job.deleting)


def has_ended(job: JobView, pods: Iterable[PodView], now: datetime) -> bool:
    """Return whether the run's result is known.

    If a Job is being deleted, or a queue holds the Job back, only exit code 0 is a result. The reason is that the queue
    (Kueue) deletes pods and starts the same Job again.
    """
    pods = tuple(pods)
    if job.finished or not pods:
        return job.finished is not None
    if any(pod.exit_code == 0 for pod in pods):
        return all(map(is_over, pods))
    return not (job.deleting or job.suspended) and all(_has_failed(pod, now) for pod in pods)


def find_settle_time(job: JobView, pods: Iterable[PodView], now: datetime) -> datetime | None:
    """Return the time from which a crash counts as the end of the run, even if no report follows. Return None if that
    time is not in the future."""
    if job.finished or job.deleting or job.suspended:
        return None
    moments = [pod.ended_at + SETTLE for pod in pods if pod.exit_code and pod.ended_at and not pod.deleting]
    return min((moment for moment in moments if moment > now), default=None)


def is_active(job: JobView, pods: Iterable[PodView]) -> bool:
    """Return whether a worker of this Job may still run or start.

    The result is False after the Job has finished. It is also False if the worker has ended and the Job is being
    deleted. It is also False if the worker has ended and only another container keeps the Job unfinished.
    """
    pods = tuple(pods)
    if job.finished or not pods or not all(map(is_over, pods)):
        return not job.finished
    return not job.deleting and not any(map(is_held_open, pods))


def is_over(pod: PodView) -> bool:
    """Return whether the pod's worker has ended or can no longer start."""
    return pod.phase in _FINAL_PHASES or pod.exit_code is not None


def is_held_open(pod: PodView) -> bool:
    """Return whether only another container keeps the pod running after its worker has ended."""
    return pod.exit_code is not None and pod.phase not in _FINAL_PHASES and bool(pod.companions)


def _has_failed(pod: PodView, now: datetime) -> bool:
    """Return whether the pod's failure is certain. A pod that is being deleted is ignored: its Job will finish, and
    then has more facts."""
    if pod.exit_code is None or pod.deleting:
        return False
    if pod.phase in _FINAL_PHASES or pod.oom_killed or _has_cause(pod):
        return True
    return pod.ended_at is not None and now >= pod.ended_at + SETTLE


def _has_cause(pod: PodView) -> bool:
    """Return whether the worker reported the cause of its end. A stopped worker cannot report the cause: perhaps the
    pod is being evicted."""
    reason = reason_of_exit_code(pod.exit_code) if pod.exit_code else None
    return reason is not Reason.WORKER_LOST and bool(reason or pod.termination_message)


@dataclass(frozen=True, slots=True)
class RunJob:
    """The values that differ between the Jobs of imports, listings and webhooks."""

    name: str
    owner: VideoImport | BulkImport
    run: int
    wish: str
    """Hash of the spec from which the Job is made, at most 63 characters. ``JobView.wish`` has the same hash."""
    task: Model
    timeout: timedelta
    """Timeout of the worker itself. The worker ends first and leaves a report. The Job's own deadline is a backstop."""
    pod: Manifest
    """Value of ``template.spec``."""
    labels: dict[str, str] = field(default_factory=dict)
    """Labels of the Job and its pod, besides the labels of every Job."""


def build_import_job(video: VideoImport, run: int, settings: Settings) -> Manifest:
    """Return the Job of this run to create."""
    name, wish, task = build_job_name(video.metadata.name, run), wish_hash(video.spec), build_task(video, run, settings)
    timeout = timedelta(seconds=video.spec.timeout_seconds)
    return build_job(RunJob(name, video, run, wish, task, timeout, build_import_pod(video, settings)), settings)


def build_job(job: RunJob, settings: Settings) -> Manifest:
    """Return the Job to create. The Job gets its TTL later, once its result is recorded."""
    owner, meta = job.owner, job.owner.metadata
    if isinstance(owner, VideoImport):
        identity, label, options = VIDEO_IDENTITY, IMPORT, owner.spec.worker
    else:
        identity, label, options = BULK_IDENTITY, BULK, owner.spec.template.worker
    own = OUR_LABELS | {COMPONENT: "worker", label: meta.name, RUN: str(job.run)} | job.labels
    labels, queue = (
        remove_own_prefixes(options.labels) | own,
        select_queue_labels(options.labels) | select_queue_labels(meta.labels),
    )
    annotations = remove_own_prefixes(options.annotations) | CALM
    asked_labels, asked_annotations = build_sidecar_opt_out(options.labels, options.annotations)
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": job.name,
            "namespace": meta.namespace,
            "labels": labels | queue,
            "annotations": annotations | {WISH: job.wish},
            "ownerReferences": build_owner_references(identity, meta),
        },
        "spec": {
            "backoffLimit": 0,
            "activeDeadlineSeconds": (job.timeout + settings.deadline_slack) // timedelta(seconds=1),
            "podFailurePolicy": _POD_FAILURE_POLICY,
            "template": {
                "metadata": {
                    "labels": asked_labels | {key: value for key, value in labels.items() if key not in queue},
                    "annotations": asked_annotations | annotations | build_pod_annotations(job.task),
                },
                "spec": job.pod,
            },
        },
    }
