"""Starting runs. The intent (run, Job name) is part of the status, which the shell writes before it creates the Job."""

from videoimport.api.reasons import Reason
from videoimport.api.videoimport_status import Attempts, JobReference, VideoImportStatus, VideoPhase
from videoimport.core.circuit_breaker import HostWait, describe_wait, find_wait, record_start
from videoimport.core.jobs.run import create_next_run
from videoimport.core.jobs.run_end import is_over
from videoimport.core.lifecycle import has_active_run
from videoimport.core.message_format import join_sentences
from videoimport.core.object_names import build_job_name
from videoimport.core.owned_objects import is_child
from videoimport.core.plan import PartialPlan, Plan, PlannedEvent
from videoimport.core.video.context import VideoContext, VideoPlan
from videoimport.core.video.scratch_claim import prepare_scratch

STARTING = "The worker is starting."


def start_first_run(context: VideoContext) -> VideoPlan:
    """From nothing, or anew for a mended spec or a new token: attempts are counted from one, runs go on upwards."""
    plan = _start_run(context, Attempts(max=context.spec.max_attempts)).with_status(source=None, metadata=None)
    if is_part_of_bulk(context) or plan.status.run == context.run:
        return plan
    return plan + Plan(planned_events=(PlannedEvent("Normal", "Started", f"Run {plan.status.run} started."),))


def start_next_run(context: VideoContext, attempts: Attempts, planned_event: PlannedEvent | None = None) -> VideoPlan:
    """Another run of the same series."""
    plan = _start_run(context, attempts)
    return plan + Plan(planned_events=(planned_event,)) if planned_event else plan


def _start_run(context: VideoContext, attempts: Attempts) -> VideoPlan:
    """The run as it begins, or the wait for its host, or for a place among those that run."""
    run = create_next_run(context.state, attempts)
    if wait := find_wait(context.host_context, context.video.metadata.uid):
        return _hold_run(context, run.attempts, wait)
    if context.observed.no_room:
        return _queue_run(context, run.attempts)
    status = _clear_run(context, run.attempts).model_copy(
        update={
            "reason": None,
            "message": STARTING,
            "run": run.number,
            "job": JobReference(name=build_job_name(context.video.metadata.name, run.number)),
            "host_backoff": record_start(context.host_context),
            "start_time": context.status.start_time or context.now,
        }
    )
    return PartialPlan(status, actions=prepare_scratch(context, run.number))


def take_back_run(context: VideoContext) -> VideoPlan | None:
    """The breaker opened before its worker started: the run is taken back as if it had not been decided, and its Job is
    deleted with the others."""
    record = context.status.host_backoff
    if not has_active_run(context.status) or (record is not None and record.probing) or _has_begun(context):
        return None
    wait = find_wait(context.host_context, context.video.metadata.uid)
    return _hold_run(context, context.attempts, wait) if wait else None


def _has_begun(context: VideoContext) -> bool:
    job = context.job
    over = job is not None and (job.deleting or job.finished is not None)
    begun = any(pod.running or is_over(pod) or pod.phase != "Pending" for pod in (context.pods_of(job) if job else ()))
    return over or begun or bool(context.status.stages) or context.observed.progress is not None


def _hold_run(context: VideoContext, attempts: Attempts, wait: HostWait) -> VideoPlan:
    status = _clear_run(context, attempts.model_copy(update={"next_retry_time": wait.until})).model_copy(
        update={
            "reason": Reason.RATE_LIMITED,
            "message": join_sentences(f"{wait.host} asks for fewer requests", describe_wait(wait.host, wait.until)),
            "run": context.run,
            "job": None,
        }
    )
    return PartialPlan(status, requeue_at=wait.requeue_at)


def _queue_run(context: VideoContext, attempts: Attempts) -> VideoPlan:
    status = _clear_run(context, attempts).model_copy(
        update={
            "phase": VideoPhase.QUEUED,
            "reason": None,
            "message": join_sentences(context.observed.no_room, "The run starts when another import ends"),
            "run": context.run,
            "job": None,
        }
    )
    return PartialPlan(status)


def _clear_run(context: VideoContext, attempts: Attempts) -> VideoImportStatus:
    """Nothing is left of what an earlier run told."""
    return context.status.model_copy(
        update={
            "phase": VideoPhase.PENDING,
            "format": "Video",
            "attempts": attempts,
            "observed_retry_token": context.spec.retry_token,
            "observed_spec_hash": context.wish,
            "completion_time": None,
            "progress_percent": 0,
            "bytes_per_second": None,
            "eta_seconds": None,
            "stages": (),
            "video_id": None,
            "duplicate_of": None,
            "outputs": None,
            "usage": None,
        }
    )


def is_part_of_bulk(context: VideoContext) -> bool:
    """A bulk announces its own start and end; an Event more for each of its children would be a write more an item."""
    return is_child(context.video.metadata)
