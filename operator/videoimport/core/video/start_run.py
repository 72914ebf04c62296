"""Starting runs. The intent (run, Job name) is part of the status, which the shell writes before it creates the Job."""

from videoimport.api.reasons import Reason
from videoimport.api.videoimport_status import Attempts, JobReference, VideoImportStatus, VideoPhase
from videoimport.core.circuit_breaker import HostWait, describe_wait, find_wait, record_start
from videoimport.core.jobs.run import next_run
from videoimport.core.jobs.run_end import is_over
from videoimport.core.lifecycle import under_way
from videoimport.core.message_format import sentences
from videoimport.core.object_names import job_name
from videoimport.core.owned_objects import is_child
from videoimport.core.plan import Announcement, PartialPlan, Plan
from videoimport.core.video.context import VideoContext, VideoPlan, get_host_context
from videoimport.core.video.scratch_claim import prepare_scratch

STARTING = "The worker is starting."


def start_first_run(scene: VideoContext) -> VideoPlan:
    """From nothing, or anew for a mended spec or a new token: attempts are counted from one, runs go on upwards."""
    plan = _start_run(scene, Attempts(max=scene.spec.max_attempts)).with_status(source=None, metadata=None)
    if of_bulk(scene) or plan.status.run == scene.run:
        return plan
    return plan + Plan(announcements=(Announcement("Normal", "Started", f"Run {plan.status.run} started."),))


def start_next_run(scene: VideoContext, attempts: Attempts, announcement: Announcement | None = None) -> VideoPlan:
    """Another run of the same series."""
    plan = _start_run(scene, attempts)
    return plan + Plan(announcements=(announcement,)) if announcement else plan


def _start_run(scene: VideoContext, attempts: Attempts) -> VideoPlan:
    """The run as it begins, or the wait for its host, or for a place among those that run."""
    run = next_run(scene.state, attempts)
    if wait := find_wait(get_host_context(scene), scene.video.metadata.uid):
        return _hold_run(scene, run.attempts, wait)
    if scene.observed.no_room:
        return _queue_run(scene, run.attempts)
    status = _afresh(scene, run.attempts).model_copy(
        update={
            "reason": None,
            "message": STARTING,
            "run": run.number,
            "job": JobReference(name=job_name(scene.video.metadata.name, run.number)),
            "host_backoff": record_start(get_host_context(scene)),
            "start_time": scene.status.start_time or scene.now,
        }
    )
    return PartialPlan(status, actions=prepare_scratch(scene, run.number))


def take_back_run(scene: VideoContext) -> VideoPlan | None:
    """The breaker opened before its worker started: the run is taken back as if it had not been decided, and its Job is
    deleted with the others."""
    record = scene.status.host_backoff
    if not under_way(scene.status) or (record is not None and record.probing) or _has_begun(scene):
        return None
    wait = find_wait(get_host_context(scene), scene.video.metadata.uid)
    return _hold_run(scene, scene.attempts, wait) if wait else None


def _has_begun(scene: VideoContext) -> bool:
    job = scene.job
    over = job is not None and (job.deleting or job.finished is not None)
    begun = any(pod.running or is_over(pod) or pod.phase != "Pending" for pod in (scene.pods_of(job) if job else ()))
    return over or begun or bool(scene.status.stages) or scene.observed.progress is not None


def _hold_run(scene: VideoContext, attempts: Attempts, wait: HostWait) -> VideoPlan:
    status = _afresh(scene, attempts.model_copy(update={"next_retry_time": wait.until})).model_copy(
        update={
            "reason": Reason.RATE_LIMITED,
            "message": sentences(f"{wait.host} asks for fewer requests", describe_wait(wait.host, wait.until)),
            "run": scene.run,
            "job": None,
        }
    )
    return PartialPlan(status, again_at=wait.again_at)


def _queue_run(scene: VideoContext, attempts: Attempts) -> VideoPlan:
    status = _afresh(scene, attempts).model_copy(
        update={
            "phase": VideoPhase.QUEUED,
            "reason": None,
            "message": sentences(scene.observed.no_room, "The run starts when another import ends"),
            "run": scene.run,
            "job": None,
        }
    )
    return PartialPlan(status)


def _afresh(scene: VideoContext, attempts: Attempts) -> VideoImportStatus:
    """Nothing is left of what an earlier run told."""
    return scene.status.model_copy(
        update={
            "phase": VideoPhase.PENDING,
            "format": "Video",
            "attempts": attempts,
            "observed_retry_token": scene.spec.retry_token,
            "observed_spec_hash": scene.wish,
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


def of_bulk(scene: VideoContext) -> bool:
    """A bulk announces its own start and end; an Event more for each of its children would be a write more an item."""
    return is_child(scene.video.metadata)
