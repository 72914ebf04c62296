"""What is to be done for a BulkImport: results into the ledger, its list made known, then children told, pruned or
started, and at its end somebody told.

Everything is counted from the children, the pages and the ledger as they are observed; nothing is remembered.
"""

from dataclasses import replace
from datetime import datetime

from videoimport.api.bulkimport_status import BulkImportStatus
from videoimport.core.bulk.child_history import pruning
from videoimport.core.bulk.child_manifests import creation, restart
from videoimport.core.bulk.child_updates import following
from videoimport.core.bulk.events import headlines
from videoimport.core.bulk.ledger import recording
from videoimport.core.bulk.ledger_batch import ripe
from videoimport.core.bulk.retry_failed import taking_up
from videoimport.core.bulk.snapshot import Book
from videoimport.core.bulk.status import tallied
from videoimport.core.discovery.reconcile import discovering
from videoimport.core.list_item import Listed
from videoimport.core.observed import ObservedBulk
from videoimport.core.plan import Action, Plan, creations_last
from videoimport.core.settings import Settings
from videoimport.core.status_throttle import due
from videoimport.core.webhook.reconcile import notifying

_PROGRESS = frozenset(
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
    """The plan for one BulkImport. Nothing is done for one that is being deleted: its children are deleted with it."""
    if observed.bulk.metadata.deletion_timestamp is not None:
        return Plan()
    book, moment = Book(observed), now.replace(microsecond=0)
    discovery = discovering(observed, moment, settings, wanted=not book.held)
    taken = taking_up(book)
    counted = tallied(book, discovery, taken, moment)
    notification = notifying(observed, counted, moment, settings)
    status = counted.model_copy(update={"webhook": notification.status})
    ready = ripe(book, now, settings.write_interval)
    actions: tuple[Action, ...] = (
        *recording(book.bulk, book.shards, ready.entries, settings.shard_size),
        *following(book),
        *(_start(book, item) for item in book.to_start),
        *taken,
    )
    own: Plan[BulkImportStatus] = Plan(None, actions, (), headlines(book, status), ready.again_at)
    write = due(book.status, status, _PROGRESS, moment, settings.write_interval)
    plan = write + own + pruning(book, moment) + discovery + notification
    return replace(plan, actions=creations_last(plan.actions))


def _start(book: Book, item: Listed) -> Action:
    """Make the child, or tell the one that ended under an older token to start again."""
    child = book.children.get(item.identity)
    return creation(book.bulk, item) if child is None else restart(book.bulk, item, child)
