"""Telling a receiver that a BulkImport has ended, by a Job for each try, until it has taken the message.

The message's id stands in the status before the first Job is made, and every later Job sends the same, so that a
receiver which took it and whose answer was lost knows it again. An ending that is over, because the bulk goes on, is
no longer told: the next one will be.
"""

from dataclasses import dataclass
from datetime import datetime

from videoimport.api.bulkimport import BulkImport
from videoimport.api.bulkimport_status import BulkImportStatus
from videoimport.api.reasons import Reason
from videoimport.api.tasks.webhook_task import DeliveryReport, WebhookStatus
from videoimport.api.videoimport_status import Attempts
from videoimport.core.jobs import task_job as errands
from videoimport.core.jobs.cluster_message import explain, fields_of_bulk
from videoimport.core.jobs.task_job import Ending
from videoimport.core.messages import advised, clock, closed, sentences
from videoimport.core.observed import JobView, ObservedBulk
from videoimport.core.plan import Action, Announcement, Plan
from videoimport.core.settings import Settings
from videoimport.core.webhook import job as delivery
from videoimport.core.webhook.payload import Notice, body_of, notice_of

_SENDING = "The message is being sent."
_QUEUED = "The Job waits in its queue."
_SUSPENDED = "Suspended: the message is sent once spec.suspend is false."
_OVERTAKEN = "Given up before it was delivered: the BulkImport goes on, or its webhook no longer wants to hear of this."
_AGAIN = "Correct the receiver or webhook.url, then change retryToken to send it again"


WebhookPlan = Plan[WebhookStatus]
"""Part of a BulkImport's plan; its status is for status.webhook."""


@dataclass(frozen=True, slots=True)
class _Case:
    """A bulk at one moment."""

    observed: ObservedBulk
    status: BulkImportStatus
    now: datetime
    settings: Settings
    jobs: tuple[JobView, ...]

    @property
    def bulk(self) -> BulkImport:
        return self.observed.bulk

    @property
    def rests(self) -> bool:
        return self.bulk.spec.suspend


def notifying(observed: ObservedBulk, status: BulkImportStatus, now: datetime, settings: Settings) -> WebhookPlan:
    """``status`` is what is about to be written; its phase, times and counts are told."""
    before, notice = observed.bulk.status.webhook, notice_of(observed.bulk, status)
    jobs = errands.jobs_of(observed, "hook")
    case = _Case(observed, status, now.replace(microsecond=0), settings, jobs)
    found = _told(case, before, notice) if notice else Plan(_unwanted(case, before))
    removals = delivery.tidying(observed, jobs, settings, wanted=notice is not None)
    return Plan(found.status, removals, announcements=_announced(before, found.status)) + found


def _unwanted(case: _Case, before: WebhookStatus | None) -> WebhookStatus | None:
    """Nothing is to be told now. What was told is remembered, and what was not is given up."""
    if before is None or before.state == "Delivered":
        return before
    if case.bulk.spec.webhook is None:
        return None
    return _given_up(before, _OVERTAKEN, before.attempts) if before.state == "Pending" else before


def _told(case: _Case, before: WebhookStatus | None, notice: Notice) -> WebhookPlan:
    if before is None or before.id != notice.id:
        fresh = WebhookStatus(id=notice.id, event=notice.event, state="Pending", run=before.run if before else 0)
        return _begun(case, fresh)
    if before.state == "Delivered":
        return Plan(before)
    if before.wish != delivery.wish_of(case.bulk):
        return _begun(case, before)
    return _pending(case, before) if before.state == "Pending" else Plan(before)


def _begun(case: _Case, webhook: WebhookStatus) -> WebhookPlan:
    """The first try of a message, or the first since something was mended."""
    fresh = webhook.model_copy(update={"state": "Pending", "wish": delivery.wish_of(case.bulk)})
    return _next(case, fresh, Attempts(max=delivery.MAX_ATTEMPTS))


def _next(case: _Case, webhook: WebhookStatus, attempts: Attempts) -> WebhookPlan:
    run = 1 + max([webhook.run, *(job.run for job in case.jobs)])
    counted = attempts.model_copy(update={"count": len(attempts.reasons) + 1, "next_retry_time": None})
    return _making(case, webhook.model_copy(update={"run": run, "attempts": counted, "message": _SENDING}))


def _making(case: _Case, status: WebhookStatus) -> WebhookPlan:
    """The Job is not there: it is made, again if need be, which is harmless."""
    if case.rests:
        return Plan(status.model_copy(update={"message": _SUSPENDED}))
    refusal = errands.refusal_of(case.observed, None)
    message = explain(Reason.JOB_REJECTED, refusal.message, fields_of_bulk(case.bulk)) if refusal else _SENDING
    return Plan(status.model_copy(update={"message": message}), _creation(case, status))


def _creation(case: _Case, status: WebhookStatus) -> tuple[Action, ...]:
    wanted, notice = case.bulk.spec.webhook, Notice(status.id, status.event)
    if wanted is None:
        return ()
    body = body_of(case.bulk, case.status, notice)
    return (errands.creation(delivery.errand(case.bulk, wanted, status, body, case.settings), case.settings),)


def _pending(case: _Case, before: WebhookStatus) -> WebhookPlan:
    again = before.attempts.next_retry_time
    if again is not None:
        return _waiting(case, before, again)
    job = next((job for job in case.jobs if job.run == before.run), None)
    if job is None:
        late = any(other.run > before.run for other in case.jobs)  # this status is an old one
        return _next(case, before, before.attempts) if late else _making(case, before)
    ending = errands.ending_of(case.observed, job, DeliveryReport.model_validate_json, case.now)
    return _under_way(case, before, job) if ending is None else _concluded(case, before, job, ending)


def _waiting(case: _Case, before: WebhookStatus, again: datetime) -> WebhookPlan:
    if case.rests:
        return Plan(before)
    return _next(case, before, before.attempts) if case.now >= again else Plan(before, again_at=again)


def _under_way(case: _Case, before: WebhookStatus, job: JobView) -> WebhookPlan:
    if case.rests:
        gone = () if job.deleting else (errands.removal(job),)
        return Plan(before.model_copy(update={"message": _SUSPENDED}), gone)
    finding = errands.hindrance(case.observed, job, case.now, case.settings)
    message = _QUEUED if job.suspended else _SENDING
    if finding.reason is not None:
        message = explain(finding.reason, finding.message, fields_of_bulk(case.bulk))
        if finding.echo and (before.message or "").endswith(message.rpartition(". ")[2]):
            message = before.message or message
    shown = before.model_copy(update={"message": message})
    return Plan(shown, inquiries=finding.inquiries, again_at=finding.again_at)


def _concluded(case: _Case, before: WebhookStatus, job: JobView, ending: Ending[DeliveryReport]) -> WebhookPlan:
    if delivery.succeeded(job, ending):
        news = {"state": "Delivered", "message": None, "delivered_time": case.now}
        return Plan(before.model_copy(update=news))
    verdict = delivery.judged(case.bulk, before, ending, case.now, case.settings)
    if at := verdict.again_at:
        words = sentences(_advised(ending), f"It is sent again at {clock(at)}")
        return Plan(before.model_copy(update={"attempts": verdict.attempts, "message": words}), again_at=at)
    if ending.reason in delivery.FINAL:
        return Plan(_given_up(before, _advised(ending), verdict.attempts))
    words = sentences(closed(ending.message, verdict.given_up or "Given up"), _AGAIN)
    return Plan(_given_up(before, words, verdict.attempts))


def _advised(ending: Ending[DeliveryReport]) -> str:
    return advised(ending.reason or Reason.WEBHOOK_FAILED, ending.message, advice=ending.advice)


def _given_up(status: WebhookStatus, message: str, attempts: Attempts) -> WebhookStatus:
    settled = attempts.model_copy(update={"next_retry_time": None})
    return status.model_copy(update={"state": "Failed", "message": message, "attempts": settled})


def _announced(before: WebhookStatus | None, after: WebhookStatus | None) -> tuple[Announcement, ...]:
    if after is None or after.state == "Pending" or before is None or before.state != "Pending":
        return ()
    if after.state == "Delivered":
        return (Announcement("Normal", "WebhookDelivered", f"The receiver took the message {after.id}."),)
    return (Announcement("Warning", "WebhookFailed", after.message or ""),)
