"""Reconcile of a VideoImport: the first case that applies makes the plan, and ``finalize_plan`` completes the plan.

The result depends only on the observation, the time and the settings. It does not depend on the event that caused the
reconcile.
"""

from dataclasses import replace
from datetime import datetime

from videoimport.api.conditions import ConditionType
from videoimport.api.videoimport_status import StageName, VideoImportStatus, VideoMetadata, VideoPhase
from videoimport.core.circuit_breaker import find_probe_deadline, update_backoff
from videoimport.core.conditions import Ending, Fact, build_milestone, build_state_facts, is_true, merge_conditions
from videoimport.core.jobs.run_lifecycle import cleanup_jobs, find_recorded_jobs, find_settle_time
from videoimport.core.message_format import format_duration
from videoimport.core.observed import ObservedVideo
from videoimport.core.plan import PartialPlan, Plan, find_earliest, plan_status_write, put_creations_last
from videoimport.core.settings import Settings
from videoimport.core.video.active_run import ensure_run_job, follow_run, restart_changed_run
from videoimport.core.video.cancel_suspend import cancel_run, mark_cancelled, mark_suspended, resume_import, suspend_run
from videoimport.core.video.context import VideoContext, VideoPlan
from videoimport.core.video.finished_run import conclude_run, handle_lost_job, wait_for_retry, wait_in_queue
from videoimport.core.video.start_run import remove_spent_claims, start_first_run, take_back_run
from videoimport.core.video.upload_session import replace_session, wait_for_upload
from videoimport.core.video_status import (
    build_upload_status,
    derive_display_name,
    has_active_run,
    is_done,
    is_finished,
    needs_restart,
)

_PROGRESS = frozenset(
    {"progress_percent", "bytes_per_second", "eta_seconds", "stages", "source", "metadata", "display_name"}
)
_ENDINGS = {
    VideoPhase.COMPLETED: Ending.SUCCEEDED,
    VideoPhase.FAILED: Ending.FAILED,
    VideoPhase.CANCELLED: Ending.CANCELLED,
}


def reconcile_video(observed: ObservedVideo, now: datetime, settings: Settings) -> Plan[VideoImportStatus]:
    """Return the plan for one VideoImport. The plan is empty if the VideoImport is being deleted, because its Jobs
    are deleted with the VideoImport."""
    video = observed.video
    if video.metadata.deletion_timestamp is not None:
        return Plan()
    context = VideoContext(observed, video, video.spec, video.status, now.replace(microsecond=0), settings)
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
    wait_for_upload,
    wait_for_retry,
    wait_in_queue,
    conclude_run,
    restart_changed_run,
    replace_session,
    handle_lost_job,
    take_back_run,
    ensure_run_job,
    follow_run,
)


def finalize_plan(context: VideoContext, partial: PartialPlan[VideoImportStatus]) -> Plan[VideoImportStatus]:
    """Return the whole plan: the write of the completed status, and the deletions of objects of earlier runs."""
    status = _complete_status(context, partial.status)
    state = context.state
    recorded = find_recorded_jobs(state, current=not has_active_run(context.status))
    obsolete = (*cleanup_jobs(state, recorded), *remove_spent_claims(context, partial.status))
    removals = tuple(action for action in obsolete if action not in partial.actions)
    settles = find_settle_time(state.job, state.pods_of(state.job), context.now) if state.job else None
    probe = find_probe_deadline(context.host_context, status) if status.host_backoff else None
    own: Plan[VideoImportStatus] = Plan(None, removals, requeue_at=find_earliest(probe, settles))
    write = plan_status_write(context.status, status, _PROGRESS, context.now, context.settings.write_interval)
    plan = write + partial + own
    return replace(plan, actions=put_creations_last(plan.actions))


def _complete_status(context: VideoContext, status: VideoImportStatus) -> VideoImportStatus:
    generation = context.video.metadata.generation
    return status.model_copy(
        update={
            "observed_generation": generation,
            "observed_retry_token": _find_observed_token(context, status),
            "metadata": _add_duration(status.metadata),
            "attempts": status.attempts and status.attempts.model_copy(update={"max": context.spec.max_attempts}),
            "host_backoff": update_backoff(context.host_context, status) if status.host_backoff else None,
            "conditions": merge_conditions(
                context.status.conditions, _build_facts(context, status), generation, context.now
            ),
            "upload": build_upload_status(status),
            "display_name": derive_display_name(context.spec.source, status.source),
        }
    )


def _build_facts(context: VideoContext, status: VideoImportStatus) -> tuple[Fact, ...]:
    phase = status.phase or VideoPhase.PENDING
    ending = _ENDINGS.get(phase)
    rests = phase is VideoPhase.SUSPENDED
    word = phase if rests else status.reason or (Ending.SUCCEEDED if ending is Ending.SUCCEEDED else phase)
    milestones = _build_milestones(context, status, ending)
    return (*build_state_facts(ending, word, status.message or "", rests=rests), *milestones)


def _build_milestones(context: VideoContext, status: VideoImportStatus, ending: Ending | None) -> tuple[Fact, ...]:
    """Return the facts of the milestones. A milestone stays once it is reached within a run. A new run starts without
    milestones."""
    same_run = status.run == context.status.run
    progress = context.observed.progress
    news = {
        ConditionType.VALIDATED: bool(progress and progress.run == status.run and progress.validated),
        ConditionType.TRANSCODED: is_done(status.stages, StageName.TRANSCODE),
        ConditionType.UPLOADED: is_done(status.stages, StageName.UPLOAD),
    }
    kept = {kind: same_run and is_true(context.status.conditions, kind) for kind in news}
    done = ending is Ending.SUCCEEDED
    return tuple(build_milestone(kind, reached=done or new or kept[kind], ending=ending) for kind, new in news.items())


def _find_observed_token(context: VideoContext, status: VideoImportStatus) -> str | None:
    """Return the token to record. A new token of an active or completed import starts nothing and is only recorded. The
    old token stays if the import failed, is suspended, is cancelled or is about to be cancelled. So the new token is
    still new once ``cancel`` or ``suspend`` is removed."""
    noted = status.phase is VideoPhase.COMPLETED or not (
        is_finished(status) or context.spec.cancel or context.spec.suspend
    )
    return context.spec.retry_token if noted else status.observed_retry_token


def _add_duration(metadata: VideoMetadata | None) -> VideoMetadata | None:
    """Return the metadata with the duration as the printer column shows it."""
    if metadata is None or metadata.duration_ms is None:
        return metadata
    return metadata.model_copy(update={"duration": format_duration(metadata.duration_ms)})
