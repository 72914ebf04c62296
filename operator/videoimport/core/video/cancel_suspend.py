"""Stops an import as spec.cancel or spec.suspend asks: its Jobs are deleted, nothing is counted toward maxAttempts.

A suspended import has the phase Suspended from the first moment, while the worker may still be stopping. So if suspend
is taken back a second later, the status shows that the run was stopped, and it does not count as lost.
"""

from dataclasses import replace

from videoimport.api.reasons import Reason
from videoimport.api.videoimport_status import VideoPhase
from videoimport.core.jobs.run import delete_jobs, is_active, is_over
from videoimport.core.message_format import format_message
from videoimport.core.plan import Delete, PartialPlan, PlannedEvent
from videoimport.core.video.context import VideoContext, VideoPlan
from videoimport.core.video.finished_run import conclude_run, record_success
from videoimport.core.video.start_run import start_first_run, start_next_run

_STOPPING = "The import is being cancelled: its worker is asked to stop."
_WORDS = "The import is suspended, as spec.suspend asks. Set suspend: false to continue."
_SUSPENDED = PlannedEvent("Normal", "Suspended", _WORDS)
_RESUMED = PlannedEvent("Normal", "Resumed", "The import continues, since spec.suspend is false.")


def cancel_run(context: VideoContext) -> VideoPlan | None:
    """A run that already succeeded stays a success. Otherwise nothing is started any more, what runs is stopped, and
    the import is cancelled once nothing of it runs."""
    if not context.spec.cancel:
        return None
    if success := record_success(context):
        return success
    if not has_active_jobs(context):
        return mark_cancelled(context)
    plan = PartialPlan(context.status, actions=delete_active_jobs(context))
    return plan.with_status(reason=Reason.CANCELLED, message=_STOPPING, bytes_per_second=None, eta_seconds=None)


def mark_cancelled(context: VideoContext) -> VideoPlan:
    """The end, for one that nothing runs for. A token given together with ``cancel`` is not acted upon, and therefore
    stays new. Only one that never ran takes its first token as its old one."""
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
    """A run that has ended by itself is recorded first, and one that succeeded stays a success. Otherwise what runs is
    stopped. A delay before the next run continues, and nothing follows when it is over."""
    if not context.spec.suspend:
        return None
    if not _is_suspended(context) and context.attempts.next_retry_time is None and (end := conclude_run(context)):
        return end
    return record_success(context) or mark_suspended(context)


def mark_suspended(context: VideoContext) -> VideoPlan:
    """Suspended, as it was except for the fields of a running worker."""
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
    """``suspend`` was removed. The worker that was stopped must be gone before another one starts."""
    if not _is_suspended(context) or context.attempts.next_retry_time is not None:
        return None
    if success := record_success(context):
        return success
    if has_active_jobs(context):
        return PartialPlan(context.status, actions=delete_active_jobs(context))
    if not context.run:
        return start_first_run(context)
    return replace(start_next_run(context, context.attempts), planned_events=(_RESUMED,))


def _is_suspended(context: VideoContext) -> bool:
    return context.status.phase is VideoPhase.SUSPENDED


def has_active_jobs(context: VideoContext) -> bool:
    """Whether a worker of it may still run or start."""
    jobs = any(is_active(job, context.pods_of(job)) for job in context.jobs)
    return jobs or any(not is_over(pod) for pod in context.pods)


def delete_active_jobs(context: VideoContext) -> tuple[Delete, ...]:
    """Of the Jobs that have not ended; those that are being deleted are not deleted again."""
    return delete_jobs(job for job in context.jobs if not job.finished)
