"""What a BulkImport has done besides importing: lists to be looked through, messages to be delivered. Each is a Job of
one pod that is tried once, as an import's run is; what differs is the task, what is mounted, and the report."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Generic, Protocol, TypeVar

from videoimport.api.base import Model
from videoimport.api.bulkimport import IDENTITY, BulkImport
from videoimport.api.labels import BULK, COMPONENT, RUN
from videoimport.api.reasons import Reason, info
from videoimport.core.jobs.import_job import RECORD_ONLY
from videoimport.core.jobs.outcome import end_without_report
from videoimport.core.jobs.pod_template import modest_resources, pod_annotations, pod_of
from videoimport.core.jobs.run_end import has_ended, is_active, is_over, retire, settles_at
from videoimport.core.jobs.startup_diagnosis import Finding, Start, diagnose
from videoimport.core.jobs.volumes import Volumes, errand_volumes
from videoimport.core.object_metadata import (
    CALM,
    OUR_LABELS,
    WISH,
    bulk_owner,
    not_ours,
    owned_by,
    queue_labels,
    without_sidecar,
)
from videoimport.core.object_names import errand_name
from videoimport.core.observed import EventView, JobView, ObservedBulk, PodView
from videoimport.core.owned_objects import Word, is_errand_of, is_pod_of
from videoimport.core.plan import Create, Delete, Manifest, Patch
from videoimport.core.settings import Settings


class Reported(Protocol):
    """What every errand's report says of itself."""

    @property
    def uid(self) -> str:
        """Of the bulk."""

    @property
    def run(self) -> int:
        """Of the errand."""

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


@dataclass(frozen=True, slots=True)
class Errand:
    """One run to be made."""

    bulk: BulkImport
    word: Word
    run: int
    wish: str
    """What the Job is for, to be found again in ``JobView.wish``; at most 63 characters."""
    task: Model
    timeout: timedelta
    """The worker's own; the Job's is a backstop."""
    mounted: Volumes = field(default_factory=Volumes)
    """Besides the task, /tmp and the certificates."""
    labels: dict[str, str] = field(default_factory=dict)
    """Of the Job and its pod, besides those of every errand."""


@dataclass(frozen=True, slots=True)
class Ending(Generic[R]):
    """How a run ended; no reason means success, and then there is a report."""

    reason: Reason | None
    message: str
    report: R | None = None
    advice: str = ""
    """What to do, where that is more exact than the reason's own advice."""
    exit_code: int | None = None
    """Of the worker, where its pod is still there."""


def creation(errand: Errand, settings: Settings) -> Create:
    """Make its Job: its number must be in the status already, or be written first by the same plan."""
    return Create(manifest_of(errand, settings))


def manifest_of(errand: Errand, settings: Settings) -> Manifest:
    """The Job as it is to be created; it has no TTL."""
    meta, options = errand.bulk.metadata, errand.bulk.spec.template.worker
    own = OUR_LABELS | {COMPONENT: "worker", BULK: meta.name, RUN: str(errand.run)} | errand.labels
    labels, queue = not_ours(options.labels) | own, queue_labels(options.labels) | queue_labels(meta.labels)
    annotations = not_ours(options.annotations) | CALM
    asked_labels, asked_annotations = without_sidecar(options.labels, options.annotations)
    mounted = errand_volumes(options) + errand.mounted
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": errand_name(meta.name, errand.word, errand.run),
            "namespace": meta.namespace,
            "labels": labels | queue,
            "annotations": annotations | {WISH: errand.wish},
            "ownerReferences": owned_by(IDENTITY, meta),
        },
        "spec": {
            "backoffLimit": 0,
            "activeDeadlineSeconds": (errand.timeout + settings.deadline_slack) // timedelta(seconds=1),
            "podFailurePolicy": RECORD_ONLY,
            "template": {
                "metadata": {
                    "labels": asked_labels | {key: value for key, value in labels.items() if key not in queue},
                    "annotations": asked_annotations | annotations | pod_annotations(errand.task),
                },
                "spec": pod_of(options, mounted, modest_resources(options, settings), settings),
            },
        },
    }


def jobs_of(observed: ObservedBulk, word: Word) -> tuple[JobView, ...]:
    """The Jobs of an errand, in order of their runs; those on their way out too."""
    bulk = bulk_owner(observed.bulk.metadata)
    own = [job for job in observed.jobs if is_errand_of(job, bulk, word)]
    return tuple(sorted(own, key=lambda job: job.run))


def pods_of(observed: ObservedBulk, job: JobView) -> tuple[PodView, ...]:
    """A Job's pods, the newest first."""
    own = [pod for pod in observed.pods if is_pod_of(pod, job)]
    return tuple(sorted(own, key=lambda pod: (pod.created, pod.name), reverse=True))


def under_way(observed: ObservedBulk, job: JobView) -> bool:
    """Whether a worker of this Job may still run or start. A Job that is being deleted makes no new pod, so one whose
    pod is gone does not reopen a bulk that has ended."""
    pods = pods_of(observed, job)
    if job.deleting and not pods and observed.bulk.status.completion_time:
        return False
    return is_active(job, pods) or any(not is_over(pod) for pod in pods)


def ending_of(observed: ObservedBulk, job: JobView, read: Callable[[str], R], now: datetime) -> Ending[R] | None:
    """How a run ended; None while it goes on. ``read`` makes a report of a termination message and raises ValueError
    for anything else; what is of another bulk or run is no report."""
    pods, uid = pods_of(observed, job), observed.bulk.metadata.uid
    if not has_ended(job, pods, now):
        return None
    code = next((pod.exit_code for pod in pods if pod.exit_code is not None), None)
    texts = [pod.termination_message for pod in pods if pod.termination_message]
    reports = [report for text in texts if (report := _read(text, read))]
    report = next((report for report in reports if (report.uid, report.run) == (uid, job.run)), None)
    was_stopped = report is not None and report.reason is Reason.WORKER_LOST  # it does not know by whom, nor why
    silent = end_without_report(job, pods)
    if (
        report is None
        or any(pod.oom_killed for pod in pods)
        or (was_stopped and silent.reason is not Reason.WORKER_LOST)
    ):
        advice = _memory_advice(observed.bulk, job) if silent.reason is Reason.OUT_OF_MEMORY else silent.advice
        return Ending(silent.reason, silent.message, advice=advice, exit_code=code)
    known = report.reason is None or info(report.reason).exit_code
    return Ending(report.reason if known else Reason.INTERNAL, report.message, report, report.advice, code)


def _memory_advice(bulk: BulkImport, job: JobView) -> str:
    """Name the field that bounds an errand's memory; more of it seldom mends a list."""
    limits = bulk.spec.template.worker.resources.limits or {}
    own = "spec.template.worker.resources.limits.memory"
    field = own if _MEMORY in limits else "the chart's worker.listingMemory"
    if job.name == errand_name(bulk.metadata.name, "list", job.run):
        return f"Check what the list is; if it is right, raise {field}."
    return f"Raise {field}."


def hindrance(observed: ObservedBulk, job: JobView, now: datetime, settings: Settings) -> Finding:
    """What keeps an unfinished Job's pod from starting, and what to ask; empty when nothing does."""
    if job.finished or job.deleting or job.suspended:
        return Finding()
    pods = pods_of(observed, job)
    finding = diagnose(Start(job, pods, observed.events, now, settings.patience))
    moments = [at for at in (finding.again_at, settles_at(job, pods, now)) if at]
    return replace(finding, again_at=min(moments, default=None))


def refusal_of(observed: ObservedBulk, job: JobView | None) -> EventView | None:
    """What the API server said when a Job that is not there was to be made; perhaps it was something else of the same
    bulk, which is then refused for the same reasons."""
    return observed.refusal if job is None else None


def removal(job: JobView) -> Delete:
    """Take a Job away, and its pod with it."""
    return Delete("Job", job.namespace, job.name, job.uid)


def retirement(observed: ObservedBulk, job: JobView, settings: Settings) -> tuple[Delete | Patch, ...]:
    """What removes a Job whose result is recorded, or not wanted."""
    return retire(job, pods_of(observed, job), settings)


def _read(text: str, read: Callable[[str], R]) -> R | None:
    """What is no report is no witness; a moment that only exists in another time zone overflows."""
    try:
        return read(text)
    except (ValueError, OverflowError):
        return None
