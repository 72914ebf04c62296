"""The runs of an import, a listing or a webhook: one Job each, tried once, until one of them succeeds or none follows.

The number of a run is in the status before its Job is created. Each step looks at the status and the cluster alone, so
repeating one changes nothing.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar

from videoimport.api.reasons import Reason
from videoimport.api.videoimport_status import Attempts
from videoimport.core.jobs.cluster_message import Fields, explain
from videoimport.core.jobs.outcome import Outcome
from videoimport.core.jobs.run_end import find_settle_time, has_ended, retire
from videoimport.core.jobs.startup_diagnosis import JobPlan, Start, diagnose
from videoimport.core.observed import ClaimView, EventView, JobView, PodView
from videoimport.core.owned_objects import find_pods
from videoimport.core.plan import Action, Delete, Patch, find_earliest
from videoimport.core.settings import Settings

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class RunState:
    """The current run as the status has it, and what the cluster shows of it and of the runs before."""

    number: int
    """0 before the first run."""
    attempts: Attempts
    job: JobView | None
    """The Job of the current run."""
    jobs: tuple[JobView, ...]
    """The Jobs of all runs."""
    pods: tuple[PodView, ...]
    """Pods of any of these Jobs, perhaps among others."""
    events: tuple[EventView, ...]
    refusal: EventView | None
    """The API server's answer when it last refused an object of the same owner."""
    now: datetime
    settings: Settings
    claim: ClaimView | None = None
    """The scratch claim that the pod waits for."""

    @property
    def is_outdated(self) -> bool:
        """Whether a Job of a later run exists. The status is then an old one. A new run is written, which the
        resourceVersion refuses if the status was only read too early."""
        return any(job.run > self.number for job in self.jobs)

    def pods_of(self, job: JobView) -> tuple[PodView, ...]:
        """Return the Job's pods, the newest first."""
        return find_pods(job, self.pods)


def create_next_run(state: RunState, attempts: Attempts) -> RunState:
    """Return the run that follows. It is a new attempt only if the attempt before counted toward maxAttempts."""
    number = 1 + max([state.number, *(job.run for job in state.jobs)])
    counted = attempts.model_copy(update={"count": len(attempts.reasons) + 1, "next_retry_time": None})
    return replace(state, number=number, attempts=counted, job=None)


def ensure_job(state: RunState, creation: tuple[Action, ...], fields: Fields, pause: timedelta) -> JobPlan:
    """Return the plan for a Job that is not there. Creating it twice is harmless. While the API server refuses it, the
    plan names the cause, and creates the Job once the pause after the last refusal is over."""
    refusal = state.refusal
    if refusal is None:
        return JobPlan(actions=creation)
    message = explain(Reason.JOB_REJECTED, refusal.message, fields)
    rejected = JobPlan(reason=Reason.JOB_REJECTED, message=message)
    requeue_at = refusal.last_seen + pause
    return replace(rejected, requeue_at=requeue_at) if state.now < requeue_at else replace(rejected, actions=creation)


def observe_job(state: RunState, fields: Fields) -> JobPlan:
    """Return what keeps the Job's pod from starting, and the Events to ask for; an empty plan if nothing does."""
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
    """Return how the current run ended; None while it goes on or its Job is not there."""
    job = state.job
    if job is None or not has_ended(job, state.pods_of(job), state.now):
        return None
    return outcome_of(job, state.pods_of(job))


def find_recorded_jobs(state: RunState, *, current: bool) -> tuple[JobView, ...]:
    """Return the Jobs whose result is in the observed status: those of earlier runs, and perhaps the current one."""
    last = state.number if current else state.number - 1
    return tuple(job for job in state.jobs if job.run <= last)


def cleanup_jobs(state: RunState, jobs: Iterable[JobView]) -> tuple[Delete | Patch, ...]:
    """Give finished Jobs their TTL, and delete the others."""
    return tuple(action for job in jobs for action in retire(job, state.pods_of(job), state.settings))
