"""What of a bulk is news to people: few things, each once, with the status that is written for it."""

from videoimport.api.bulkimport_status import BulkImportStatus, BulkPhase
from videoimport.core.bulk.messages import retrying
from videoimport.core.bulk.phase import BULK_ENDINGS
from videoimport.core.bulk.snapshot import Book
from videoimport.core.plan import Announcement

_WORDS = {BulkPhase.QUEUED: "Queued", BulkPhase.SUSPENDED: "Suspended"}
_SAME_WORK = (BulkPhase.DISCOVERING, BulkPhase.PROCESSING)


def headlines(book: Book, status: BulkImportStatus) -> tuple[Announcement, ...]:
    """Its phases, the end of its listing, and that something is tried again."""
    return (*_listed(book.status, status), *_phase(book.status, status), *_retried(book, status))


def _listed(before: BulkImportStatus, now: BulkImportStatus) -> tuple[Announcement, ...]:
    known = now.discovery is not None and now.discovery.done
    if not known or (before.discovery is not None and before.discovery.done):
        return ()
    return (Announcement("Normal", "Listed", f"{now.total} accepted, {now.rejected_count} rejected."),)


def _phase(before: BulkImportStatus, now: BulkImportStatus) -> tuple[Announcement, ...]:
    phase = now.phase
    if phase is None or phase is before.phase or (before.phase, phase) == _SAME_WORK:
        return ()
    begun = "Resumed" if before.phase is BulkPhase.SUSPENDED else "Started"
    word = str(phase) if phase in BULK_ENDINGS else _WORDS.get(phase, begun)
    return (Announcement("Warning" if phase is BulkPhase.FAILED else "Normal", word, now.message or ""),)


def _retried(book: Book, now: BulkImportStatus) -> tuple[Announcement, ...]:
    before = book.status
    renewed = before.observed_retry_token not in (None, now.observed_retry_token)
    words = retrying(book) if renewed or before.phase in BULK_ENDINGS else ""
    return (Announcement("Normal", "Retrying", f"{words}."),) if words and now.phase not in BULK_ENDINGS else ()
