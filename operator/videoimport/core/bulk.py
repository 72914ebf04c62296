"""What is to be done for a BulkImport: results into the ledger, then children out of the list, cancelled or started.

Everything is counted from the children and the ledger as they are observed; nothing is remembered.
"""

from datetime import datetime

from videoimport.api.bulk_status import BulkImportStatus, BulkPhase
from videoimport.core.book import Book, Line
from videoimport.core.children import cancellation, creation, removal, restart
from videoimport.core.ledger import recording
from videoimport.core.observe import ObservedBulk
from videoimport.core.plan import Action, Announcement, Plan, creations_last
from videoimport.core.settings import Settings
from videoimport.core.tally import BULK_ENDINGS, tallied
from videoimport.core.throttle import due

_PROGRESS = frozenset(
    {
        "message",
        "active",
        "completed",
        "failed",
        "progress_percent",
        "eta_seconds",
        "bytes_in",
        "bytes_out",
        "results",
        "results_ref",
    }
)


def reconcile_bulk(observed: ObservedBulk, now: datetime, settings: Settings) -> Plan[BulkImportStatus]:
    """The plan for one BulkImport. One that is being deleted is left alone: its children go with it."""
    if observed.bulk.metadata.deletion_timestamp is not None:
        return Plan()
    book, moment = Book(observed), now.replace(microsecond=0)
    status = tallied(book, moment)
    writing = due(book.status, status, _PROGRESS, moment, settings.write_interval)
    return Plan(
        status=writing.status,
        actions=creations_last(
            (
                *recording(book.bulk, book.shards, book.unrecorded, settings.shard_size),
                *(removal(child) for child in book.strays),
                *(_cancellations(book) if book.stopped else ()),
                *(_start(book, line) for line in book.to_start()),
            )
        ),
        announcements=_announcements(book, status),
        again_at=writing.again_at,
    )


def _cancellations(book: Book) -> list[Action]:
    children = [line.child for line in book.active if line.child]
    running = [child for child in children if not child.spec.cancel and child.metadata.deletion_timestamp is None]
    return [cancellation(child) for child in running]


def _start(book: Book, line: Line) -> Action:
    """Make the child, or tell the one that ended under an older token to start again."""
    if line.child is None:
        return creation(book.bulk, line.item)
    return restart(book.bulk, line.item, line.child)


def _announcements(book: Book, status: BulkImportStatus) -> tuple[Announcement, ...]:
    if status.phase is book.status.phase or status.phase is None:
        return ()
    word = str(status.phase) if status.phase in BULK_ENDINGS else "Started"
    failed = status.phase is BulkPhase.FAILED
    return (Announcement("Warning" if failed else "Normal", word, status.message or ""),)
