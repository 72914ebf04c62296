"""Which results go into the ledger now: several at a time, for each write sends a whole shard to all who watch."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from videoimport.api.bulkimport_status import LedgerEntry
from videoimport.core.bulk.snapshot import Book

_MANY = 50
"""Results that do not wait for more."""


@dataclass(frozen=True, slots=True)
class Batch:
    """What is to be recorded."""

    entries: Mapping[str, LedgerEntry] = field(default_factory=dict)
    again_at: datetime | None = None
    """When those that still wait are due."""


def ripe(book: Book, now: datetime, patience: timedelta) -> Batch:
    """All that is not recorded, once the oldest of them has waited for so long, or nothing else is going on. Their
    children hold them meanwhile, and are not pruned before."""
    news = book.items.news
    if not news or len(news) >= _MANY or not book.items.active:
        return Batch(news)
    ends = [book.children[identity].status.completion_time for identity in news]
    known = [end for end in ends if end is not None]
    if len(known) < len(ends) or min(known) + patience <= now:
        return Batch(news)
    return Batch(again_at=min(known) + patience)
