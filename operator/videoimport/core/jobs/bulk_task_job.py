"""The Jobs of a BulkImport's tasks besides importing: one reads its list, another delivers a message.

Their runs are those of ``core.jobs.run``. They differ from an import's in the task, the volumes and the report.
"""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Protocol, TypeVar

from videoimport.api.bulkimport import BulkImport
from videoimport.api.reasons import Reason, info
from videoimport.api.videoimport_status import Attempts
from videoimport.core.jobs.outcome import Outcome, find_outcome_without_report, read_reports
from videoimport.core.jobs.pod_template import Volumes, build_pod, build_task_volumes, compute_task_resources
from videoimport.core.jobs.run import RunState, finish_run, is_active, is_over
from videoimport.core.names_and_owners import Word, build_bulk_owner, build_task_job_name, find_pods, is_task_job_of
from videoimport.core.observed import JobView, ObservedBulk, PodView
from videoimport.core.plan import Manifest
from videoimport.core.settings import Settings


class Reported(Protocol):
    """The fields that the report of every task has about itself."""

    @property
    def uid(self) -> str:
        """Of the bulk."""

    @property
    def run(self) -> int:
        """Of the task."""

    @property
    def reason(self) -> Reason | None:
        """Why it failed; None when it did not."""

    @property
    def message(self) -> str:
        """What happened."""

    @property
    def advice(self) -> str:
        """What to do, where that is more exact than the reason's own advice."""


R = TypeVar("R", bound=Reported)
_MEMORY = "memory"


def build_task_pod(bulk: BulkImport, mounted: Volumes, settings: Settings) -> Manifest:
    """Return the pod of a task. ``mounted`` comes besides the task, /tmp and the certificates."""
    options = bulk.spec.template.worker
    return build_pod(
        options, build_task_volumes(options) + mounted, compute_task_resources(options, settings), settings
    )


def find_task_run(
    observed: ObservedBulk, word: Word, number: int, attempts: Attempts, now: datetime, settings: Settings
) -> RunState:
    """Return the current run of a task of the bulk, with its Jobs in order of their runs."""
    bulk = build_bulk_owner(observed.bulk.metadata)
    jobs = sorted((job for job in observed.jobs if is_task_job_of(job, bulk, word)), key=lambda job: job.run)
    job = next((job for job in jobs if job.run == number), None)
    events, refusal = observed.events, observed.refusal
    return RunState(number, attempts, job, tuple(jobs), observed.pods, events, refusal, now, settings)


def has_active_worker(observed: ObservedBulk, job: JobView) -> bool:
    """Whether a worker of this Job may still run or start. A Job that is being deleted makes no new pod, so one whose
    pod is gone does not reopen a bulk that has ended."""
    pods = find_pods(job, observed.pods)
    if job.deleting and not pods and observed.bulk.status.completion_time:
        return False
    return is_active(job, pods) or any(not is_over(pod) for pod in pods)


def finish_task(run: RunState, bulk: BulkImport, read: Callable[[str], R]) -> Outcome[R] | None:
    """Return how the current run ended; None while it is active. ``read`` makes a report of a termination message and
    raises ValueError for anything else; what is of another bulk or run is no report."""
    return finish_run(run, partial(_find_task_outcome, bulk, read))


def _find_task_outcome(
    bulk: BulkImport, read: Callable[[str], R], job: JobView, pods: tuple[PodView, ...]
) -> Outcome[R]:
    code = next((pod.exit_code for pod in pods if pod.exit_code is not None), None)
    reports = (report for report in read_reports(pods, read) if report.uid == bulk.metadata.uid)
    report = next((report for report in reports if report.run == job.run), None)
    was_stopped = report is not None and report.reason is Reason.WORKER_LOST  # it does not know by whom, nor why
    silent = find_outcome_without_report(job, pods)
    if (
        report is None
        or any(pod.oom_killed for pod in pods)
        or (was_stopped and silent.reason is not Reason.WORKER_LOST)
    ):
        advice = _format_memory_advice(bulk, job) if silent.reason is Reason.OUT_OF_MEMORY else silent.advice
        return Outcome(silent.reason, silent.message, advice=advice, exit_code=code)
    known = report.reason is None or info(report.reason).exit_code
    return Outcome(report.reason if known else Reason.INTERNAL, report.message, report, report.advice, code)


def _format_memory_advice(bulk: BulkImport, job: JobView) -> str:
    """Name the field that bounds a task's memory; more of it seldom helps with a list."""
    limits = bulk.spec.template.worker.resources.limits or {}
    own = "spec.template.worker.resources.limits.memory"
    field = own if _MEMORY in limits else "the chart's worker.listingMemory"
    if job.name == build_task_job_name(bulk.metadata.name, "list", job.run):
        return f"Check what the list is; if it is right, raise {field}."
    return f"Raise {field}."
