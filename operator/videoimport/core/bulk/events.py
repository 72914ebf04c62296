"""Events of a BulkImport. A BulkImport has few Events. Each Event is recorded once, together with the status that
reports the change."""

from videoimport.api.bulkimport_status import BulkImportStatus, BulkPhase
from videoimport.core.bulk.messages import describe_retry
from videoimport.core.bulk.phase import FINISHED_PHASES
from videoimport.core.bulk.snapshot import BulkSnapshot
from videoimport.core.plan import PlannedEvent

_EVENT_REASONS = {BulkPhase.QUEUED: "Queued", BulkPhase.SUSPENDED: "Suspended"}
_UNREPORTED_CHANGE = (BulkPhase.DISCOVERING, BulkPhase.PROCESSING)


def build_bulk_events(snapshot: BulkSnapshot, status: BulkImportStatus) -> tuple[PlannedEvent, ...]:
    """Return the Events about phases, the end of the listing, and retries."""
    return (
        *_build_listed_event(snapshot.status, status),
        *_build_phase_event(snapshot.status, status),
        *_build_retry_event(snapshot, status),
    )


def _build_listed_event(before: BulkImportStatus, now: BulkImportStatus) -> tuple[PlannedEvent, ...]:
    known = now.discovery is not None and now.discovery.done
    if not known or (before.discovery is not None and before.discovery.done):
        return ()
    return (
        PlannedEvent("Normal", "Listed", f"Items of the list: {now.total} accepted, {now.rejected_count} rejected."),
    )


def _build_phase_event(before: BulkImportStatus, now: BulkImportStatus) -> tuple[PlannedEvent, ...]:
    phase = now.phase
    if phase is None or phase is before.phase or (before.phase, phase) == _UNREPORTED_CHANGE:
        return ()
    start_reason = "Resumed" if before.phase is BulkPhase.SUSPENDED else "Started"
    event_reason = str(phase) if phase in FINISHED_PHASES else _EVENT_REASONS.get(phase, start_reason)
    return (PlannedEvent("Warning" if phase is BulkPhase.FAILED else "Normal", event_reason, now.message or ""),)


def _build_retry_event(snapshot: BulkSnapshot, now: BulkImportStatus) -> tuple[PlannedEvent, ...]:
    before = snapshot.status
    renewed = before.observed_retry_token not in (None, now.observed_retry_token)
    text = describe_retry(snapshot) if renewed or before.phase in FINISHED_PHASES else ""
    return (PlannedEvent("Normal", "Retrying", f"{text}."),) if text and now.phase not in FINISHED_PHASES else ()
