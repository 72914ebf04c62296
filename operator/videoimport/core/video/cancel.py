"""Ending an import at its user's wish: its Jobs go first, then the status says so."""

from videoimport.api.reasons import Reason
from videoimport.api.videoimport_status import VideoPhase
from videoimport.core.message_format import format_message
from videoimport.core.plan import PartialPlan, PlannedEvent
from videoimport.core.video.context import VideoContext, VideoPlan
from videoimport.core.video.finished_run import record_success
from videoimport.core.video.stop_jobs import delete_active_jobs, has_active_jobs

_STOPPING = "The import is being cancelled: its worker is asked to stop."


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
    stays new; only one that never ran takes its first token as its old one."""
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
