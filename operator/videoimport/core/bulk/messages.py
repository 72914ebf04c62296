"""What a BulkImport says of itself: its message and its conditions."""

from datetime import datetime

from videoimport.api.bulkimport_source import MAX_LISTED
from videoimport.api.bulkimport_status import BulkPhase
from videoimport.api.conditions import Condition, ConditionType
from videoimport.core.bulk import failure_policy as policy
from videoimport.core.bulk.phase import BULK_ENDINGS, given_up
from videoimport.core.bulk.snapshot import Book
from videoimport.core.conditions import Ending, Fact, merged, standing
from videoimport.core.discovery.pages import MOST_LINES, MOST_PAGES, broken_off, too_long, total_skipped
from videoimport.core.discovery.reconcile import Discovery
from videoimport.core.jobs.cluster_message import without_request
from videoimport.core.messages import fit, sentences

_MAX_BYTES = 512
"""Of a condition's message, which stands in the status several times."""
_REFUSED = "CreationRefused"
"""Reason of Reconciling while the API server refuses a child or a shard."""
_RESTS = "The BulkImport is suspended, as spec.suspend asks. Set suspend: false to continue"
_TRUNCATED = f"The list has more than {MAX_LISTED:,} videos; what is beyond is left out"
_BROKEN_OFF = (
    f"The list takes more than {MOST_PAGES:,} pages or {MOST_LINES:,} entries, those that are rejected included; what "
    "is beyond is left out"
)
_WORK = {
    BulkPhase.QUEUED: "An older BulkImport with the same source and destination goes first",
    BulkPhase.DISCOVERING: "The list is being looked through",
    BulkPhase.PROCESSING: "Videos are being imported",
    BulkPhase.SUSPENDED: _RESTS,
}


def message_of(book: Book, discovery: Discovery, phase: BulkPhase) -> str:
    """The counts, and what there is to know besides."""
    return sentences(_said(book, discovery, phase), _skipped(book), _left_out(book))


def _skipped(book: Book) -> str:
    """What the list has besides items and rejected rows, so that the numbers of its rows add up.

    Told once the whole list is known.
    """
    if not book.complete:
        return ""
    skipped = total_skipped(book.pages)
    parts = [_counted(getattr(skipped, name), *words) for name, words in _SKIPPED.items()]
    told = ", ".join(part for part in parts if part)
    return f"Not imported from the list: {told}" if told else ""


def _counted(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}" if count else ""


_SKIPPED = {
    "comments": ("comment", "comments"),
    "blank": ("blank row", "blank rows"),
    "remarks": ("remark behind an address", "remarks behind addresses"),
    "values": ("value of a column that is not kept", "values of columns that are not kept"),
    "repeats": ("repeated entry", "repeated entries"),
}


def _left_out(book: Book) -> str:
    if too_long(book.bulk, book.pages):
        return _TRUNCATED
    return _BROKEN_OFF if broken_off(book.bulk, book.pages) else ""


def _said(book: Book, discovery: Discovery, phase: BulkPhase) -> str:
    counts = counts_of(book)
    if phase is BulkPhase.FAILED:
        return _failed(book, discovery, counts)
    if phase is BulkPhase.CANCELLED:
        return sentences(f"Cancelled: {counts}", "Set a new retryToken and cancel: false to continue")
    if phase is BulkPhase.QUEUED:
        return sentences(counts if book.items.results else "", f"{_WORK[phase]}: {book.observed.ahead} ahead")
    if book.spec.dry_run and not book.active:
        return sentences(
            "; ".join(filter(None, (_dry_run(book), _listing(book, discovery)))), _hindrance(book, discovery)
        )
    if phase is BulkPhase.SUSPENDED:
        return sentences(counts, _RESTS)
    return sentences(_going(book, discovery, counts), _hindrance(book, discovery), _refusal(book), _unreadable(book))


def counts_of(book: Book) -> str:
    """How many of how many, and what became of the others."""
    tally, rejected = book.tally, len(book.rejected)
    parts = [f"{tally.completed} of {len(book.accepted)} imported"]
    parts += [f"{tally.duplicates} of them there already"] if tally.duplicates else []
    parts += [f"{tally.failed} failed"] if tally.failed else []
    parts += [f"{rejected} rejected"] if rejected else []
    return ", ".join(parts)


def retrying(book: Book) -> str:
    """What a new token, or retryFailed, has begun; empty where nothing is tried again."""
    again = book.items.retried
    return f"Retrying {again} failed, {book.tally.completed} kept" if again and not book.held else ""


def conditions_of(
    book: Book, discovery: Discovery, phase: BulkPhase, message: str, now: datetime
) -> tuple[Condition, ...]:
    """While it runs they say nothing that moves: a condition is written at once, and progress is not worth that. That
    nothing can be created or listed is worth it."""
    ending = BULK_ENDINGS.get(phase)
    trouble = "" if ending else _refusal(book) or _trouble(discovery)
    words = _fit_bytes(message if ending else sentences(trouble or _WORK[phase]))
    reason = _ended_why(book, discovery, ending) if ending else _working_why(book, discovery, phase)
    rests = phase is BulkPhase.SUSPENDED
    facts = (*standing(ending, reason, words, rests=rests), _all_succeeded(book, ending, words))
    return merged(book.status.conditions, facts, book.bulk.metadata.generation, now)


def _ended_why(book: Book, discovery: Discovery, ending: Ending) -> str:
    if ending is not Ending.FAILED or book.finished:
        return ending
    if book.hopeless:
        return policy.REASON
    status = discovery.status
    return status.reason if status and status.reason else ending


def _working_why(book: Book, discovery: Discovery, phase: BulkPhase) -> str:
    if _refusal(book):
        return _REFUSED
    status = discovery.status
    return status.reason if status and status.reason and _trouble(discovery) else phase


def _failed(book: Book, discovery: Discovery, counts: str) -> str:
    if book.finished:
        first, why = _first_of_all(book)
        return sentences(f"{counts}; the first of them: {first}", why)
    if book.hopeless:
        return sentences(counts, f"Given up: {book.hopeless}")
    status = discovery.status
    return sentences(counts, "The list cannot be known whole", (status.message if status else None) or "")


def _first_of_all(book: Book) -> tuple[str, str]:
    if book.tally.failures:
        first = book.tally.failures[0]
        return str(first.reason), first.error or ""
    rejected = book.rejected[0]
    return rejected.reason, rejected.message


def _going(book: Book, discovery: Discovery, counts: str) -> str:
    if book.stopped:
        return f"Being cancelled: {counts}"
    parts = [retrying(book) or counts]
    parts += [f"giving up: {book.hopeless}"] if book.hopeless else []
    parts += [_listing(book, discovery)] if not book.complete else []
    return "; ".join(part for part in parts if part)


def _listing(book: Book, discovery: Discovery) -> str:
    if book.complete:
        return ""
    if given_up(book, discovery):
        return "the rest of the list cannot be known"
    return "" if _trouble(discovery) else "the list goes on"


def _hindrance(book: Book, discovery: Discovery) -> str:
    """What keeps the rest of the list from being known, in sentences of its own."""
    return "" if book.complete or book.stopped or given_up(book, discovery) else _trouble(discovery)


def _trouble(discovery: Discovery) -> str:
    status = discovery.status
    return (status.message or "") if status and status.reason and not status.done else ""


def _dry_run(book: Book) -> str:
    known = f", {book.tally.completed} are there already" if book.tally.completed else ""
    failed = f", {book.tally.failed} failed before" if book.tally.failed else ""
    rejected = len(book.rejected)
    return f"Dry run: {len(book.items.open)} would be imported{known}{failed}, {rejected} rejected"


def _refusal(book: Book) -> str:
    """Why nothing more is started or recorded, while something is to be."""
    if book.refusal is None or not (book.to_start or book.items.news or book.to_take_up is not None):
        return ""
    return sentences(f"The cluster refuses what is to be created next: {without_request(book.refusal.message)}")


def _unreadable(book: Book) -> str:
    count = len(book.items.unread)
    return (
        f"{count} of its imports cannot be read by this version of the controller and are not changed" if count else ""
    )


def _all_succeeded(book: Book, ending: Ending | None, words: str) -> Fact:
    """Of the accepted items: what is rejected was never to be imported."""
    if ending is None or (book.spec.dry_run and book.items.open):
        return Fact(ConditionType.ALL_SUCCEEDED, "Unknown", "InProgress" if ending is None else "DryRun")
    if book.finished and book.tally.completed == len(book.accepted):
        return Fact(ConditionType.ALL_SUCCEEDED, "True", "AllImported", words)
    return Fact(ConditionType.ALL_SUCCEEDED, "False", "SomeNotImported", words)


def _fit_bytes(text: str) -> str:
    short = fit(text, _MAX_BYTES)
    while len(short.encode()) > _MAX_BYTES:
        short = fit(short, len(short) - max(1, (len(short.encode()) - _MAX_BYTES) // 4))
    return short
