"""Pausing an import at its user's wish: its worker goes at once, nothing is charged, and a new run goes on later.

The phase says Suspended from the first moment, while the worker may still be stopping: taken back a second later, the
wish is then still known to have been acted upon, and the run that was stopped is not taken for a lost one.
"""

from dataclasses import replace

from videoimport.api.videoimport_status import VideoPhase
from videoimport.core.plan import PartialPlan, PlannedEvent
from videoimport.core.video.context import VideoContext, VideoPlan
from videoimport.core.video.finished_run import conclude_run, record_success
from videoimport.core.video.start_run import start_first_run, start_next_run
from videoimport.core.video.stop_jobs import delete_active_jobs, has_active_jobs

_WORDS = "The import is suspended, as spec.suspend asks. Set suspend: false to continue."
_SUSPENDED = PlannedEvent("Normal", "Suspended", _WORDS)
_RESUMED = PlannedEvent("Normal", "Resumed", "The import continues, since spec.suspend is false.")


def suspend_run(context: VideoContext) -> VideoPlan | None:
    """A run that has ended by itself is recorded first, and one that succeeded stays a success. Otherwise what runs is
    stopped. A delay before the next run goes on, and nothing follows when it is over."""
    if not context.spec.suspend:
        return None
    if not _is_suspended(context) and context.attempts.next_retry_time is None and (end := conclude_run(context)):
        return end
    return record_success(context) or mark_suspended(context)


def mark_suspended(context: VideoContext) -> VideoPlan:
    """At rest, as it was but for what belongs to a running worker."""
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
    """The wish was taken back. The worker that was stopped must be gone before another one starts."""
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
