"""Telling a receiver that a BulkImport has ended, by a Job for each try, until it has taken the message.

The message's id stands in the status before the first Job is made, and every later Job sends the same, so that a
receiver which took it and whose answer was lost knows it again. An ending that is over, because the bulk goes on, is
no longer told: the next one will be.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from videoimport.api.bulkimport import BulkImport
from videoimport.api.bulkimport_status import BulkImportStatus
from videoimport.api.reasons import Reason
from videoimport.api.tasks.webhook_task import DeliveryReport, WebhookStatus
from videoimport.api.videoimport_status import Attempts
from videoimport.core.jobs.cluster_message import fields_of_bulk
from videoimport.core.jobs.job_manifest import build_job
from videoimport.core.jobs.outcome import Outcome
from videoimport.core.jobs.run import RunState, cleanup_jobs, ensure_job, next_run, observe_job, recorded_jobs
from videoimport.core.jobs.run_end import delete_jobs
from videoimport.core.jobs.task_job import finish_task, task_run
from videoimport.core.messages import advised, clock, closed, sentences
from videoimport.core.observed import JobView, ObservedBulk
from videoimport.core.plan import Action, Announcement, Create, Plan
from videoimport.core.settings import Settings
from videoimport.core.webhook.job import (
    FINAL,
    MAX_ATTEMPTS,
    delivery_job,
    is_delivered,
    is_recorded,
    judge_delivery,
    wish_of,
)
from videoimport.core.webhook.payload import Notice, body_of, notice_of

_SENDING = "The message is being sent."
_QUEUED = "The Job waits in its queue."
_SUSPENDED = "Suspended: the message is sent once spec.suspend is false."
_OVERTAKEN = "Given up before it was delivered: the BulkImport goes on, or its webhook no longer wants to hear of this."
_AGAIN = "Correct the receiver or webhook.url, then change retryToken to send it again"


WebhookPlan = Plan[WebhookStatus]
"""Part of a BulkImport's plan; its status is for status.webhook."""


@dataclass(frozen=True, slots=True)
class _Context:
    """A BulkImport and the run of its webhook at one moment."""

    bulk: BulkImport
    status: BulkImportStatus
    """About to be written."""
    run: RunState

    @property
    def suspended(self) -> bool:
        return self.bulk.spec.suspend


def notifying(observed: ObservedBulk, status: BulkImportStatus, now: datetime, settings: Settings) -> WebhookPlan:
    """``status`` is what is about to be written; its phase, times and counts are told."""
    before, notice = observed.bulk.status.webhook, notice_of(observed.bulk, status)
    number, attempts = (before.run, before.attempts) if before else (0, Attempts(max=MAX_ATTEMPTS))
    run = task_run(observed, "hook", number, attempts, now.replace(microsecond=0), settings)
    context = _Context(observed.bulk, status, run)
    found = _told(context, before, notice) if notice else Plan(_unwanted(context, before))
    recorded = recorded_jobs(run, current=before is not None and is_recorded(before))
    removals = cleanup_jobs(run, recorded if notice else run.jobs)
    return Plan(found.status, removals, announcements=_announced(before, found.status)) + found


def _unwanted(context: _Context, before: WebhookStatus | None) -> WebhookStatus | None:
    """Nothing is to be told now. What was told is remembered, and what was not is given up."""
    if before is None or before.state == "Delivered":
        return before
    if context.bulk.spec.webhook is None:
        return None
    return _given_up(before, _OVERTAKEN, before.attempts) if before.state == "Pending" else before


def _told(context: _Context, before: WebhookStatus | None, notice: Notice) -> WebhookPlan:
    if before is None or before.id != notice.id:
        fresh = WebhookStatus(id=notice.id, event=notice.event, state="Pending", run=before.run if before else 0)
        return _begun(context, fresh)
    if before.state == "Delivered":
        return Plan(before)
    if before.wish != wish_of(context.bulk):
        return _begun(context, before)
    return _pending(context, before) if before.state == "Pending" else Plan(before)


def _begun(context: _Context, webhook: WebhookStatus) -> WebhookPlan:
    """The first try of a message, or the first since something was mended."""
    fresh = webhook.model_copy(update={"state": "Pending", "wish": wish_of(context.bulk)})
    return _next(context, fresh, Attempts(max=MAX_ATTEMPTS))


def _next(context: _Context, webhook: WebhookStatus, attempts: Attempts) -> WebhookPlan:
    run = next_run(context.run, attempts)
    return _making(context, webhook.model_copy(update={"run": run.number, "attempts": run.attempts}))


def _making(context: _Context, status: WebhookStatus) -> WebhookPlan:
    """The Job is not there. While the API server refuses it, the controller itself waits before it tries again."""
    if context.suspended:
        return Plan(status.model_copy(update={"message": _SUSPENDED}))
    creation = _creation(context, status)
    job_plan = ensure_job(context.run, creation, fields_of_bulk(context.bulk), pause=timedelta(0))
    return Plan(status.model_copy(update={"message": job_plan.message or _SENDING})) + job_plan


def _creation(context: _Context, status: WebhookStatus) -> tuple[Action, ...]:
    wanted, notice = context.bulk.spec.webhook, Notice(status.id, status.event)
    if wanted is None:
        return ()
    body = body_of(context.bulk, context.status, notice)
    settings = context.run.settings
    return (Create(build_job(delivery_job(context.bulk, wanted, status, body, settings), settings)),)


def _pending(context: _Context, before: WebhookStatus) -> WebhookPlan:
    run, again_at = context.run, before.attempts.next_retry_time
    if again_at is not None and (context.suspended or run.now < again_at):
        return Plan(before, again_at=None if context.suspended else again_at)
    if again_at is not None or (run.job is None and run.is_outdated):
        return _next(context, before, before.attempts)
    if run.job is None:
        return _making(context, before)
    outcome = finish_task(run, context.bulk, DeliveryReport.model_validate_json)
    return _under_way(context, before, run.job) if outcome is None else _concluded(context, before, outcome)


def _under_way(context: _Context, before: WebhookStatus, job: JobView) -> WebhookPlan:
    if context.suspended:
        return Plan(before.model_copy(update={"message": _SUSPENDED}), delete_jobs((job,)))
    job_plan = observe_job(context.run, fields_of_bulk(context.bulk))
    message = job_plan.message or (_QUEUED if job.suspended else _SENDING)
    if job_plan.echo and (before.message or "").endswith(message.rpartition(". ")[2]):
        message = before.message or message
    return Plan(before.model_copy(update={"message": message})) + job_plan


def _concluded(context: _Context, before: WebhookStatus, outcome: Outcome[DeliveryReport]) -> WebhookPlan:
    if is_delivered(context.run, outcome):
        news = {"state": "Delivered", "message": None, "delivered_time": context.run.now}
        return Plan(before.model_copy(update=news))
    verdict = judge_delivery(context.bulk, context.run, outcome)
    if at := verdict.again_at:
        words = sentences(_advised(outcome), f"It is sent again at {clock(at)}")
        return Plan(before.model_copy(update={"attempts": verdict.attempts, "message": words}), again_at=at)
    if outcome.reason in FINAL:
        return Plan(_given_up(before, _advised(outcome), verdict.attempts))
    words = sentences(closed(outcome.message, verdict.given_up or "Given up"), _AGAIN)
    return Plan(_given_up(before, words, verdict.attempts))


def _advised(outcome: Outcome[DeliveryReport]) -> str:
    return advised(outcome.reason or Reason.WEBHOOK_FAILED, outcome.message, advice=outcome.advice)


def _given_up(status: WebhookStatus, message: str, attempts: Attempts) -> WebhookStatus:
    settled = attempts.model_copy(update={"next_retry_time": None})
    return status.model_copy(update={"state": "Failed", "message": message, "attempts": settled})


def _announced(before: WebhookStatus | None, after: WebhookStatus | None) -> tuple[Announcement, ...]:
    if after is None or after.state == "Pending" or before is None or before.state != "Pending":
        return ()
    if after.state == "Delivered":
        return (Announcement("Normal", "WebhookDelivered", f"The receiver took the message {after.id}."),)
    return (Announcement("Warning", "WebhookFailed", after.message or ""),)
