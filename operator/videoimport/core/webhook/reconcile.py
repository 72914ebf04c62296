"""Delivery of the webhook message that a BulkImport has ended: one Job for each attempt, until the receiver accepts it.

The status has the message's ID before the first Job is made, and every later Job sends the same ID. So a receiver
recognizes the message if its response was lost. If the BulkImport continues, the old message is not sent any more.
When the BulkImport ends again, the controller sends another message.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from videoimport.api.bulkimport import BulkImport
from videoimport.api.bulkimport_status import BulkImportStatus
from videoimport.api.reasons import Reason
from videoimport.api.tasks.webhook_task import DeliveryReport, WebhookStatus
from videoimport.api.videoimport_status import Attempts
from videoimport.core.jobs.bulk_task_job import find_task_run, finish_task
from videoimport.core.jobs.cluster_message import find_bulk_fields
from videoimport.core.jobs.outcome import Outcome
from videoimport.core.jobs.run_lifecycle import (
    RunState,
    build_job,
    cleanup_jobs,
    create_next_run,
    delete_jobs,
    ensure_job,
    find_recorded_jobs,
    observe_job,
)
from videoimport.core.message_format import append_final_cause, format_message, format_time, join_sentences
from videoimport.core.observed import JobView, ObservedBulk
from videoimport.core.plan import Action, Create, Plan, PlannedEvent
from videoimport.core.settings import Settings
from videoimport.core.webhook.job import (
    FINAL_REASONS,
    MAX_DELIVERY_ATTEMPTS,
    build_delivery_job,
    hash_webhook_spec,
    is_delivered,
    is_recorded,
    judge_delivery,
)
from videoimport.core.webhook.payload import WebhookMessage, build_message_body, build_webhook_message

_SENDING = "The message is being sent."
_QUEUED = "The Job waits in its queue."
_SUSPENDED = "Suspended: the message is sent once spec.suspend is false."
_SUPERSEDED = "Not delivered: the BulkImport continues, or its webhook no longer includes this event."
_RETRY_ADVICE = "Correct the receiver or webhook.url, then change retryToken to send the message again"


WebhookPlan = Plan[WebhookStatus]
"""Part of the plan of a BulkImport. The status in this part is the value of status.webhook."""


@dataclass(frozen=True, slots=True)
class _WebhookContext:
    """A BulkImport and the current run of its webhook."""

    bulk: BulkImport
    status: BulkImportStatus
    """Status that is about to be written."""
    run: RunState

    @property
    def suspended(self) -> bool:
        return self.bulk.spec.suspend


def reconcile_webhook(
    observed: ObservedBulk, status: BulkImportStatus, now: datetime, settings: Settings
) -> WebhookPlan:
    """Return the plan for the webhook. ``status`` is the status that is written next. The webhook message contains the
    phase, times and counts of this status."""
    before, notice = observed.bulk.status.webhook, build_webhook_message(observed.bulk, status)
    number, attempts = (before.run, before.attempts) if before else (0, Attempts(max=MAX_DELIVERY_ATTEMPTS))
    run = find_task_run(observed, "hook", number, attempts, now.replace(microsecond=0), settings)
    context = _WebhookContext(observed.bulk, status, run)
    found = _deliver_message(context, before, notice) if notice else Plan(_drop_message(context, before))
    recorded = find_recorded_jobs(run, current=before is not None and is_recorded(before))
    removals = cleanup_jobs(run, recorded if notice else run.jobs)
    return Plan(found.status, removals, planned_events=_build_event(before, found.status)) + found


def _drop_message(context: _WebhookContext, before: WebhookStatus | None) -> WebhookStatus | None:
    """Return the webhook's status if no message is due. The record of a delivered message stays, and a pending message
    fails."""
    if before is None or before.state == "Delivered":
        return before
    if context.bulk.spec.webhook is None:
        return None
    return _mark_failed(before, _SUPERSEDED, before.attempts) if before.state == "Pending" else before


def _deliver_message(context: _WebhookContext, before: WebhookStatus | None, notice: WebhookMessage) -> WebhookPlan:
    if before is None or before.id != notice.id:
        fresh = WebhookStatus(id=notice.id, event=notice.event, state="Pending", run=before.run if before else 0)
        return _start_delivery(context, fresh)
    if before.state == "Delivered":
        return Plan(before)
    if before.wish != hash_webhook_spec(context.bulk):
        return _start_delivery(context, before)
    return _reconcile_pending(context, before) if before.state == "Pending" else Plan(before)


def _start_delivery(context: _WebhookContext, webhook: WebhookStatus) -> WebhookPlan:
    """Return the plan for the first try of a message, or for the first try after a correction."""
    fresh = webhook.model_copy(update={"state": "Pending", "wish": hash_webhook_spec(context.bulk)})
    return _start_next_run(context, fresh, Attempts(max=MAX_DELIVERY_ATTEMPTS))


def _start_next_run(context: _WebhookContext, webhook: WebhookStatus, attempts: Attempts) -> WebhookPlan:
    run = create_next_run(context.run, attempts)
    return _ensure_delivery_job(context, webhook.model_copy(update={"run": run.number, "attempts": run.attempts}))


def _ensure_delivery_job(context: _WebhookContext, status: WebhookStatus) -> WebhookPlan:
    """Return the plan that creates the missing Job. If the API server refuses the Job, the controller's own backoff
    delays the next creation."""
    if context.suspended:
        return Plan(status.model_copy(update={"message": _SUSPENDED}))
    creation = _create_delivery_job(context, status)
    job_plan = ensure_job(context.run, creation, find_bulk_fields(context.bulk), pause=timedelta(0))
    return Plan(status.model_copy(update={"message": job_plan.message or _SENDING})) + job_plan


def _create_delivery_job(context: _WebhookContext, status: WebhookStatus) -> tuple[Action, ...]:
    webhook_spec, notice = context.bulk.spec.webhook, WebhookMessage(status.id, status.event)
    if webhook_spec is None:
        return ()
    body = build_message_body(context.bulk, context.status, notice)
    settings = context.run.settings
    return (Create(build_job(build_delivery_job(context.bulk, webhook_spec, status, body, settings), settings)),)


def _reconcile_pending(context: _WebhookContext, before: WebhookStatus) -> WebhookPlan:
    run, requeue_at = context.run, before.attempts.next_retry_time
    if requeue_at is not None and (context.suspended or run.now < requeue_at):
        return Plan(before, requeue_at=None if context.suspended else requeue_at)
    if requeue_at is not None or (run.job is None and run.is_outdated):
        return _start_next_run(context, before, before.attempts)
    if run.job is None:
        return _ensure_delivery_job(context, before)
    outcome = finish_task(run, context.bulk, DeliveryReport.model_validate_json)
    return _observe_active_job(context, before, run.job) if outcome is None else _finish_run(context, before, outcome)


def _observe_active_job(context: _WebhookContext, before: WebhookStatus, job: JobView) -> WebhookPlan:
    if context.suspended:
        return Plan(before.model_copy(update={"message": _SUSPENDED}), delete_jobs((job,)))
    job_plan = observe_job(context.run, find_bulk_fields(context.bulk))
    message = job_plan.message or (_QUEUED if job.suspended else _SENDING)
    if job_plan.echo and (before.message or "").endswith(message.rpartition(". ")[2]):
        message = before.message or message
    return Plan(before.model_copy(update={"message": message})) + job_plan


def _finish_run(context: _WebhookContext, before: WebhookStatus, outcome: Outcome[DeliveryReport]) -> WebhookPlan:
    if is_delivered(context.run, outcome):
        changes = {"state": "Delivered", "message": None, "delivered_time": context.run.now}
        return Plan(before.model_copy(update=changes))
    verdict = judge_delivery(context.bulk, context.run, outcome)
    if at := verdict.requeue_at:
        text = join_sentences(_explain_failure(outcome), f"The message is sent again at {format_time(at)}")
        return Plan(before.model_copy(update={"attempts": verdict.attempts, "message": text}), requeue_at=at)
    if outcome.reason in FINAL_REASONS:
        return Plan(_mark_failed(before, _explain_failure(outcome), verdict.attempts))
    text = join_sentences(append_final_cause(outcome.message, verdict.given_up or "Given up"), _RETRY_ADVICE)
    return Plan(_mark_failed(before, text, verdict.attempts))


def _explain_failure(outcome: Outcome[DeliveryReport]) -> str:
    return format_message(outcome.reason or Reason.WEBHOOK_FAILED, outcome.message, advice=outcome.advice)


def _mark_failed(status: WebhookStatus, message: str, attempts: Attempts) -> WebhookStatus:
    settled = attempts.model_copy(update={"next_retry_time": None})
    return status.model_copy(update={"state": "Failed", "message": message, "attempts": settled})


def _build_event(before: WebhookStatus | None, after: WebhookStatus | None) -> tuple[PlannedEvent, ...]:
    if after is None or after.state == "Pending" or before is None or before.state != "Pending":
        return ()
    if after.state == "Delivered":
        return (PlannedEvent("Normal", "WebhookDelivered", f"The webhook receiver accepted the message {after.id}."),)
    return (PlannedEvent("Warning", "WebhookFailed", after.message or ""),)
