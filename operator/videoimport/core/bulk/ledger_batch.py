"""Which results go into the ledger now: several at a time, because each write sends a whole shard to all watchers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from videoimport.api.bulkimport_status import LedgerEntry
from videoimport.core.bulk.snapshot import BulkSnapshot

_FULL_BATCH = 50
"""Results that do not wait for more."""


@dataclass(frozen=True, slots=True)
class LedgerBatch:
    """What is to be recorded."""

    entries: Mapping[str, LedgerEntry] = field(default_factory=dict)
    requeue_at: datetime | None = None
    """When those that still wait are due."""


def select_ledger_batch(snapshot: BulkSnapshot, now: datetime, max_wait: timedelta) -> LedgerBatch:
    """All that is not recorded, once the oldest of them has waited for so long, or nothing else is active. Their
    children hold them meanwhile, and are not pruned before."""
    updates = snapshot.items.ledger_updates
    if not updates or len(updates) >= _FULL_BATCH or not snapshot.items.active:
        return LedgerBatch(updates)
    ends = [snapshot.children[identity].status.completion_time for identity in updates]
    known = [end for end in ends if end is not None]
    if len(known) < len(ends) or min(known) + max_wait <= now:
        return LedgerBatch(updates)
    return LedgerBatch(requeue_at=min(known) + max_wait)
