"""A run between its Job's creation and its end: made, starting, or telling its progress."""

from typing import Any

from videoimport.api.reasons import Reason, RetryClass, info
from videoimport.api.tasks.import_report import Progress
from videoimport.api.videoimport_status import VideoPhase
from videoimport.core.jobs.cluster_message import explain, fields_of
from videoimport.core.jobs.startup_diagnosis import Start, diagnose
from videoimport.core.observed import ClaimView, EventView, JobView
from videoimport.core.plan import PartialPlan, Plan
from videoimport.core.progress import eta_seconds, later, percent_of, phase_of, worked
from videoimport.core.video.context import Scene, VideoPlan
from videoimport.core.video.finished_run import seen
from videoimport.core.video.scratch_claim import making
from videoimport.core.video.start_run import STARTING, next_run

QUEUED = "The Job waits for its queue to admit it."
_IDLE = {"bytes_per_second": None, "eta_seconds": None}
_WORDS = {
    VideoPhase.PENDING: STARTING,
    VideoPhase.DOWNLOADING: "The source is being downloaded.",
    VideoPhase.TRANSCODING: "The video is being made.",
    VideoPhase.UPLOADING: "The result is being uploaded.",
    VideoPhase.FINALIZING: "The result is being verified and recorded.",
}


def mended_before_start(scene: Scene) -> VideoPlan | None:
    """The run cannot start, or its queue has not admitted it, and its Job was made from another spec: it would stay as
    stuck as it is, so a new run takes its place (and the tidying takes the old Job away)."""
    job, reason = scene.job, scene.status.reason
    if job is None or not scene.mended_since(job):
        return None
    stuck = job.suspended or (reason is not None and info(reason).retry is RetryClass.WAITING)
    running = any(pod.running for pod in scene.pods_of(job))
    return next_run(scene, scene.attempts) if stuck and not running else None


def to_be_made(scene: Scene) -> VideoPlan | None:
    """The Job was never seen: it is made, again if need be, which is harmless. While the API server refuses it, it is
    shown why, and made less often. Jobs of later runs mean that this status is an old one: it is written anew, which
    the resourceVersion refuses if it only was read too early."""
    if scene.job is not None:
        return None
    if any(job.run > scene.run for job in scene.jobs):
        return next_run(scene, scene.attempts)
    plan = PartialPlan(scene.status, actions=making(scene, scene.run))
    refusal = _refusal(scene)
    if refusal is None:
        return plan.with_status(reason=None, message=STARTING)
    again_at = refusal.last_seen + scene.settings.patience
    if scene.now < again_at:
        plan = PartialPlan(scene.status, again_at=again_at)
    words = explain(Reason.JOB_REJECTED, refusal.message, fields_of(scene.video))
    return plan.with_status(reason=Reason.JOB_REJECTED, message=words)


def going(scene: Scene) -> VideoPlan | None:
    """The Job is there: its worker's words, or what keeps them away."""
    job = scene.job
    if job is None:
        return None
    plan = PartialPlan(scene.status).with_status(job=seen(job))
    if job.deleting:
        return plan
    if job.suspended:
        return plan.with_status(phase=VideoPhase.QUEUED, reason=None, message=QUEUED, **_IDLE)
    snapshot = _snapshot(scene)
    if snapshot is None and not scene.status.stages:
        return _starting(plan, scene, job)
    return _told(plan, scene, job, snapshot) if snapshot else plan


def _refusal(scene: Scene) -> EventView | None:
    """What the API server said when the Job was to be created: an Event about the import itself."""
    uid = scene.video.metadata.uid
    about = [event for event in scene.observed.events if event.uid == uid and event.reason == "JobRejected"]
    return max(about, key=lambda event: event.last_seen, default=None)


def _snapshot(scene: Scene) -> Progress | None:
    """The worker's latest words, if they are this run's."""
    progress = scene.observed.progress
    return progress if progress and progress.run == scene.run else None


def _starting(plan: VideoPlan, scene: Scene, job: JobView) -> VideoPlan:
    start = Start(
        job, scene.pods_of(job), scene.observed.events, scene.now, scene.settings.patience, _claim_in_use(scene)
    )
    finding = diagnose(start)
    reason, message = finding.reason, STARTING
    if reason is not None:
        message = explain(reason, finding.message, fields_of(scene.video))
        if finding.echo and reason is scene.status.reason:
            message = scene.status.message or message
    waits = reason is Reason.UNSCHEDULABLE or any(pod.gated for pod in start.pods)
    phase = later(scene.status.phase or VideoPhase.PENDING, VideoPhase.QUEUED if waits else VideoPhase.PENDING)
    shown = plan.with_status(phase=phase, reason=reason, message=message)
    return shown + Plan(inquiries=finding.inquiries, again_at=finding.again_at)


def _claim_in_use(scene: Scene) -> ClaimView | None:
    return scene.claim if scene.spec.worker.scratch.storage_class_name else None


def _told(plan: VideoPlan, scene: Scene, job: JobView, snapshot: Progress) -> VideoPlan:
    """Percent and phase never go back within a run, whatever the stages do. The time left is guessed anew only with
    news, or it would change by itself for ever."""
    status = scene.status
    percent = max(status.progress_percent or 0, percent_of(snapshot.stages))
    phase = later(status.phase or VideoPhase.PENDING, phase_of(snapshot.stages))
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
        told["eta_seconds"] = eta_seconds(percent, worked(snapshot.stages, scene.now - job.created))
    return plan.with_status(**told)
