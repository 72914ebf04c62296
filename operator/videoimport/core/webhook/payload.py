"""Payload of the webhook message that a BulkImport has ended.

All values come from the status, so the message has the same bytes each time it is built. The message has counts and
names of ConfigMaps, but no addresses of videos.
"""

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
    """The webhook message about the end of a BulkImport, if the webhook's ``events`` include that phase."""

    id: str
    """Unique identifier of each ending. The identifier has no full stop, because full stops separate id, time and body
    in the signed text."""
    event: WebhookEvent


def build_webhook_message(bulk: BulkImport, status: BulkImportStatus) -> WebhookMessage | None:
    """Return the message about the end of a BulkImport.

    Return None if the BulkImport has not ended, or if the webhook's ``events`` do not include its phase.
    """
    event = _EVENTS.get(status.phase) if status.phase else None
    webhook, ended = bulk.spec.webhook, status.completion_time
    if webhook is None or event not in webhook.events or ended is None:
        return None
    identity = hashlib.sha256(f"{bulk.metadata.uid}/{event}/{format_time(ended)}".encode()).hexdigest()
    return WebhookMessage(f"msg_{identity[:32]}", event)


def build_message_body(bulk: BulkImport, status: BulkImportStatus, notice: WebhookMessage) -> str:
    """Return the message as JSON, of about 20 KB for a hundred thousand items."""
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
