"""The Jobs that deliver a message: how one is made, how often it is tried, and when one is no longer needed."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from videoimport.api.bulkimport import BulkImport
from videoimport.api.reasons import Reason, RetryClass, info
from videoimport.api.tasks.webhook_task import WEBHOOK_SECRET_PATH, DeliveryReport, DeliveryTask, Webhook, WebhookStatus
from videoimport.api.videoimport_status import Attempts
from videoimport.core.jobs import task_job as errands
from videoimport.core.jobs.task_job import Ending, Errand
from videoimport.core.jobs.volumes import secret_at
from videoimport.core.observed import JobView, ObservedBulk
from videoimport.core.plan import Action
from videoimport.core.retry_policy import Context, Verdict, judge
from videoimport.core.settings import Settings

MAX_ATTEMPTS = 20
"""With the delays of the default settings more than a day; no more reasons are kept."""
TIMEOUT = timedelta(seconds=60)
FINAL = (Reason.WEBHOOK_GONE, Reason.ADDRESS_FORBIDDEN, Reason.INVALID_SPEC)
"""All else may pass without a change of the spec: a receiver is mended, a Secret comes later."""


def errand(bulk: BulkImport, webhook: Webhook, status: WebhookStatus, body: str, settings: Settings) -> Errand:
    """The Job of this run, and what its worker is told."""
    meta, options = bulk.metadata, bulk.spec.template.worker
    task = DeliveryTask(
        uid=meta.uid,
        namespace=meta.namespace,
        name=meta.name,
        run=status.run,
        url=webhook.url,
        secret=webhook.secret_ref.name,
        message_id=status.id,
        body=body,
        allowed_networks=settings.allowed_networks,
        proxy=options.proxy,
        ca_bundle_config_map_ref=options.ca_bundle_config_map_ref,
        timeout_seconds=TIMEOUT // timedelta(seconds=1),
    )
    secret = secret_at("webhook-secret", WEBHOOK_SECRET_PATH, webhook.secret_ref)
    return Errand(bulk, "hook", status.run, status.id, task, TIMEOUT, secret)


def wish_of(bulk: BulkImport) -> str:
    """Of all that a user may mend to get a message through."""
    webhook, options = bulk.spec.webhook, bulk.spec.template.worker
    sent = [webhook.url, webhook.secret_ref.name] if webhook else []
    told = [bulk.metadata.uid, sent, options.canonical(), bulk.spec.retry_token]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]


def succeeded(job: JobView, ending: Ending[DeliveryReport]) -> bool:
    """A Job is Complete only if its worker's exit code said so, whatever became of its report."""
    return ending.reason is None or job.finished == "Complete" or ending.exit_code == 0


def judged(
    bulk: BulkImport, status: WebhookStatus, ending: Ending[DeliveryReport], now: datetime, settings: Settings
) -> Verdict:
    """Whatever a receiver, a network or a Secret does is one more failed try; a lost worker is none. The receiver is
    left alone as long as it asked for."""
    reason = ending.reason or Reason.WEBHOOK_FAILED
    settled = reason in FINAL or info(reason).retry is RetryClass.UNCHARGED
    patient = replace(settings, backoff_base=settings.webhook_backoff_base, backoff_cap=settings.webhook_backoff_cap)
    context = Context(bulk.metadata.uid, status.run, status.attempts, now, patient, now)
    verdict = judge(reason if settled else Reason.WEBHOOK_FAILED, context)
    asked = ending.report.retry_after_seconds if ending.report else None
    if verdict.again_at is None or asked is None:
        return verdict
    return Verdict(_at(verdict.attempts, max(verdict.again_at, now + timedelta(seconds=asked))))


def _at(attempts: Attempts, moment: datetime) -> Attempts:
    return attempts.model_copy(update={"next_retry_time": moment})


def tidying(observed: ObservedBulk, jobs: Iterable[JobView], settings: Settings, *, wanted: bool) -> tuple[Action, ...]:
    """Jobs whose result stands in the observed status, or is not wanted: those that have ended get their TTL, the
    others go at once."""
    over = [job for job in jobs if not wanted or _is_recorded(job, observed.bulk.status.webhook)]
    return tuple(action for job in over for action in errands.retirement(observed, job, settings))


def _is_recorded(job: JobView, status: WebhookStatus | None) -> bool:
    if status is None:
        return False
    rests = status.state != "Pending" or status.attempts.next_retry_time is not None
    return job.run < status.run or (job.run == status.run and rests)
