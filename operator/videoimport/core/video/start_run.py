"""Starts of runs: the Job of a run and, if the spec names a storage class, the scratch claim.

The status has the number of the run and the name of the Job before the controller creates the Job. The claim
outlives pods. The controller creates the claim before the Job of the first run, and deletes the claim after the last
run. The controller creates the Job only after it has observed the claim. So the status reports that the claim was
refused, and no pod waits for this claim.
"""

from datetime import datetime

from videoimport.api.labels import COMPONENT, IMPORT
from videoimport.api.reasons import Reason
from videoimport.api.videoimport import IDENTITY, VideoImport
from videoimport.api.videoimport_status import Attempts, JobReference, UploadSession, VideoImportStatus, VideoPhase
from videoimport.core.circuit_breaker import HostWait, describe_hold, find_wait, record_start
from videoimport.core.jobs.run_lifecycle import build_import_job, create_next_run, is_over
from videoimport.core.jobs.upload_task import build_upload_task, find_session
from videoimport.core.message_format import format_message, format_time, join_sentences
from videoimport.core.names_and_owners import (
    CALM,
    OUR_LABELS,
    ROOM,
    build_job_name,
    build_owner_references,
    build_scratch_name,
    is_child,
)
from videoimport.core.observed import ClaimView
from videoimport.core.plan import Action, Create, Delete, Manifest, PartialPlan, Plan, PlannedEvent
from videoimport.core.video.context import VideoContext, VideoPlan
from videoimport.core.video_status import has_active_run, is_finished

STARTING = "The worker is starting."


def start_first_run(context: VideoContext) -> VideoPlan:
    """Return the plan for the first run. An import that starts again after a new spec or a new token has a first run
    too. Attempts count from one, and run numbers continue."""
    if is_upload_awaited(context):
        return hold_for_upload(context)
    plan = _start_run(context, Attempts(max=context.spec.max_attempts)).with_status(source=None, metadata=None)
    if is_part_of_bulk(context) or plan.status.run == context.run:
        return plan
    return plan + Plan(planned_events=(PlannedEvent("Normal", "Started", f"Run {plan.status.run} started."),))


def start_next_run(context: VideoContext, attempts: Attempts, planned_event: PlannedEvent | None = None) -> VideoPlan:
    """Return the plan for another run of the same import, which continues to count the attempts."""
    plan = _start_run(context, attempts)
    return plan + Plan(planned_events=(planned_event,)) if planned_event else plan


def _start_run(context: VideoContext, attempts: Attempts) -> VideoPlan:
    """Return the plan that starts the run, or that waits for the host, for a place among the running imports, or for
    another session if the annotation was removed."""
    if context.spec.source.upload is not None and build_upload_task(context.video, context.settings) is None:
        return hold_for_upload(context)
    run = create_next_run(context.state, attempts)
    if wait := find_wait(context.host_context, context.video.metadata.uid):
        return _hold_run(context, run.attempts, wait)
    if context.observed.no_room:
        return _queue_run(context, run.attempts)
    record = record_start(context.host_context)
    status = _clear_run(context, run.attempts).model_copy(
        update={
            "reason": None,
            "message": STARTING,
            "run": run.number,
            "job": JobReference(name=build_job_name(context.video.metadata.name, run.number)),
            "host_backoff": record,
            "upload_session": _record_session(context),
            "start_time": context.status.start_time or context.now,
        }
    )
    return PartialPlan(status, actions=prepare_scratch(context, run.number))


def is_upload_awaited(context: VideoContext) -> bool:
    """Return whether the source is an upload without an open session: no client has opened one since the last one. A
    session stays open between two runs."""
    used, session = context.status.upload_session, find_session(context.video)
    is_between_runs = used is not None and context.attempts.next_retry_time is not None
    if context.spec.source.upload is None or is_between_runs:
        return False
    return session is None or (used is not None and used.token_sha256 == session)


def _record_session(context: VideoContext) -> UploadSession | None:
    task = build_upload_task(context.video, context.settings)
    return UploadSession(token_sha256=task.token_sha256) if task else None


def hold_for_upload(context: VideoContext, deadline: datetime | None = None) -> VideoPlan:
    """Return the plan with the phase Pending until a client opens a session. ``deadline`` is the end of a wait that has
    begun."""
    used = context.status.upload_session
    until = deadline or context.now + context.settings.upload_deadline
    attempts = (Attempts() if is_finished(context.status) else context.attempts).model_copy(
        update={"max": context.spec.max_attempts, "next_retry_time": None}
    )
    status = _clear_run(context, attempts).model_copy(
        update={
            "reason": Reason.WAITING_FOR_UPLOAD,
            "message": format_message(
                Reason.WAITING_FOR_UPLOAD, f"No client sends the file yet. The import waits until {format_time(until)}"
            ),
            "run": context.run,
            "job": None,
            "upload_session": UploadSession(token_sha256=used.token_sha256 if used else None, deadline=until),
        }
    )
    return PartialPlan(status, requeue_at=until)


def prepare_scratch(context: VideoContext, run: int) -> tuple[Action, ...]:
    """Return the next step toward this run's Job. A claim with another size or class than the spec asks for is deleted
    first."""
    room = _format_room(context.video)
    if room is None:
        return (Create(build_import_job(context.video, run, context.settings)),)
    claim = context.claim
    if claim is None:
        return (Create(build_claim_manifest(context.video)),)
    if claim.deleting:  # its name is taken until the claim is gone
        return ()
    return (
        (Create(build_import_job(context.video, run, context.settings)),)
        if claim.room == room
        else (_delete_claim(claim),)
    )


def _clear_run(context: VideoContext, attempts: Attempts) -> VideoImportStatus:
    """Return the status without the facts of an earlier run."""
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


def _hold_run(context: VideoContext, attempts: Attempts, wait: HostWait) -> VideoPlan:
    status = _clear_run(context, attempts.model_copy(update={"next_retry_time": wait.until})).model_copy(
        update={
            "reason": Reason.RATE_LIMITED,
            "message": describe_hold(wait),
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


def take_back_run(context: VideoContext) -> VideoPlan | None:
    """Return the plan that withdraws a run because the breaker opened before the worker started.

    The new status is the same as before the decision to run. The cleanup deletes the Job.
    """
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


def is_part_of_bulk(context: VideoContext) -> bool:
    """Return whether the import is a child of a BulkImport.

    A BulkImport reports its own start and end. An Event for each child would add one write for each item.
    """
    return is_child(context.video.metadata)


def remove_spent_claims(context: VideoContext, planned: VideoImportStatus) -> tuple[Action, ...]:
    """Return the deletion of the scratch claim, if the import has ended. The observed status must show the end, and the
    planned status must not start the import again."""
    if not (is_finished(context.status) and is_finished(planned)):
        return ()
    claim = context.claim
    return (_delete_claim(claim),) if claim is not None and not claim.deleting else ()


def build_claim_manifest(video: VideoImport) -> Manifest:
    """Return the scratch claim to create."""
    meta, scratch = video.metadata, video.spec.worker.scratch
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {
            "name": build_scratch_name(meta.name),
            "namespace": meta.namespace,
            "labels": OUR_LABELS | {COMPONENT: "scratch", IMPORT: meta.name},
            "annotations": CALM | {ROOM: _format_room(video)},
            "ownerReferences": build_owner_references(IDENTITY, meta),
        },
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": scratch.storage_class_name,
            "resources": {"requests": {"storage": scratch.size}},
        },
    }


def _format_room(video: VideoImport) -> str | None:
    scratch = video.spec.worker.scratch
    return f"{scratch.size} of {scratch.storage_class_name}" if scratch.storage_class_name else None


def _delete_claim(claim: ClaimView) -> Delete:
    return Delete("PersistentVolumeClaim", claim.namespace, claim.name, claim.uid)
