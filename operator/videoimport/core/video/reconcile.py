"""What is to be done for a VideoImport, given what there is: an ordered chain of cases, of which the first that fits
speaks. Nothing depends on which event came, or on anything but the observation, the time and the settings."""

from datetime import datetime

from videoimport.api.videoimport_status import VideoImportStatus
from videoimport.core.lifecycle import is_finished, needs_restart
from videoimport.core.observed import ObservedVideo
from videoimport.core.plan import PartialPlan, Plan
from videoimport.core.settings import Settings
from videoimport.core.video.active_run import ensure_run_job, follow_run, restart_changed_run
from videoimport.core.video.cancel import cancel_run, mark_cancelled
from videoimport.core.video.context import VideoContext, VideoPlan
from videoimport.core.video.finished_run import conclude_run, handle_lost_job, wait_for_retry, wait_in_queue
from videoimport.core.video.plan import finalize_plan
from videoimport.core.video.start_run import start_first_run, take_back_run
from videoimport.core.video.suspend import mark_suspended, resume_import, suspend_run


def reconcile_video(observed: ObservedVideo, now: datetime, settings: Settings) -> Plan[VideoImportStatus]:
    """The plan for one VideoImport. One that is being deleted is left alone: its Jobs go with it."""
    if observed.video.metadata.deletion_timestamp is not None:
        return Plan()
    context = VideoContext(observed, now.replace(microsecond=0), settings)
    partials = (case(context) for case in _CASES)
    return finalize_plan(context, next((found for found in partials if found), PartialPlan(context.status)))


def _begin_import(context: VideoContext) -> VideoPlan | None:
    if context.status.phase is not None:
        return None
    if context.spec.cancel:
        return mark_cancelled(context)
    return mark_suspended(context) if context.spec.suspend else start_first_run(context)


def _handle_finished(context: VideoContext) -> VideoPlan | None:
    if not is_finished(context.status):
        return None
    starts = needs_restart(context.video) and not context.spec.suspend
    return start_first_run(context) if starts else PartialPlan(context.status)


_CASES = (
    _begin_import,
    _handle_finished,
    cancel_run,
    suspend_run,
    resume_import,
    wait_for_retry,
    wait_in_queue,
    conclude_run,
    restart_changed_run,
    handle_lost_job,
    take_back_run,
    ensure_run_job,
    follow_run,
)
