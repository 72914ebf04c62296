"""The status of a BulkImport, computed from the snapshot in each reconcile."""

from collections.abc import Iterable
from datetime import datetime

from videoimport.api.bulkimport_status import MAX_HOSTS, BulkImportStatus, BulkPhase, HostStatus
from videoimport.api.conditions import ConditionType
from videoimport.api.field_types import MOST_COUNTED
from videoimport.core.bulk.messages import build_bulk_conditions, build_bulk_message
from videoimport.core.bulk.phase import FINISHED_PHASES, derive_bulk_phase
from videoimport.core.bulk.retry_failed import add_retry_digests
from videoimport.core.bulk.snapshot import BulkSnapshot
from videoimport.core.bulk.status_lists import fill_status_lists
from videoimport.core.circuit_breaker import find_host
from videoimport.core.discovery.reconcile import Discovery
from videoimport.core.plan import Create
from videoimport.core.progress import estimate_eta_seconds

_MAX_UNFINISHED_PERCENT = 99
_StatusFields = dict[str, object]


def build_bulk_status(
    snapshot: BulkSnapshot, discovery: Discovery, pages: Iterable[Create], now: datetime
) -> BulkImportStatus:
    """Return the present status without the state of the webhook. ``pages`` are the new pages for the failed items of
    earlier BulkImports."""
    phase = derive_bulk_phase(snapshot, discovery)
    message = build_bulk_message(snapshot, discovery, phase)
    changes: _StatusFields = {
        "observed_generation": snapshot.bulk.metadata.generation,
        "observed_retry_token": _find_observed_token(snapshot),
        "phase": phase,
        "message": message,
        "conditions": build_bulk_conditions(snapshot, discovery, phase, message, now),
        "queue_position": snapshot.observed.ahead if phase is BulkPhase.QUEUED else None,
        "discovery": discovery.status,
        "hosts": select_host_breakers(snapshot),
        "earlier_digests": add_retry_digests(snapshot, pages),
    }
    status = snapshot.status.model_copy(update=changes | _count_items(snapshot) | _compute_times(snapshot, phase, now))
    return fill_status_lists(status, snapshot)


def select_host_breakers(snapshot: BulkSnapshot) -> tuple[HostStatus, ...]:
    """Return the open and half-open breakers of hosts that the BulkImport's unfinished imports need."""
    if not snapshot.observed.hosts:
        return ()
    own = {find_host(child) for child in snapshot.running.values()}
    return tuple(host for host in snapshot.observed.hosts if host.host in own)[:MAX_HOSTS]


def _count_items(snapshot: BulkSnapshot) -> _StatusFields:
    totals = snapshot.result_counts
    return {
        "total": len(snapshot.accepted),
        "active": snapshot.active,
        "completed": totals.completed,
        "failed": totals.failed,
        "rejected_count": len(snapshot.rejected),
        "skipped_duplicates": totals.duplicates,
        "bytes_in": min(MOST_COUNTED, totals.bytes_in),
        "bytes_out": min(MOST_COUNTED, totals.bytes_out),
    }


def _compute_times(snapshot: BulkSnapshot, phase: BulkPhase, now: datetime) -> _StatusFields:
    status, ended, percent = snapshot.status, phase in FINISHED_PHASES, _compute_percent(snapshot, phase)
    # a different ending gets a time of its own, even if nothing happened in between
    ended_at = (status.completion_time if status.phase is phase else None) or now
    return {
        "progress_percent": percent,
        "eta_seconds": None if ended else _estimate_remaining(snapshot, percent, now),
        "start_time": status.start_time or now,
        "completion_time": ended_at if ended else None,
    }


def _find_observed_token(snapshot: BulkSnapshot) -> str | None:
    """Return the token to record. While the BulkImport is stopped, a new token has no effect. So the token is still new
    once ``cancel`` is removed."""
    before = snapshot.status.observed_retry_token
    return before if snapshot.stopped and before is not None else snapshot.spec.retry_token


def _compute_percent(snapshot: BulkSnapshot, phase: BulkPhase) -> int:
    """Return the percentage. The percentage rises with each child, and falls only after an edit, a restart or a change
    of the number of items."""
    if phase is BulkPhase.COMPLETED or (phase is BulkPhase.FAILED and snapshot.finished):
        return 100
    done = 100 * len(snapshot.items.results) + sum(
        child.status.progress_percent or 0 for child in snapshot.items.active.values()
    )
    percent = min(_MAX_UNFINISHED_PERCENT, done // max(1, len(snapshot.accepted)))
    return (
        percent
        if _has_new_work(snapshot, phase)
        else max(percent, min(_MAX_UNFINISHED_PERCENT, snapshot.status.progress_percent or 0))
    )


def _has_new_work(snapshot: BulkSnapshot, phase: BulkPhase) -> bool:
    status = snapshot.status
    reopened = status.phase in FINISHED_PHASES and phase not in FINISHED_PHASES
    edited = status.observed_generation != snapshot.bulk.metadata.generation
    return reopened or edited or status.total != len(snapshot.accepted)


def _estimate_remaining(snapshot: BulkSnapshot, percent: int, now: datetime) -> int | None:
    """Return the estimated seconds left. There is an estimate only for a pass without interruption over a known list.
    The estimate changes only with the percentage."""
    status = snapshot.status
    if percent == status.progress_percent:
        return status.eta_seconds
    working = next((c for c in status.conditions if c.type == ConditionType.RECONCILING), None)
    if status.start_time is None or working is None or working.last_transition_time != status.start_time:
        return None
    return estimate_eta_seconds(percent, now - status.start_time) if snapshot.complete else None
