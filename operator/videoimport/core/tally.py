"""A BulkImport's status, counted anew each time from its book."""

from datetime import datetime

from videoimport.api.base import MOST_COUNTED
from videoimport.api.bulk_status import (
    MAX_INLINE_RESULTS,
    BulkImportStatus,
    BulkPhase,
    ItemResult,
    LedgerEntry,
    ShardReference,
)
from videoimport.api.conditions import Condition, ConditionType
from videoimport.api.reasons import Reason
from videoimport.core.book import Book, Line
from videoimport.core.conditions import Ending, Fact, merged, standing
from videoimport.core.progress import eta_seconds
from videoimport.core.wording import fit, sentences

BULK_ENDINGS = {
    BulkPhase.COMPLETED: Ending.SUCCEEDED,
    BulkPhase.FAILED: Ending.FAILED,
    BulkPhase.CANCELLED: Ending.CANCELLED,
}
_MAX_INLINE_BYTES = 40_000
"""Of the results in the status, which must stay under 64 KiB whatever their lengths."""
_MAX_REFERENCES = 64
_MAX_ERROR = 256
_ALMOST = 99
_REFUSED = "CreationRefused"
"""Reason of Reconciling while the API server refuses a child or a shard."""


def tallied(book: Book, now: datetime) -> BulkImportStatus:
    """The status that is true now."""
    status, phase, results = book.status, phase_of(book), book.results
    ended, percent = phase in BULK_ENDINGS, _percent(book, phase)
    message = _message(book, phase)
    return status.model_copy(
        update={
            "observed_generation": book.bulk.metadata.generation,
            "observed_retry_token": _token(book),
            "phase": phase,
            "message": message,
            "conditions": _conditions(book, phase, message, now),
            "total": len(book.lines),
            "active": len(book.active),
            "completed": sum(result.success for result in results),
            "failed": sum(not result.success for result in results),
            "progress_percent": percent,
            "eta_seconds": None if ended else _eta(book, percent, now),
            "bytes_in": min(MOST_COUNTED, sum(result.bytes_in for result in results)),
            "bytes_out": min(MOST_COUNTED, sum(result.bytes_out for result in results)),
            "start_time": status.start_time or now,
            "completion_time": (status.completion_time or now) if ended else None,
            "results": _inline(results),
            "results_ref": _references(book),
        }
    )


def phase_of(book: Book) -> BulkPhase:
    """Finished means that every result that counts is in the ledger, as it was observed there."""
    if book.stays_cancelled:
        return BulkPhase.CANCELLED
    if book.active or book.unrecorded:
        return BulkPhase.PROCESSING
    if len(book.results) == len(book.lines) and not _cut_short(book):
        return BulkPhase.COMPLETED if any(result.success for result in book.results) else BulkPhase.FAILED
    return BulkPhase.CANCELLED if book.stopped else BulkPhase.PROCESSING


def _cut_short(book: Book) -> bool:
    """Whether it is the bulk's own cancel that ended items; one that had finished before stays what it was."""
    had_finished = book.status.phase in (BulkPhase.COMPLETED, BulkPhase.FAILED)
    cancelled = any(result.reason is Reason.CANCELLED for result in book.results)
    return book.stopped and cancelled and not had_finished


def _token(book: Book) -> str | None:
    """While stopped, a new token is not acted upon, so that it counts as new once ``cancel`` is taken back."""
    before = book.status.observed_retry_token
    return before if book.stopped and before is not None else book.spec.retry_token


def _percent(book: Book, phase: BulkPhase) -> int:
    """Moves with every child; goes back only when there is more to do than before."""
    if phase in (BulkPhase.COMPLETED, BulkPhase.FAILED):
        return 100
    percent = min(_ALMOST, sum(_percent_of(line) for line in book.lines) // len(book.lines))
    return percent if _more_to_do(book, phase) else max(percent, min(_ALMOST, book.status.progress_percent or 0))


def _percent_of(line: Line) -> int:
    if line.done:
        return 100
    return (line.child.status.progress_percent or 0) if line.active and line.child else 0


def _more_to_do(book: Book, phase: BulkPhase) -> bool:
    status = book.status
    reopened = status.phase in BULK_ENDINGS and phase not in BULK_ENDINGS
    edited = status.observed_generation != book.bulk.metadata.generation
    return reopened or edited or status.total != len(book.lines)


def _eta(book: Book, percent: int, now: datetime) -> int | None:
    """Guessed only from one pass without a break, and anew only when the percent moves."""
    status = book.status
    if percent == status.progress_percent:
        return status.eta_seconds
    working = next((c for c in status.conditions if c.type == ConditionType.RECONCILING), None)
    if status.start_time is None or working is None or working.last_transition_time != status.start_time:
        return None
    return eta_seconds(percent, now - status.start_time)


def _message(book: Book, phase: BulkPhase) -> str:
    good = sum(result.success for result in book.results)
    bad = len(book.results) - good
    counts = f"{good} of {len(book.lines)} imported" + (f", {bad} failed" if bad else "")
    if phase is BulkPhase.FAILED:
        first = book.results[0]
        return sentences(f"{counts}; the first of them: {first.reason}", first.error or "")
    if phase is BulkPhase.CANCELLED:
        return sentences(f"Cancelled: {counts}", "A new retryToken with cancel: false goes on")
    return sentences(f"Being cancelled: {counts}" if book.stopped else counts, _refusal(book), _unreadable(book))


def _refusal(book: Book) -> str:
    """Why nothing more is started or recorded, while something is to be."""
    if book.refusal is None or not (book.to_start() or book.unrecorded):
        return ""
    return f"The cluster refuses what is to be created next: {book.refusal.message}"


def _unreadable(book: Book) -> str:
    count = sum(line.unreadable for line in book.active)
    return (
        f"{count} of its imports cannot be read by this version of the controller and are left alone" if count else ""
    )


def _conditions(book: Book, phase: BulkPhase, message: str, now: datetime) -> tuple[Condition, ...]:
    """While it runs they say nothing that moves: a condition is written at once, and progress is not worth that. That
    nothing can be created is worth it."""
    ending = BULK_ENDINGS.get(phase)
    refusal = "" if ending else _refusal(book)
    words = fit(message, _MAX_ERROR) if ending else sentences(refusal or "Videos are being imported")
    reason = ending or (_REFUSED if refusal else phase)
    facts = (*standing(ending, reason, words), _all_succeeded(book, ending, words))
    return merged(book.status.conditions, facts, book.bulk.metadata.generation, now)


def _all_succeeded(book: Book, ending: Ending | None, words: str) -> Fact:
    if ending is None:
        return Fact(ConditionType.ALL_SUCCEEDED, "Unknown", "InProgress")
    good = sum(result.success for result in book.results)
    if good == len(book.lines):
        return Fact(ConditionType.ALL_SUCCEEDED, "True", "AllImported", words)
    return Fact(ConditionType.ALL_SUCCEEDED, "False", "SomeNotImported", words)


def _inline(results: tuple[LedgerEntry, ...]) -> tuple[ItemResult, ...]:
    """Failures first, each kind in the list's order, as many as the status has room for."""
    shown: list[ItemResult] = []
    room = _MAX_INLINE_BYTES
    for result in sorted(results, key=lambda result: result.success)[:MAX_INLINE_RESULTS]:
        short = _short(result)
        room -= len(short.model_dump_json(by_alias=True, exclude_none=True).encode())
        if room < 0:
            break
        shown.append(short)
    return tuple(shown)


def _short(result: LedgerEntry) -> ItemResult:
    fields = {name: getattr(result, name) for name in ItemResult.model_fields}
    return ItemResult(**fields | {"error": result.error and fit(result.error, _MAX_ERROR)})


def _references(book: Book) -> tuple[ShardReference, ...]:
    kept = [shard for shard in book.shards if not shard.deleting][:_MAX_REFERENCES]
    return tuple(ShardReference(name=shard.name, count=len(shard.entries)) for shard in kept)
