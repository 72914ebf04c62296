"""The message to a receiver when a BulkImport has ended. All of it comes from the status, so that it is the same
however often it is composed. It holds counts and names of ConfigMaps, and no address."""

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from videoimport.api.bulkimport import BulkImport
from videoimport.api.bulkimport_status import BulkImportStatus, BulkPhase
from videoimport.api.tasks.webhook_task import WebhookEvent
from videoimport.core.message_format import format_time

_EVENTS = {
    BulkPhase.COMPLETED: WebhookEvent.COMPLETED,
    BulkPhase.FAILED: WebhookEvent.FAILED,
    BulkPhase.CANCELLED: WebhookEvent.CANCELLED,
}
_COUNTS = ("total", "completed", "failed", "rejected_count", "skipped_duplicates", "bytes_in", "bytes_out")


@dataclass(frozen=True, slots=True)
class WebhookMessage:
    """One ending that a webhook's ``events`` include."""

    id: str
    """Unique for each ending. It has no full stop, because full stops separate id, time and body in the signed text."""
    event: WebhookEvent


def build_webhook_message(bulk: BulkImport, status: BulkImportStatus) -> WebhookMessage | None:
    """Of this status; None while it has not ended, or ended in a way that its webhook does not include."""
    event = _EVENTS.get(status.phase) if status.phase else None
    webhook, ended = bulk.spec.webhook, status.completion_time
    if webhook is None or event not in webhook.events or ended is None:
        return None
    identity = hashlib.sha256(f"{bulk.metadata.uid}/{event}/{format_time(ended)}".encode()).hexdigest()
    return WebhookMessage(f"msg_{identity[:32]}", event)


def build_message_body(bulk: BulkImport, status: BulkImportStatus, notice: WebhookMessage) -> str:
    """The message, JSON; some 20 KB for a hundred thousand items."""
    ended = format_time(status.completion_time) if status.completion_time else None
    data: dict[str, Any] = {
        "namespace": bulk.metadata.namespace,
        "name": bulk.metadata.name,
        "uid": bulk.metadata.uid,
        "phase": notice.event,
        "dryRun": bulk.spec.dry_run,
        "message": status.message or "",
        **{str(BulkImportStatus.model_fields[name].alias): getattr(status, name) or 0 for name in _COUNTS},
        "startTime": format_time(status.start_time) if status.start_time else None,
        "completionTime": ended,
        "resultsRef": [shard.wire() for shard in status.results_ref],
        "itemsRef": [page.wire() for page in status.items_ref],
    }
    message = {"type": f"bulkimport.{notice.event.lower()}", "timestamp": ended, "data": data}
    return json.dumps(message, ensure_ascii=False, separators=(",", ":"))
