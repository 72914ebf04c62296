"""Reconcile of a BulkImport. The plan writes results to the ledger, lists pages, and starts, updates or deletes
children. After the last item, the plan sends the webhook message.

Each reconcile computes all counts again from the observed children, pages and ledger. The controller keeps no other
state.
"""

from dataclasses import replace
from datetime import datetime

from videoimport.api.bulkimport_status import BulkImportStatus
from videoimport.core.bulk.child_actions import create_child, restart_child
from videoimport.core.bulk.child_cleanup import cleanup_history
from videoimport.core.bulk.child_updates import update_children
from videoimport.core.bulk.events import build_bulk_events
from videoimport.core.bulk.ledger import plan_ledger_writes
from videoimport.core.bulk.ledger_batch import select_ledger_batch
from videoimport.core.bulk.retry_failed import create_retry_pages
from videoimport.core.bulk.snapshot import BulkSnapshot
from videoimport.core.bulk.status import build_bulk_status
from videoimport.core.discovery.reconcile import reconcile_discovery
from videoimport.core.list_item import Listed
from videoimport.core.observed import ObservedBulk
from videoimport.core.plan import Action, Plan, plan_status_write, put_creations_last
from videoimport.core.settings import Settings
from videoimport.core.webhook.reconcile import reconcile_webhook

_PROGRESS_FIELDS = frozenset(
    {
        "message",
        "total",
        "active",
        "completed",
        "failed",
        "rejected_count",
        "skipped_duplicates",
        "progress_percent",
        "eta_seconds",
        "bytes_in",
        "bytes_out",
        "results",
        "results_ref",
        "accepted",
        "rejected",
        "items_ref",
        "hosts",
    }
)


def reconcile_bulk(observed: ObservedBulk, now: datetime, settings: Settings) -> Plan[BulkImportStatus]:
    """Return the plan for one BulkImport. The plan is empty for a BulkImport that is being deleted, because its
    children are deleted with the BulkImport."""
    if observed.bulk.metadata.deletion_timestamp is not None:
        return Plan()
    snapshot, moment = BulkSnapshot(observed), now.replace(microsecond=0)
    discovery = reconcile_discovery(observed, moment, settings, wanted=not snapshot.held)
    retry_pages = create_retry_pages(snapshot)
    new_status = build_bulk_status(snapshot, discovery, retry_pages, moment)
    notification = reconcile_webhook(observed, new_status, moment, settings)
    status = new_status.model_copy(update={"webhook": notification.status})
    batch = select_ledger_batch(snapshot, now, settings.write_interval)
    actions: tuple[Action, ...] = (
        *plan_ledger_writes(snapshot.bulk, snapshot.shards, batch.entries, settings.shard_size),
        *update_children(snapshot),
        *(_start_child(snapshot, item) for item in snapshot.to_start),
        *retry_pages,
    )
    own: Plan[BulkImportStatus] = Plan(None, actions, (), build_bulk_events(snapshot, status), batch.requeue_at)
    write = plan_status_write(snapshot.status, status, _PROGRESS_FIELDS, moment, settings.write_interval)
    plan = write + own + cleanup_history(snapshot, moment) + discovery + notification
    return replace(plan, actions=put_creations_last(plan.actions))


def _start_child(snapshot: BulkSnapshot, item: Listed) -> Action:
    """Return the action that creates the child, or that restarts a child that ended under an older token."""
    child = snapshot.children.get(item.identity)
    return create_child(snapshot.bulk, item) if child is None else restart_child(snapshot.bulk, item, child)
