"""What a run's outcome makes of the import: done, failed for good, or tried again."""

from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from videoimport.api.reasons import Reason, RetryClass, info
from videoimport.api.tasks.import_task import spec_hash
from videoimport.api.videoimport_status import JobReference, VideoPhase
from videoimport.core.circuit_breaker import describe_wait, record_failure
from videoimport.core.jobs.outcome import Expected, ImportOutcome, Outcome, outcome_of, success_of
from videoimport.core.jobs.run import finish_run
from videoimport.core.jobs.run_end import is_active
from videoimport.core.lifecycle import has_new_token
from videoimport.core.message_format import clock, format_message, sentences, split_advice
from videoimport.core.observed import JobView
from videoimport.core.plan import Announcement, PartialPlan, Plan
from videoimport.core.retry_policy import Context, Verdict, explain_exhaustion, judge
from videoimport.core.source_host import find_host
from videoimport.core.video.context import VideoContext, VideoPlan, get_host_context
from videoimport.core.video.start_run import of_bulk, start_first_run, start_next_run

_UNGUARDED = (
    "The object store has no conditional writes: destination.ifExists: Fail does not hold between two imports that "
    "write at the same moment"
)


def conclude_run(scene: VideoContext) -> VideoPlan | None:
    """The current run is over: its outcome decides."""
    outcome = finish_run(scene.state, partial(outcome_of, expected=expect_report(scene)))
    if outcome is None:
        return None
    outcome = _with_its_room(scene, _with_what_held_it_up(scene, outcome))
    return complete_import(scene, outcome) if outcome.reason is None else run_failed(scene, outcome.reason, outcome)


def _with_what_held_it_up(scene: VideoContext, outcome: ImportOutcome) -> ImportOutcome:
    """A Job's time also runs while its pod cannot start; then that is what the user must know."""
    reason = scene.status.reason
    if outcome.reason is not Reason.DEADLINE_EXCEEDED or not reason or info(reason).retry is not RetryClass.WAITING:
        return outcome
    found, advice = split_advice(scene.status.message or format_message(reason))
    message = f"timeoutSeconds ended before the run could start ({reason}): {found}"
    return replace(outcome, message=message, advice=advice or info(reason).advice)


def _with_its_room(scene: VideoContext, outcome: ImportOutcome) -> ImportOutcome:
    """A report has the sizes in scratch; where it is missing, the declared one is all that is known."""
    if outcome.reason is not Reason.SCRATCH_FULL or outcome.report is not None:
        return outcome
    size = f"worker.scratch.size is {scene.spec.worker.scratch.size}"
    advice = (
        "Raise worker.scratch.size to the size of the source and of the results, or use nodes with more disk space."
    )
    return replace(outcome, message=sentences(outcome.message, size), advice=advice)


def already_succeeded(scene: VideoContext) -> VideoPlan | None:
    """The current run left a report of success, whatever became of its Job since."""
    job = scene.job
    outcome = success_of(job, scene.pods_of(job), expect_report(scene)) if job else None
    return complete_import(scene, outcome) if outcome else None


def handle_lost_job(scene: VideoContext) -> VideoPlan | None:
    """The Job was seen and is gone. If the run had come to its end, the next one finds the commit record."""
    if scene.job is not None or scene.status.job is None or scene.status.job.uid is None:
        return None
    return run_failed(scene, Reason.REPORT_LOST, Outcome(Reason.REPORT_LOST, "The run's Job is gone"))


def wait_for_retry(scene: VideoContext) -> VideoPlan | None:
    """Between two runs: the next one starts when its time has come, unless maxAttempts was lowered meanwhile. A new
    token is the user's word that the cause is gone: it starts at once, its attempts counted anew."""
    at, reason = scene.attempts.next_retry_time, scene.status.reason or Reason.INTERNAL
    if at is None:
        return None
    if _is_called_back(scene):
        return PartialPlan(scene.status)
    if has_new_token(scene.video):
        return start_first_run(scene)
    if given_up := explain_exhaustion(scene.attempts):
        verdict = Verdict(scene.attempts.model_copy(update={"next_retry_time": None}), given_up)
        found, advice = split_advice(_as_it_was(scene, reason, at))
        message = format_message(reason, found, given_up=given_up, advice=advice)
        return _fail_import(PartialPlan(scene.status), scene, reason, message, verdict)
    if reason is Reason.RATE_LIMITED:
        return _wait_for_host(scene, at)
    if scene.now >= at:
        return start_next_run(scene, scene.attempts)
    if scene.status.phase is VideoPhase.SUSPENDED:
        words = sentences(format_message(reason), _next_start(scene, reason, at))
        return PartialPlan(scene.status, again_at=at).with_status(phase=VideoPhase.PENDING, message=words)
    return PartialPlan(scene.status, again_at=at)


def _next_start(scene: VideoContext, reason: Reason, at: datetime) -> str:
    """When the next run follows, in a sentence."""
    if info(reason).retry is RetryClass.HOST:
        return f"{describe_wait(find_host(scene.video) or 'the host', at)}."
    return f"Run {scene.run + 1} starts at {clock(at)}."


def _as_it_was(scene: VideoContext, reason: Reason, at: datetime) -> str:
    """What is told of the last run, without the run that was to follow."""
    if scene.status.phase is VideoPhase.SUSPENDED or not scene.status.message:
        return format_message(reason)
    return scene.status.message.removesuffix(_next_start(scene, reason, at)).strip()


def _is_called_back(scene: VideoContext) -> bool:
    """The run that was taken back is still on its way out, and its worker may have begun meanwhile: until it is gone
    no other one starts. A run of a later number than the status knows is not it: then this status is an old one."""
    older = any(job.run <= scene.run and is_active(job, scene.pods_of(job)) for job in scene.jobs)
    return older and all(job.run <= scene.run for job in scene.jobs)


def _wait_for_host(scene: VideoContext, at: datetime) -> VideoPlan:
    """It is the host's state that counts, and not what was known of it when this import was told to wait."""
    plan = start_next_run(scene, scene.attempts)
    attempts = plan.status.attempts
    as_it_was = attempts is not None and attempts.next_retry_time == at
    if as_it_was and scene.status.phase is VideoPhase.PENDING:
        return PartialPlan(scene.status, again_at=plan.again_at)
    return plan


def wait_in_queue(scene: VideoContext) -> VideoPlan | None:
    """Nothing runs and nothing is waited for but a place among those that run."""
    if scene.status.job is not None or scene.status.phase is not VideoPhase.QUEUED:
        return None
    return start_next_run(scene, scene.attempts) if scene.run else start_first_run(scene)


def expect_report(scene: VideoContext) -> Expected:
    """What the current run's report must say of itself."""
    return Expected(scene.video.metadata.uid, scene.run, spec_hash(scene.spec))


def complete_import(scene: VideoContext, outcome: ImportOutcome) -> VideoPlan:
    """Done: everything the report says is now the status. A video that the destination had already is a success too."""
    report = outcome.report
    duplicate_of = report.duplicate_of if report else None
    message = sentences(outcome.message or "The video is imported")
    if duplicate_of:
        message = format_message(
            Reason.DUPLICATE, outcome.message or f"The destination already has this video at {duplicate_of}"
        )
    unguarded = sentences(_UNGUARDED) if report and report.unguarded and not duplicate_of else ""
    plan = _merge_report(scene, outcome).with_status(
        phase=VideoPhase.COMPLETED,
        reason=Reason.DUPLICATE if duplicate_of else None,
        message=sentences(message, unguarded),
        attempts=scene.attempts.model_copy(update={"next_retry_time": None}),
        completion_time=scene.now,
        progress_percent=100,
        outputs=report.outputs if report else None,
        video_id=report.video_id if report else None,
        duplicate_of=duplicate_of,
    )
    if of_bulk(scene):
        return plan
    warnings = (Announcement("Warning", "Unguarded", unguarded),) if unguarded else ()
    return plan + Plan(announcements=(Announcement("Normal", "Completed", message), *warnings))


def run_failed(scene: VideoContext, reason: Reason, outcome: ImportOutcome) -> VideoPlan:
    """Another run, at once or later, or the end."""
    plan = _merge_report(scene, outcome)
    if info(reason).retry is RetryClass.HOST:
        asked = outcome.report.retry_after_seconds if outcome.report else None
        plan = plan.with_status(host_backoff=record_failure(get_host_context(scene), asked))
    since = max(scene.since, scene.status.start_time or scene.since)  # the wait for the first run does not count
    uid, backoff = scene.video.metadata.uid, plan.status.host_backoff
    verdict = judge(reason, Context(uid, scene.run, scene.attempts, scene.now, scene.settings, since, backoff))
    if verdict.again_at is None:
        message = format_message(reason, outcome.message, given_up=verdict.given_up, advice=outcome.advice)
        return _restart_with_new_spec(scene, reason, outcome) or _fail_import(plan, scene, reason, message, verdict)
    when = _next_start(scene, reason, verdict.again_at)
    message = format_message(reason, outcome.message, advice=outcome.advice)
    announcement = Announcement("Warning", "Retrying", sentences(f"{reason}: {message}", when))
    if verdict.again_at <= scene.now and not scene.spec.suspend:
        return start_next_run(scene, verdict.attempts, announcement)
    plan = plan.with_status(
        phase=VideoPhase.SUSPENDED if scene.spec.suspend else VideoPhase.PENDING,
        reason=reason,
        message=sentences(message, when),
        attempts=verdict.attempts,
    )
    return plan + Plan(announcements=(announcement,), again_at=verdict.again_at)


def _restart_with_new_spec(scene: VideoContext, reason: Reason, outcome: ImportOutcome) -> VideoPlan | None:
    """The spec was edited while the run went on from the older one: it may be mended already, and nobody would look at
    that edit again once the failure is written. So it starts anew, as it would for an edit that came a moment later."""
    if not scene.has_changed_since(scene.job) or scene.spec.suspend:
        return None
    words = sentences(f"{reason}: {outcome.message}", "The spec was edited meanwhile, and a new run starts at once")
    return replace(start_first_run(scene), announcements=(Announcement("Warning", "Retrying", words),))


def _fail_import(plan: VideoPlan, scene: VideoContext, reason: Reason, message: str, verdict: Verdict) -> VideoPlan:
    plan = plan.with_status(
        phase=VideoPhase.FAILED,
        reason=reason,
        message=message,
        attempts=verdict.attempts,
        observed_spec_hash=None if scene.has_changed_since(scene.job) else scene.wish,
        completion_time=scene.now,
        bytes_per_second=None,
        eta_seconds=None,
    )
    return plan + Plan(announcements=(Announcement("Warning", "Failed", sentences(f"{reason}: {message}")),))


def _merge_report(scene: VideoContext, outcome: ImportOutcome) -> VideoPlan:
    """The status with what the run's report tells, present on refusal too; what it does not tell stays."""
    told: dict[str, Any] = {"job": reference_job(scene.job) if scene.job else scene.status.job}
    if report := outcome.report:
        told |= {"usage": report.usage}
        told |= {"stages": report.stages} if report.stages else {}
        told |= {"source": report.source} if report.source else {}
        told |= {"metadata": report.metadata} if report.metadata else {}
    return PartialPlan(scene.status.model_copy(update=told | {"bytes_per_second": None, "eta_seconds": None}))


def reference_job(job: JobView) -> JobReference:
    """From now on this Job's absence means that it is lost."""
    return JobReference(name=job.name, uid=job.uid)
