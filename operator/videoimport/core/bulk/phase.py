"""The phase of a BulkImport, from its snapshot and its discovery."""

from videoimport.api.bulkimport_status import BulkPhase
from videoimport.api.reasons import Reason
from videoimport.core.bulk.snapshot import BulkSnapshot
from videoimport.core.conditions import Ending
from videoimport.core.discovery.reconcile import Discovery

FINISHED_PHASES = {
    BulkPhase.COMPLETED: Ending.SUCCEEDED,
    BulkPhase.FAILED: Ending.FAILED,
    BulkPhase.CANCELLED: Ending.CANCELLED,
}


def derive_bulk_phase(snapshot: BulkSnapshot, discovery: Discovery) -> BulkPhase:
    """Return the phase. In a final phase, no child is active, and the ledger has every valid result. This includes
    children of unlisted items."""
    if snapshot.stays_cancelled:
        return BulkPhase.CANCELLED
    if snapshot.has_unfinished_children or snapshot.items.unreadable or snapshot.items.unrecorded:
        return BulkPhase.SUSPENDED if snapshot.suspended else BulkPhase.PROCESSING
    final_phase = None if discovery.active else _find_final_phase(snapshot, discovery)
    if final_phase:
        return final_phase
    if snapshot.suspended:
        return BulkPhase.SUSPENDED
    if snapshot.queued and not snapshot.stopped:
        return BulkPhase.QUEUED
    has_begun = snapshot.complete or snapshot.items.results or snapshot.children
    return BulkPhase.PROCESSING if has_begun else BulkPhase.DISCOVERING


def has_discovery_failed(snapshot: BulkSnapshot, discovery: Discovery) -> bool:
    """Return whether the list is incomplete and will stay incomplete."""
    return discovery.failed and not snapshot.complete


def _find_final_phase(snapshot: BulkSnapshot, discovery: Discovery) -> BulkPhase | None:
    if snapshot.finished and not _was_cancelled_early(snapshot):
        lacking = snapshot.result_counts.failures or snapshot.rejected  # an empty list has neither, so it is Completed
        return BulkPhase.COMPLETED if snapshot.result_counts.completed or not lacking else BulkPhase.FAILED
    if snapshot.stopped:
        return BulkPhase.CANCELLED
    if snapshot.policy_exceeded or (has_discovery_failed(snapshot, discovery) and _is_listed_work_done(snapshot)):
        return BulkPhase.FAILED
    return (
        BulkPhase.COMPLETED
        if snapshot.spec.dry_run and snapshot.complete and snapshot.failed_to_retry is None
        else None
    )


def _is_listed_work_done(snapshot: BulkSnapshot) -> bool:
    """Return whether no listed item needs further work. A dry run does no work for items."""
    return not snapshot.has_retry_pending and (
        snapshot.spec.dry_run or len(snapshot.items.results) == len(snapshot.accepted)
    )


def _was_cancelled_early(snapshot: BulkSnapshot) -> bool:
    """Return whether the BulkImport's own cancel ended items. A BulkImport that had finished before the cancel keeps
    its phase."""
    had_finished = snapshot.status.phase in (BulkPhase.COMPLETED, BulkPhase.FAILED)
    cancelled = any(result.reason is Reason.CANCELLED for result in snapshot.result_counts.failures)
    return snapshot.stopped and cancelled and not had_finished
