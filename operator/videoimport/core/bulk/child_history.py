"""Which finished children are kept no longer: their results stand in the ledger, so nothing is lost with them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from videoimport.api.bulkimport_status import BulkImportStatus
from videoimport.api.videoimport import VideoImport
from videoimport.core.bulk.child_manifests import removal
from videoimport.core.bulk.ledger import tells
from videoimport.core.bulk.snapshot import Book
from videoimport.core.plan import Plan, earliest

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


def pruning(book: Book, now: datetime) -> Plan[BulkImportStatus]:
    """Delete those beyond childHistoryLimit, the oldest first, and those older than childTTLSeconds. A child that is to
    be tried again stays for that; one whose item is no longer listed has no result to lose, and one whose item may yet
    be listed keeps a result that stands nowhere else."""
    ended = sorted(_finished(book), key=_ended_at)
    ttl, beyond = timedelta(seconds=book.spec.child_ttl_seconds), max(0, len(ended) - book.spec.child_history_limit)
    gone, kept = ended[:beyond], ended[beyond:]
    gone += [child for child in kept if _LONG_AGO < _ended_at(child) <= now - ttl]
    due = [at + ttl for at in map(_ended_at, kept) if at > max(now - ttl, _LONG_AGO)]
    return Plan(actions=tuple(removal(child) for child in gone), again_at=earliest(*due))


def _finished(book: Book) -> Iterator[VideoImport]:
    waiting = book.items.active.keys() | book.items.news.keys() | {item.identity for item in book.items.open}
    for identity, child in book.children.items():
        leaves = child.metadata.deletion_timestamp is not None
        runs = child.metadata.name in book.running
        if not leaves and not runs and identity not in waiting and _expendable(book, identity):
            yield child
    for child in book.surplus:
        if child.metadata.deletion_timestamp is None and child.metadata.name not in book.running:
            yield child


def _expendable(book: Book, identity: str) -> bool:
    if book.complete or identity in book.accepted:
        return True
    entry = book.ledger.get(identity)
    return entry is not None and tells(entry, book.children[identity])


def _ended_at(child: VideoImport) -> datetime:
    """One that does not say when counts as the oldest, and does not age."""
    return child.status.completion_time or _LONG_AGO
