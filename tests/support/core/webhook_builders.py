"""Builders of what a webhook's decision sees: a bulk that has ended, and the Jobs that deliver its message."""

from datetime import datetime
from typing import Any

from support.core.bulk_builders import BULK as OWNER
from support.core.bulk_builders import BULK_UID, bulk
from support.core.video_builders import NOW, SETTINGS, after, pod
from videoimport.api.bulkimport import BulkImport
from videoimport.api.bulkimport_status import BulkImportStatus, BulkPhase, ShardReference
from videoimport.api.reasons import Reason, info
from videoimport.api.tasks.webhook_task import DeliveryReport, WebhookStatus
from videoimport.core.observed import JobView, ObservedBulk
from videoimport.core.webhook.reconcile import WebhookPlan, reconcile_webhook

HOOK = {"url": "https://hooks.example/done?key=hidden", "secretRef": {"name": "hook-key"}}


ENDED: dict[str, Any] = {
    "phase": BulkPhase.COMPLETED, "message": "2 of 3 imported, 1 failed", "start_time": NOW,
    "completion_time": after(60), "total": 3, "completed": 2, "failed": 1, "bytes_in": 30,
    "results_ref": (ShardReference(name="talks-results-0", count=3),),
}  # fmt: skip


def ended(status: dict[str, Any] | None = None, **spec: Any) -> BulkImport:
    """A bulk that has ended and whose status says so."""
    return bulk(status=BulkImportStatus(**ENDED | (status or {})), **{"webhook": HOOK} | spec)


def tell(wish: BulkImport, at: datetime = NOW, **seen: Any) -> WebhookPlan:
    return reconcile_webhook(ObservedBulk(wish, **seen), wish.status, at, SETTINGS)


def having(wish: BulkImport, webhook: WebhookStatus | None, **status: Any) -> BulkImport:
    return wish.model_copy(update={"status": wish.status.model_copy(update={"webhook": webhook, **status})})


def written(wish: BulkImport, at: datetime = NOW, **seen: Any) -> BulkImport:
    """The bulk after its status was written."""
    found = tell(wish, at, **seen).status
    return having(wish, WebhookStatus.model_validate(found.wire()) if found else None)


def pending(**spec: Any) -> BulkImport:
    """A bulk whose first Job is to be there."""
    return written(ended(**spec))


def hook(wish: BulkImport) -> WebhookStatus:
    assert wish.status.webhook is not None
    return wish.status.webhook


def job(wish: BulkImport, **changes: Any) -> JobView:
    run = changes.pop("run", hook(wish).run)
    fields: dict[str, Any] = {
        "namespace": "films", "name": f"talks-hook-r{run}", "uid": f"hook-{run}", "owner": OWNER, "run": run,
        "created": NOW, "deleting": False, "finished": None, "failure_reason": None, "failure_message": None,
        "exit_code": None, "disrupted": False, "expires": False, "wish": hook(wish).id,
    }  # fmt: skip
    return JobView(**fields | changes)


def over(wish: BulkImport, reason: Reason | None = None, message: str = "", **told: Any) -> dict[str, Any]:
    """The Job and pod of the present run after its end."""
    end = job(wish, finished="Failed" if reason else "Complete")
    report = DeliveryReport(uid=BULK_UID, run=end.run, reason=reason, message=message, **told)
    code = (info(reason).exit_code or 1) if reason else 0
    phase = "Failed" if reason else "Succeeded"
    text = report.model_dump_json(by_alias=True)
    return {"jobs": (end,), "pods": (pod(end, phase=phase, exit_code=code, termination_message=text),)}
