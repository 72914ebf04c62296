"""Decisions for spec.cancel and spec.suspend: active Jobs are deleted, and their runs do not count toward maxAttempts.

A suspended import has the phase Suspended at once, while the worker may still be stopping. So if ``suspend`` is
removed a second later, the status shows that the controller stopped the run. Such a run does not count as lost.
"""

from dataclasses import replace

from videoimport.api.reasons import Reason
from videoimport.api.videoimport_status import StageName, VideoPhase
from videoimport.core.jobs.run_lifecycle import delete_jobs, is_active, is_over
from videoimport.core.message_format import format_message
from videoimport.core.plan import Delete, PartialPlan, PlannedEvent
from videoimport.core.video.context import VideoContext, VideoPlan
from videoimport.core.video.finished_run import conclude_run, record_success
from videoimport.core.video.start_run import is_upload_awaited, start_first_run, start_next_run
from videoimport.core.video_status import is_done

_STOPPING = "The import is being cancelled: its worker is asked to stop."
_WORDS = "The import is suspended, because spec.suspend is true. To continue, set suspend to false."
_SUSPENDED = PlannedEvent("Normal", "Suspended", _WORDS)
_RESUMED = PlannedEvent("Normal", "Resumed", "The import continues, since spec.suspend is false.")


def cancel_run(context: VideoContext) -> VideoPlan | None:
    """Return the plan for spec.cancel. A run that already succeeded stays a success. Otherwise nothing new starts, and
    active Jobs are deleted. The import is cancelled once no worker of the import is active."""
    if not context.spec.cancel:
        return None
    if success := record_success(context):
        return success
    if not has_active_jobs(context):
        return mark_cancelled(context)
    plan = PartialPlan(context.status, actions=delete_active_jobs(context))
    return plan.with_status(reason=Reason.CANCELLED, message=_STOPPING, bytes_per_second=None, eta_seconds=None)


def mark_cancelled(context: VideoContext) -> VideoPlan:
    """Return the plan that ends an import without an active worker.

    A retryToken that was set together with ``cancel`` starts nothing, so the token can still start the import later.
    Only an import that never ran records its first token as used.
    """
    message = format_message(Reason.CANCELLED)
    acted_upon = context.status.observed_retry_token
    status = context.status.model_copy(
        update={
            "phase": VideoPhase.CANCELLED,
            "reason": Reason.CANCELLED,
            "message": message,
            "format": "Video",
            "run": context.run,
            "attempts": context.attempts.model_copy(update={"next_retry_time": None}),
            "observed_retry_token": context.spec.retry_token if acted_upon is None else acted_upon,
            "start_time": context.status.start_time or context.now,
            "completion_time": context.now,
            "bytes_per_second": None,
            "eta_seconds": None,
        }
    )
    return PartialPlan(status, planned_events=(PlannedEvent("Normal", "Cancelled", message),))


def suspend_run(context: VideoContext) -> VideoPlan | None:
    """Return the plan for spec.suspend.

    A run that has ended by itself is recorded first, and a successful run stays a success. Otherwise active Jobs are
    deleted. A delay before the next run continues to count, but no run starts at its end.
    """
    if not context.spec.suspend:
        return None
    if not _is_suspended(context) and context.attempts.next_retry_time is None and (end := conclude_run(context)):
        return end
    return record_success(context) or mark_suspended(context)


def mark_suspended(context: VideoContext) -> VideoPlan:
    """Return the plan with the phase Suspended. The status keeps all facts except the facts about a running worker."""
    waits = context.attempts.next_retry_time is not None
    status = context.status.model_copy(
        update={
            "phase": VideoPhase.SUSPENDED,
            "reason": context.status.reason if waits else None,
            "message": _WORDS,
            "format": "Video",
            "run": context.run,
            "bytes_per_second": None,
            "eta_seconds": None,
        }
    )
    return PartialPlan(
        status, actions=delete_active_jobs(context), planned_events=() if _is_suspended(context) else (_SUSPENDED,)
    )


def resume_import(context: VideoContext) -> VideoPlan | None:
    """Return the plan that continues after ``suspend`` was removed. The stopped worker must be gone before another one
    starts."""
    if not _is_suspended(context) or context.attempts.next_retry_time is not None:
        return None
    if success := record_success(context):
        return success
    if has_active_jobs(context):
        return PartialPlan(context.status, actions=delete_active_jobs(context))
    if not context.run or (is_upload_awaited(context) and not _has_whole_upload(context)):
        return start_first_run(context)
    return replace(start_next_run(context, context.attempts), planned_events=(_RESUMED,))


def _has_whole_upload(context: VideoContext) -> bool:
    """Return whether kept scratch has the whole file, so that the next run needs no client."""
    return context.state.claim is not None and is_done(context.status.stages, StageName.DOWNLOAD)


def _is_suspended(context: VideoContext) -> bool:
    return context.status.phase is VideoPhase.SUSPENDED


def has_active_jobs(context: VideoContext) -> bool:
    """Return whether a worker of the import may still run or start."""
    jobs = any(is_active(job, context.pods_of(job)) for job in context.jobs)
    return jobs or any(not is_over(pod) for pod in context.pods)


def delete_active_jobs(context: VideoContext) -> tuple[Delete, ...]:
    """Return the deletions of Jobs that have not ended. A Job that is being deleted is not deleted again."""
    return delete_jobs(job for job in context.jobs if not job.finished)
