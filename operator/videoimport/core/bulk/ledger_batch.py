"""The results that are written to the ledger in the next batch. Results are written in batches, because each write
sends a whole shard to all watchers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from videoimport.api.bulkimport_status import LedgerEntry
from videoimport.core.bulk.snapshot import BulkSnapshot

_FULL_BATCH = 50
"""Number of results that are written without a further wait."""


@dataclass(frozen=True, slots=True)
class LedgerBatch:
    """The results to write."""

    entries: Mapping[str, LedgerEntry] = field(default_factory=dict)
    requeue_at: datetime | None = None
    """Time at which the waiting results must be written."""


def select_ledger_batch(snapshot: BulkSnapshot, now: datetime, max_wait: timedelta) -> LedgerBatch:
    """Return all results that the ledger lacks, if the oldest result has waited for ``max_wait``. A full batch is
    written at once. While no other item is active, every batch is written at once. Until then the results are in the
    statuses of the children, and these children are not deleted."""
    updates = snapshot.items.ledger_updates
    if not updates or len(updates) >= _FULL_BATCH or not snapshot.items.active:
        return LedgerBatch(updates)
    ends = [snapshot.children[identity].status.completion_time for identity in updates]
    known = [end for end in ends if end is not None]
    if len(known) < len(ends) or min(known) + max_wait <= now:
        return LedgerBatch(updates)
    return LedgerBatch(requeue_at=min(known) + max_wait)
