"""Decisions about source.upload: an import has no Job until a client opens a session, and waits until a deadline.

A client opens a session with a new hash in the annotation ``videoimport.io/upload-session``. A run that replaces a lost
run serves the same session. A session is over once its run ended as idle. Then only another hash opens a session.
"""

from videoimport.api.reasons import Reason
from videoimport.api.videoimport_status import StageName
from videoimport.core.jobs.outcome import Outcome
from videoimport.core.jobs.run_lifecycle import delete_jobs
from videoimport.core.jobs.upload_task import find_session
from videoimport.core.message_format import format_time
from videoimport.core.plan import PartialPlan
from videoimport.core.video.cancel_suspend import has_active_jobs
from videoimport.core.video.context import VideoContext, VideoPlan
from videoimport.core.video.finished_run import handle_failed_run
from videoimport.core.video.start_run import hold_for_upload, is_upload_awaited, start_first_run, start_next_run
from videoimport.core.video_status import has_active_run, is_done


def wait_for_upload(context: VideoContext) -> VideoPlan | None:
    """Return the plan of an import that waits for a session: the run starts with a session, and the import fails at the
    deadline."""
    session = context.status.upload_session
    if context.status.reason is not Reason.WAITING_FOR_UPLOAD or session is None or session.deadline is None:
        return None
    if not is_upload_awaited(context):
        return start_next_run(context, context.attempts) if context.run else start_first_run(context)
    if context.now < session.deadline:
        return hold_for_upload(context, session.deadline)
    message = f"No client opened an upload session before {format_time(session.deadline)}."
    reason = Reason.UPLOAD_DEADLINE_EXCEEDED
    return handle_failed_run(context, reason, Outcome(reason, message))


def replace_session(context: VideoContext) -> VideoPlan | None:
    """Return the plan for another session during a run. A new run serves the new session, because the worker knows only
    the hash of its own token. With a scratch claim the old worker must be gone before, because both would write to the
    same file. After the last byte the run needs no session."""
    used, session = context.status.upload_session, find_session(context.video)
    if context.spec.source.upload is None or used is None or session in (None, used.token_sha256):
        return None
    if not has_active_run(context.status) or is_done(context.status.stages, StageName.DOWNLOAD):
        return None
    if context.spec.worker.scratch.storage_class_name and has_active_jobs(context):
        return PartialPlan(context.status, actions=delete_jobs(job for job in (context.job,) if job))
    return start_next_run(context, context.attempts)
