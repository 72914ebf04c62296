"""Ending an import at its user's wish: its Jobs go first, then the status says so."""

from videoimport.api.reasons import Reason
from videoimport.api.videoimport_status import VideoPhase
from videoimport.core.message_format import format_message
from videoimport.core.plan import Announcement, PartialPlan
from videoimport.core.video.context import VideoContext, VideoPlan
from videoimport.core.video.finished_run import already_succeeded
from videoimport.core.video.stop_jobs import deletions, still_running

_STOPPING = "The import is being cancelled: its worker is asked to stop."


def cancel_run(scene: VideoContext) -> VideoPlan | None:
    """A run that already succeeded stays a success. Otherwise nothing is started any more, what runs is stopped, and
    the import is cancelled once nothing of it runs."""
    if not scene.spec.cancel:
        return None
    if success := already_succeeded(scene):
        return success
    if not still_running(scene):
        return mark_cancelled(scene)
    plan = PartialPlan(scene.status, actions=deletions(scene))
    return plan.with_status(reason=Reason.CANCELLED, message=_STOPPING, bytes_per_second=None, eta_seconds=None)


def mark_cancelled(scene: VideoContext) -> VideoPlan:
    """The end, for one that nothing runs for. A token given together with ``cancel`` is not acted upon, and therefore
    stays new; only one that never ran takes its first token as its old one."""
    message = format_message(Reason.CANCELLED)
    acted_upon = scene.status.observed_retry_token
    status = scene.status.model_copy(
        update={
            "phase": VideoPhase.CANCELLED,
            "reason": Reason.CANCELLED,
            "message": message,
            "format": "Video",
            "run": scene.run,
            "attempts": scene.attempts.model_copy(update={"next_retry_time": None}),
            "observed_retry_token": scene.spec.retry_token if acted_upon is None else acted_upon,
            "start_time": scene.status.start_time or scene.now,
            "completion_time": scene.now,
            "bytes_per_second": None,
            "eta_seconds": None,
        }
    )
    return PartialPlan(status, announcements=(Announcement("Normal", "Cancelled", message),))
