"""Decisions about an active run: the creation of its Job, the start of its worker, and the progress of its worker."""

from typing import Any

from videoimport.api.reasons import Reason, RetryClass, info
from videoimport.api.tasks.import_report import Progress
from videoimport.api.videoimport_status import VideoPhase
from videoimport.core.jobs.cluster_message import find_video_fields
from videoimport.core.jobs.run_lifecycle import ensure_job, observe_job
from videoimport.core.observed import JobView
from videoimport.core.plan import PartialPlan
from videoimport.core.progress import (
    compute_active_time,
    compute_percent,
    estimate_eta_seconds,
    find_phase,
    select_later_phase,
)
from videoimport.core.video.context import VideoContext, VideoPlan
from videoimport.core.video.finished_run import reference_job
from videoimport.core.video.start_run import STARTING, prepare_scratch, start_next_run

QUEUED = "The Job waits for its queue to admit it."
_IDLE = {"bytes_per_second": None, "eta_seconds": None}
_WORDS = {
    VideoPhase.PENDING: STARTING,
    VideoPhase.DOWNLOADING: "The source is being downloaded.",
    VideoPhase.TRANSCODING: "The video is being made.",
    VideoPhase.UPLOADING: "The result is being uploaded.",
    VideoPhase.FINALIZING: "The result is being verified and recorded.",
}


def restart_changed_run(context: VideoContext) -> VideoPlan | None:
    """Return the plan that replaces a run that cannot start, if its Job was made from an earlier spec. The old Job
    would never start, so a new run follows. The cleanup deletes the old Job."""
    job, reason = context.job, context.status.reason
    if job is None or not context.has_changed_since(job):
        return None
    stuck = job.suspended or (reason is not None and info(reason).retry is RetryClass.WAITING)
    running = any(pod.running for pod in context.pods_of(job))
    return start_next_run(context, context.attempts) if stuck and not running else None


def ensure_run_job(context: VideoContext) -> VideoPlan | None:
    """Return the plan that creates the missing Job of the run. If the status is outdated, the plan starts a new run."""
    state = context.state
    if state.job is not None:
        return None
    if state.is_outdated:
        return start_next_run(context, context.attempts)
    job_plan = ensure_job(
        state, prepare_scratch(context, context.run), find_video_fields(context.video), context.settings.patience
    )
    plan = PartialPlan(context.status).with_status(reason=job_plan.reason, message=job_plan.message or STARTING)
    return plan + job_plan


def follow_run(context: VideoContext) -> VideoPlan | None:
    """Return the plan that reports the worker's progress, or the cause that keeps the worker from starting."""
    job = context.job
    if job is None:
        return None
    plan = PartialPlan(context.status).with_status(job=reference_job(job))
    if job.deleting:
        return plan
    if job.suspended:
        return plan.with_status(phase=VideoPhase.QUEUED, reason=None, message=QUEUED, **_IDLE)
    progress = context.observed.progress
    snapshot = progress if progress and progress.run == context.run else None
    if snapshot is None and not context.status.stages:
        return _report_startup(plan, context, job)
    return _report_progress(plan, context, job, snapshot) if snapshot else plan


def _report_startup(plan: VideoPlan, context: VideoContext, job: JobView) -> VideoPlan:
    job_plan, status = observe_job(context.state, find_video_fields(context.video)), context.status
    reason, message = job_plan.reason, job_plan.message or STARTING
    if job_plan.echo and reason is status.reason:
        message = status.message or message
    waits = reason is Reason.UNSCHEDULABLE or any(pod.gated for pod in context.pods_of(job))
    phase = select_later_phase(status.phase or VideoPhase.PENDING, VideoPhase.QUEUED if waits else VideoPhase.PENDING)
    return plan.with_status(phase=phase, reason=reason, message=message) + job_plan


def _report_progress(plan: VideoPlan, context: VideoContext, job: JobView, snapshot: Progress) -> VideoPlan:
    """Return the plan that reports this progress. Percentage and phase never go back within a run, even if a stage
    does. The time left is estimated only when a stage has changed. Otherwise each decision would change the status
    again."""
    status = context.status
    percent = max(status.progress_percent or 0, compute_percent(snapshot.stages))
    phase = select_later_phase(status.phase or VideoPhase.PENDING, find_phase(snapshot.stages))
    told: dict[str, Any] = {
        "phase": phase,
        "reason": None,
        "message": _WORDS[phase],
        "progress_percent": percent,
        "bytes_per_second": snapshot.bytes_per_second,
        "stages": snapshot.stages,
        "source": snapshot.source or status.source,
        "metadata": snapshot.metadata or status.metadata,
    }
    if snapshot.stages != status.stages:
        told["eta_seconds"] = estimate_eta_seconds(
            percent, compute_active_time(snapshot.stages, context.now - job.created)
        )
    return plan.with_status(**told)
