"""Deletion of finished children that are no longer kept. Their results are in the ledger, so nothing is lost."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from videoimport.api.bulkimport_status import BulkImportStatus
from videoimport.api.videoimport import VideoImport
from videoimport.core.bulk.child_actions import delete_child
from videoimport.core.bulk.ledger import matches_child
from videoimport.core.bulk.snapshot import BulkSnapshot
from videoimport.core.plan import Plan, find_earliest

_LONG_AGO = datetime.min.replace(tzinfo=UTC)


def cleanup_history(snapshot: BulkSnapshot, now: datetime) -> Plan[BulkImportStatus]:
    """Return the plan that deletes finished children: first the oldest children beyond childHistoryLimit, then all
    children that are older than childTTLSeconds.

    A child that will be retried stays. If the item of a child is no longer listed, the child has no result that must be
    kept. If the item may still be listed, the child stays until the ledger has its result.
    """
    ended = sorted(_list_removable_children(snapshot), key=_get_completion_time)
    ttl, beyond = (
        timedelta(seconds=snapshot.spec.child_ttl_seconds),
        max(0, len(ended) - snapshot.spec.child_history_limit),
    )
    gone, kept = ended[:beyond], ended[beyond:]
    gone += [child for child in kept if _LONG_AGO < _get_completion_time(child) <= now - ttl]
    due = [at + ttl for at in map(_get_completion_time, kept) if at > max(now - ttl, _LONG_AGO)]
    return Plan(actions=tuple(delete_child(child) for child in gone), requeue_at=find_earliest(*due))


def _list_removable_children(snapshot: BulkSnapshot) -> Iterator[VideoImport]:
    waiting = (
        snapshot.items.active.keys()
        | snapshot.items.ledger_updates.keys()
        | {item.identity for item in snapshot.items.open}
    )
    for identity, child in snapshot.children.items():
        leaves = child.metadata.deletion_timestamp is not None
        runs = child.metadata.name in snapshot.running
        if not leaves and not runs and identity not in waiting and _can_delete_child(snapshot, identity):
            yield child
    for child in snapshot.surplus:
        if child.metadata.deletion_timestamp is None and child.metadata.name not in snapshot.running:
            yield child


def _can_delete_child(snapshot: BulkSnapshot, identity: str) -> bool:
    if snapshot.complete or identity in snapshot.accepted:
        return True
    entry = snapshot.ledger.get(identity)
    return entry is not None and matches_child(entry, snapshot.children[identity])


def _get_completion_time(child: VideoImport) -> datetime:
    """Return the completion time. A child without a completion time is the oldest, but never exceeds the TTL."""
    return child.status.completion_time or _LONG_AGO
