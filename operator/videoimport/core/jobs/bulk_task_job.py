"""Jobs of a BulkImport that import nothing: one kind lists a page, the other delivers a webhook message.

``core.jobs.run_lifecycle`` has the runs of these Jobs. These Jobs differ from the Jobs of imports in the task, the
volumes and the report.
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
from videoimport.core.jobs.run_lifecycle import RunState, finish_run, is_active, is_over
from videoimport.core.names_and_owners import Word, build_bulk_owner, build_task_job_name, find_pods, is_task_job_of
from videoimport.core.observed import JobView, ObservedBulk, PodView
from videoimport.core.plan import Manifest
from videoimport.core.settings import Settings


class Reported(Protocol):
    """Fields that the report of every task has."""

    @property
    def uid(self) -> str:
        """UID of the BulkImport."""

    @property
    def run(self) -> int:
        """Number of the run."""

    @property
    def reason(self) -> Reason | None:
        """Reason of the failure, or None if the task did not fail."""

    @property
    def message(self) -> str:
        """The finding."""

    @property
    def advice(self) -> str:
        """The advice, if it is more exact than the reason's own advice."""


R = TypeVar("R", bound=Reported)
_MEMORY = "memory"


def build_task_pod(bulk: BulkImport, mounted: Volumes, settings: Settings) -> Manifest:
    """Return the pod of a task. ``mounted`` are the volumes besides the task, /tmp and the CA certificates."""
    options = bulk.spec.template.worker
    return build_pod(
        options, build_task_volumes(options) + mounted, compute_task_resources(options, settings), settings
    )


def find_task_run(
    observed: ObservedBulk, word: Word, number: int, attempts: Attempts, now: datetime, settings: Settings
) -> RunState:
    """Return the current run of a BulkImport's task, with its Jobs in order of their runs."""
    bulk = build_bulk_owner(observed.bulk.metadata)
    jobs = sorted((job for job in observed.jobs if is_task_job_of(job, bulk, word)), key=lambda job: job.run)
    job = next((job for job in jobs if job.run == number), None)
    events, refusal = observed.events, observed.refusal
    return RunState(number, attempts, job, tuple(jobs), observed.pods, events, refusal, now, settings)


def has_active_worker(observed: ObservedBulk, job: JobView) -> bool:
    """Return whether a worker of this Job may still run or start.

    A Job that is being deleted makes no new pod. So without a pod, this Job has no active worker once the BulkImport
    has ended, and the ended BulkImport does not count as running again.
    """
    pods = find_pods(job, observed.pods)
    if job.deleting and not pods and observed.bulk.status.completion_time:
        return False
    return is_active(job, pods) or any(not is_over(pod) for pod in pods)


def finish_task(run: RunState, bulk: BulkImport, read: Callable[[str], R]) -> Outcome[R] | None:
    """Return how the current run ended, or None while the run is active.

    ``read`` parses a termination message as a report and raises ValueError for any other text. A report of another
    BulkImport or run is not used.
    """
    return finish_run(run, partial(_find_task_outcome, bulk, read))


def _find_task_outcome(
    bulk: BulkImport, read: Callable[[str], R], job: JobView, pods: tuple[PodView, ...]
) -> Outcome[R]:
    code = next((pod.exit_code for pod in pods if pod.exit_code is not None), None)
    reports = (report for report in read_reports(pods, read) if report.uid == bulk.metadata.uid)
    report = next((report for report in reports if report.run == job.run), None)
    was_stopped = report is not None and report.reason is Reason.WORKER_LOST  # the worker has no cause for the stop
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
    """Return advice that names the field with the task's memory limit. More memory seldom helps with a list."""
    limits = bulk.spec.template.worker.resources.limits or {}
    own = "spec.template.worker.resources.limits.memory"
    field = own if _MEMORY in limits else "the chart's worker.listingMemory"
    if job.name == build_task_job_name(bulk.metadata.name, "list", job.run):
        return f"Check the address of the list; if it is right, raise {field}."
    return f"Raise {field}."
