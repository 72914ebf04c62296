"""A BulkImport's status, counted anew each time from its book."""

from collections.abc import Iterable
from datetime import datetime

from videoimport.api.base import MOST_COUNTED
from videoimport.api.bulkimport_status import MAX_HOSTS, BulkImportStatus, BulkPhase, HostStatus
from videoimport.api.conditions import ConditionType
from videoimport.core.bulk.messages import conditions_of, message_of
from videoimport.core.bulk.phase import BULK_ENDINGS, phase_of
from videoimport.core.bulk.retry_failed import digests_with
from videoimport.core.bulk.snapshot import Book
from videoimport.core.bulk.status_size import with_lists
from videoimport.core.discovery.reconcile import Discovery
from videoimport.core.plan import Create
from videoimport.core.progress import eta_seconds
from videoimport.core.source_host import find_host

_ALMOST = 99
_Found = dict[str, object]


def tallied(book: Book, discovery: Discovery, taken: Iterable[Create], now: datetime) -> BulkImportStatus:
    """The status that is true now, but for what is told of its end. ``taken`` are the pages that are to be made of what
    earlier bulks left failed."""
    phase = phase_of(book, discovery)
    message = message_of(book, discovery, phase)
    told: _Found = {
        "observed_generation": book.bulk.metadata.generation,
        "observed_retry_token": _token(book),
        "phase": phase,
        "message": message,
        "conditions": conditions_of(book, discovery, phase, message, now),
        "queue_position": book.observed.ahead if phase is BulkPhase.QUEUED else None,
        "discovery": discovery.status,
        "hosts": hosts_of(book),
        "earlier_digests": digests_with(book, taken),
    }
    status = book.status.model_copy(update=told | _numbers(book) | _times(book, phase, now))
    return with_lists(status, book)


def hosts_of(book: Book) -> tuple[HostStatus, ...]:
    """Return the open and half-open breakers of hosts that its own unfinished imports need."""
    if not book.observed.hosts:
        return ()
    own = {find_host(child) for child in book.running.values()}
    return tuple(host for host in book.observed.hosts if host.host in own)[:MAX_HOSTS]


def _numbers(book: Book) -> _Found:
    tally = book.tally
    return {
        "total": len(book.accepted),
        "active": book.active,
        "completed": tally.completed,
        "failed": tally.failed,
        "rejected_count": len(book.rejected),
        "skipped_duplicates": tally.duplicates,
        "bytes_in": min(MOST_COUNTED, tally.bytes_in),
        "bytes_out": min(MOST_COUNTED, tally.bytes_out),
    }


def _times(book: Book, phase: BulkPhase, now: datetime) -> _Found:
    status, ended, percent = book.status, phase in BULK_ENDINGS, _percent(book, phase)
    # another ending has a time of its own, though nothing happened in between
    ended_at = (status.completion_time if status.phase is phase else None) or now
    return {
        "progress_percent": percent,
        "eta_seconds": None if ended else _eta(book, percent, now),
        "start_time": status.start_time or now,
        "completion_time": ended_at if ended else None,
    }


def _token(book: Book) -> str | None:
    """While stopped, a new token is not acted upon, so that it counts as new once ``cancel`` is taken back."""
    before = book.status.observed_retry_token
    return before if book.stopped and before is not None else book.spec.retry_token


def _percent(book: Book, phase: BulkPhase) -> int:
    """Moves with every child; goes back only when there is more to do than before."""
    if phase is BulkPhase.COMPLETED or (phase is BulkPhase.FAILED and book.finished):
        return 100
    done = 100 * len(book.items.results) + sum(
        child.status.progress_percent or 0 for child in book.items.active.values()
    )
    percent = min(_ALMOST, done // max(1, len(book.accepted)))
    return percent if _more_to_do(book, phase) else max(percent, min(_ALMOST, book.status.progress_percent or 0))


def _more_to_do(book: Book, phase: BulkPhase) -> bool:
    status = book.status
    reopened = status.phase in BULK_ENDINGS and phase not in BULK_ENDINGS
    edited = status.observed_generation != book.bulk.metadata.generation
    return reopened or edited or status.total != len(book.accepted)


def _eta(book: Book, percent: int, now: datetime) -> int | None:
    """Guessed only from one pass without a break, over a list that is known, and anew only when the percent moves."""
    status = book.status
    if percent == status.progress_percent:
        return status.eta_seconds
    working = next((c for c in status.conditions if c.type == ConditionType.RECONCILING), None)
    if status.start_time is None or working is None or working.last_transition_time != status.start_time:
        return None
    return eta_seconds(percent, now - status.start_time) if book.complete else None
