"""Jobs that deliver a webhook message: how a Job is made, and what follows a failed delivery."""

import hashlib
import json
from dataclasses import replace
from datetime import timedelta

from videoimport.api.bulkimport import BulkImport
from videoimport.api.reasons import Reason, RetryClass, info
from videoimport.api.tasks.webhook_task import WEBHOOK_SECRET_PATH, DeliveryReport, DeliveryTask, Webhook, WebhookStatus
from videoimport.core.jobs.bulk_task_job import build_task_pod
from videoimport.core.jobs.outcome import Outcome
from videoimport.core.jobs.pod_template import build_secret_volume
from videoimport.core.jobs.run_lifecycle import RunJob, RunState
from videoimport.core.names_and_owners import build_task_job_name
from videoimport.core.retry_policy import Context, Verdict, judge
from videoimport.core.settings import Settings

MAX_DELIVERY_ATTEMPTS = 20
"""Maximum number of tries. With the default delays, this many tries take more than a day. The status keeps the same
number of reasons."""
DELIVERY_TIMEOUT = timedelta(seconds=60)
FINAL_REASONS = (Reason.WEBHOOK_GONE, Reason.ADDRESS_FORBIDDEN, Reason.INVALID_SPEC)
"""Reasons after which no other try follows. All other failures may pass without a change of the spec, for example when
the receiver is corrected or a Secret is created."""


def build_delivery_job(
    bulk: BulkImport, webhook: Webhook, status: WebhookStatus, body: str, settings: Settings
) -> RunJob:
    """Return the Job of this run, with the worker's task."""
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
        timeout_seconds=DELIVERY_TIMEOUT // timedelta(seconds=1),
    )
    secret = build_secret_volume("webhook-secret", WEBHOOK_SECRET_PATH, webhook.secret_ref)
    name, pod = build_task_job_name(meta.name, "hook", status.run), build_task_pod(bulk, secret, settings)
    return RunJob(name, bulk, status.run, status.id, task, DELIVERY_TIMEOUT, pod)


def hash_webhook_spec(bulk: BulkImport) -> str:
    """Return a hash of all fields that a user can correct after a failed delivery."""
    webhook, options = bulk.spec.webhook, bulk.spec.template.worker
    sent = [webhook.url, webhook.secret_ref.name] if webhook else []
    inputs = [bulk.metadata.uid, sent, options.canonical(), bulk.spec.retry_token]
    return hashlib.sha256(json.dumps(inputs, sort_keys=True).encode()).hexdigest()[:16]


def is_delivered(run: RunState, outcome: Outcome[DeliveryReport]) -> bool:
    """Return whether the receiver accepted the message. A Job is Complete only after exit code 0. So a Complete Job
    counts as delivered, even without its report."""
    is_complete = run.job is not None and run.job.finished == "Complete"
    return outcome.reason is None or is_complete or outcome.exit_code == 0


def judge_delivery(bulk: BulkImport, run: RunState, outcome: Outcome[DeliveryReport]) -> Verdict:
    """Return the verdict on a failed run.

    A fault of the receiver, the network or the Secret is a failed attempt. A lost worker is no failed attempt. The
    next attempt waits at least as long as the receiver asked.
    """
    reason = outcome.reason or Reason.WEBHOOK_FAILED
    settled = reason in FINAL_REASONS or info(reason).retry is RetryClass.UNCHARGED
    base, cap = run.settings.webhook_backoff_base, run.settings.webhook_backoff_cap
    patient = replace(run.settings, backoff_base=base, backoff_cap=cap)
    context = Context(bulk.metadata.uid, run.number, run.attempts, run.now, patient, run.now)
    verdict = judge(reason if settled else Reason.WEBHOOK_FAILED, context)
    asked = outcome.report.retry_after_seconds if outcome.report else None
    if verdict.requeue_at is None or asked is None:
        return verdict
    earliest = max(verdict.requeue_at, run.now + timedelta(seconds=asked))
    return Verdict(verdict.attempts.model_copy(update={"next_retry_time": earliest}))


def is_recorded(status: WebhookStatus) -> bool:
    """Return whether this status has the result of the current run."""
    return status.state != "Pending" or status.attempts.next_retry_time is not None
