"""Decisions after a run: the import is completed, fails finally, or is tried again."""

from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from videoimport.api.reasons import Reason, RetryClass, info
from videoimport.api.videoimport import spec_hash
from videoimport.api.videoimport_status import JobReference, VideoPhase
from videoimport.core.circuit_breaker import describe_wait, find_host, record_failure
from videoimport.core.jobs.outcome import Expected, ImportOutcome, Outcome, find_outcome, find_success
from videoimport.core.jobs.run_lifecycle import finish_run, is_active
from videoimport.core.message_format import format_message, format_time, join_sentences, split_advice
from videoimport.core.observed import JobView
from videoimport.core.plan import PartialPlan, Plan, PlannedEvent
from videoimport.core.retry_policy import Context, Verdict, explain_exhaustion, judge
from videoimport.core.video.context import VideoContext, VideoPlan
from videoimport.core.video.start_run import hold_for_upload, is_part_of_bulk, start_first_run, start_next_run
from videoimport.core.video_status import has_new_token

_UNGUARDED = (
    "The object store ignores some conditional writes, so destination.ifExists (Fail or KeepBoth) has no effect "
    "between two imports that write at the same moment"
)


def conclude_run(context: VideoContext) -> VideoPlan | None:
    """Return the plan for the current run's outcome. Return None while the run is not over."""
    outcome = finish_run(context.state, partial(find_outcome, expected=expect_report(context)))
    if outcome is None:
        return None
    outcome = _add_scratch_size(context, _add_startup_problem(context, outcome))
    return (
        complete_import(context, outcome)
        if outcome.reason is None
        else handle_failed_run(context, outcome.reason, outcome)
    )


def _add_startup_problem(context: VideoContext, outcome: ImportOutcome) -> ImportOutcome:
    """Return the outcome with the problem that kept the pod from starting. The time of a Job also passes while its pod
    cannot start. Then this problem is the cause that the user must see."""
    reason = context.status.reason
    if outcome.reason is not Reason.DEADLINE_EXCEEDED or not reason or info(reason).retry is not RetryClass.WAITING:
        return outcome
    found, advice = split_advice(context.status.message or format_message(reason))
    message = f"timeoutSeconds ended before the run could start ({reason}): {found}"
    return replace(outcome, message=message, advice=advice or info(reason).advice)


def _add_scratch_size(context: VideoContext, outcome: ImportOutcome) -> ImportOutcome:
    """Return the outcome with the declared size of the scratch if there is no report. A report has the exact sizes."""
    if outcome.reason is not Reason.SCRATCH_FULL or outcome.report is not None:
        return outcome
    size = f"worker.scratch.size is {context.spec.worker.scratch.size}"
    advice = (
        "Raise worker.scratch.size to the size of the source and of the results, or use nodes with more disk space."
    )
    return replace(outcome, message=join_sentences(outcome.message, size), advice=advice)


def record_success(context: VideoContext) -> VideoPlan | None:
    """Return the plan for a success that the current run reported, or None if there is no such report. The Job may
    have changed or disappeared since that report."""
    job = context.job
    outcome = find_success(job, context.pods_of(job), expect_report(context)) if job else None
    return complete_import(context, outcome) if outcome else None


def handle_lost_job(context: VideoContext) -> VideoPlan | None:
    """Return the plan for a Job that was observed before and no longer exists. If its run had finished, the next run
    finds the commit record."""
    if context.job is not None or context.status.job is None or context.status.job.uid is None:
        return None
    return handle_failed_run(context, Reason.REPORT_LOST, Outcome(Reason.REPORT_LOST, "The run's Job is gone"))


def wait_for_retry(context: VideoContext) -> VideoPlan | None:
    """Return the plan between two runs: the next run starts when its delay is over.

    A lowered maxAttempts ends the import. A new retryToken means that the user has removed the cause of the failure.
    In this case the run starts at once, and attempts count from one.
    """
    at, reason = context.attempts.next_retry_time, context.status.reason or Reason.INTERNAL
    if at is None:
        return None
    if _is_called_back(context):
        return PartialPlan(context.status)
    if has_new_token(context.video):
        return start_first_run(context)
    if given_up := explain_exhaustion(context.attempts):
        verdict = Verdict(context.attempts.model_copy(update={"next_retry_time": None}), given_up)
        found, advice = split_advice(_find_last_message(context, reason, at))
        message = format_message(reason, found, given_up=given_up, advice=advice)
        return _fail_import(PartialPlan(context.status), context, reason, message, verdict)
    if reason is Reason.RATE_LIMITED:
        return _wait_for_host(context, at)
    if context.now >= at:
        return start_next_run(context, context.attempts)
    if context.status.phase is VideoPhase.SUSPENDED:
        words = join_sentences(format_message(reason), _describe_next_start(context, reason, at))
        return PartialPlan(context.status, requeue_at=at).with_status(phase=VideoPhase.PENDING, message=words)
    return PartialPlan(context.status, requeue_at=at)


def _describe_next_start(context: VideoContext, reason: Reason, at: datetime) -> str:
    """Return the sentence about the start of the next run."""
    if info(reason).retry is RetryClass.HOST:
        return f"{describe_wait(find_host(context.video) or 'the host', at)}."
    return f"Run {context.run + 1} starts at {format_time(at)}."


def _find_last_message(context: VideoContext, reason: Reason, at: datetime) -> str:
    """Return the message of the last run without the sentence about the next run."""
    if context.status.phase is VideoPhase.SUSPENDED or not context.status.message:
        return format_message(reason)
    return context.status.message.removesuffix(_describe_next_start(context, reason, at)).strip()


def _is_called_back(context: VideoContext) -> bool:
    """Return whether the Job of the withdrawn run is still active. The worker of that Job may have begun meanwhile, so
    no other run starts until the Job is gone. If a Job has a later run number than the status, the status is old, and
    the result is False."""
    older = any(job.run <= context.run and is_active(job, context.pods_of(job)) for job in context.jobs)
    return older and all(job.run <= context.run for job in context.jobs)


def _wait_for_host(context: VideoContext, at: datetime) -> VideoPlan:
    """Return the plan for an import that waits for its host. The host's present state decides, not its state at the
    start of the wait."""
    plan = start_next_run(context, context.attempts)
    attempts = plan.status.attempts
    as_it_was = attempts is not None and attempts.next_retry_time == at
    if as_it_was and context.status.phase is VideoPhase.PENDING:
        return PartialPlan(context.status, requeue_at=plan.requeue_at)
    return plan


def wait_in_queue(context: VideoContext) -> VideoPlan | None:
    """Return the plan for an import that waits only because the limit of running imports is reached."""
    if context.status.job is not None or context.status.phase is not VideoPhase.QUEUED:
        return None
    return start_next_run(context, context.attempts) if context.run else start_first_run(context)


def expect_report(context: VideoContext) -> Expected:
    """Return the values that the report of the current run must have."""
    return Expected(context.video.metadata.uid, context.run, spec_hash(context.spec))


def complete_import(context: VideoContext, outcome: ImportOutcome) -> VideoPlan:
    """Return the plan for a success: the status gets all facts of the report. A video that the destination already had
    is a success too."""
    report = outcome.report
    duplicate_of = report.duplicate_of if report else None
    message = join_sentences(outcome.message or "The video is imported")
    if duplicate_of:
        message = format_message(
            Reason.DUPLICATE, outcome.message or f"The destination already has this video at {duplicate_of}"
        )
    unguarded = join_sentences(_UNGUARDED) if report and report.unguarded and not duplicate_of else ""
    plan = _merge_report(context, outcome).with_status(
        phase=VideoPhase.COMPLETED,
        reason=Reason.DUPLICATE if duplicate_of else None,
        message=join_sentences(message, unguarded),
        attempts=context.attempts.model_copy(update={"next_retry_time": None}),
        completion_time=context.now,
        progress_percent=100,
        outputs=report.outputs if report else None,
        video_id=report.video_id if report else None,
        duplicate_of=duplicate_of,
    )
    if is_part_of_bulk(context):
        return plan
    warnings = (PlannedEvent("Warning", "Unguarded", unguarded),) if unguarded else ()
    return plan + Plan(planned_events=(PlannedEvent("Normal", "Completed", message), *warnings))


def handle_failed_run(context: VideoContext, reason: Reason, outcome: ImportOutcome) -> VideoPlan:
    """Return the plan after a failed run: another run, at once or later, or the end."""
    if reason is Reason.UPLOAD_IDLE and context.spec.source.upload is not None:
        return hold_for_upload(context)
    plan = _merge_report(context, outcome)
    if info(reason).retry is RetryClass.HOST:
        asked = outcome.report.retry_after_seconds if outcome.report else None
        plan = plan.with_status(host_backoff=record_failure(context.host_context, asked))
    since = max(context.since, context.status.start_time or context.since)  # the wait for the first run is left out
    uid, backoff = context.video.metadata.uid, plan.status.host_backoff
    verdict = judge(reason, Context(uid, context.run, context.attempts, context.now, context.settings, since, backoff))
    if verdict.requeue_at is None:
        message = format_message(reason, outcome.message, given_up=verdict.given_up, advice=outcome.advice)
        return _restart_with_new_spec(context, reason, outcome) or _fail_import(plan, context, reason, message, verdict)
    when = _describe_next_start(context, reason, verdict.requeue_at)
    message = format_message(reason, outcome.message, advice=outcome.advice)
    planned_event = PlannedEvent("Warning", "Retrying", join_sentences(f"{reason}: {message}", when))
    if verdict.requeue_at <= context.now and not context.spec.suspend:
        return start_next_run(context, verdict.attempts, planned_event)
    plan = plan.with_status(
        phase=VideoPhase.SUSPENDED if context.spec.suspend else VideoPhase.PENDING,
        reason=reason,
        message=join_sentences(message, when),
        attempts=verdict.attempts,
    )
    return plan + Plan(planned_events=(planned_event,), requeue_at=verdict.requeue_at)


def _restart_with_new_spec(context: VideoContext, reason: Reason, outcome: ImportOutcome) -> VideoPlan | None:
    """Return the plan that starts again because the spec has changed since the failed run's Job was made; None without
    a change. The change may already correct the cause, but has no effect once the failure is written. So the import
    starts again, as for a change just after the failure."""
    if not context.has_changed_since(context.job) or context.spec.suspend:
        return None
    words = join_sentences(
        f"{reason}: {outcome.message}", "The spec changed during the run, so a new run starts at once"
    )
    return replace(start_first_run(context), planned_events=(PlannedEvent("Warning", "Retrying", words),))


def _fail_import(plan: VideoPlan, context: VideoContext, reason: Reason, message: str, verdict: Verdict) -> VideoPlan:
    plan = plan.with_status(
        phase=VideoPhase.FAILED,
        reason=reason,
        message=message,
        attempts=verdict.attempts,
        observed_spec_hash=None if context.has_changed_since(context.job) else context.wish,
        completion_time=context.now,
        bytes_per_second=None,
        eta_seconds=None,
    )
    return plan + Plan(planned_events=(PlannedEvent("Warning", "Failed", join_sentences(f"{reason}: {message}")),))


def _merge_report(context: VideoContext, outcome: ImportOutcome) -> VideoPlan:
    """Return a plan whose status has the facts of the run's report, which a failed run may have too. If a fact is
    missing, the old value stays."""
    told: dict[str, Any] = {"job": reference_job(context.job) if context.job else context.status.job}
    if report := outcome.report:
        told |= {"usage": report.usage}
        told |= {"stages": report.stages} if report.stages else {}
        told |= {"source": report.source} if report.source else {}
        told |= {"metadata": report.metadata} if report.metadata else {}
    return PartialPlan(context.status.model_copy(update=told | {"bytes_per_second": None, "eta_seconds": None}))


def reference_job(job: JobView) -> JobReference:
    """Return the reference to this Job for the status. Once the status has this reference, the Job counts as lost if it
    is missing."""
    return JobReference(name=job.name, uid=job.uid)
