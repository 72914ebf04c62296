"""Which phase a BulkImport is in, from its book and from what is known of its list."""

from videoimport.api.bulkimport_status import BulkPhase
from videoimport.api.reasons import Reason
from videoimport.core.bulk.snapshot import Book
from videoimport.core.conditions import Ending
from videoimport.core.discovery.reconcile import Discovery

BULK_ENDINGS = {
    BulkPhase.COMPLETED: Ending.SUCCEEDED,
    BulkPhase.FAILED: Ending.FAILED,
    BulkPhase.CANCELLED: Ending.CANCELLED,
}


def phase_of(book: Book, discovery: Discovery) -> BulkPhase:
    """Ended means that nothing of it runs any more, listed or not, and that every result that counts is in the
    ledger."""
    if book.stays_cancelled:
        return BulkPhase.CANCELLED
    if book.unended or book.items.unread or book.items.unrecorded:
        return BulkPhase.SUSPENDED if book.suspended else BulkPhase.PROCESSING
    ended = None if discovery.active else _ended(book, discovery)
    if ended:
        return ended
    if book.suspended:
        return BulkPhase.SUSPENDED
    if book.queued and not book.stopped:
        return BulkPhase.QUEUED
    begun = book.complete or book.items.results or book.children
    return BulkPhase.PROCESSING if begun else BulkPhase.DISCOVERING


def given_up(book: Book, discovery: Discovery) -> bool:
    """Its list is not known whole, and no more of it will be."""
    return discovery.failed and not book.complete


def _ended(book: Book, discovery: Discovery) -> BulkPhase | None:
    if book.finished and not _cut_short(book):
        lacking = book.tally.failures or book.rejected  # an empty list lacks nothing
        return BulkPhase.COMPLETED if book.tally.completed or not lacking else BulkPhase.FAILED
    if book.stopped:
        return BulkPhase.CANCELLED
    if book.hopeless or (given_up(book, discovery) and _exhausted(book)):
        return BulkPhase.FAILED
    return BulkPhase.COMPLETED if book.spec.dry_run and book.complete and book.to_take_up is None else None


def _exhausted(book: Book) -> bool:
    """Nothing is left to be done of what is listed; a dry run does nothing of it."""
    return not book.to_come and (book.spec.dry_run or len(book.items.results) == len(book.accepted))


def _cut_short(book: Book) -> bool:
    """Whether it is the bulk's own cancel that ended items; one that had finished before stays what it was."""
    had_finished = book.status.phase in (BulkPhase.COMPLETED, BulkPhase.FAILED)
    cancelled = any(result.reason is Reason.CANCELLED for result in book.tally.failures)
    return book.stopped and cancelled and not had_finished
