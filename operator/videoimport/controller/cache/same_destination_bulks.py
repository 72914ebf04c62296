"""Index of the BulkImports that share their source and destination, and of the order in which they run."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from videoimport.api.bulkimport import BulkImport
from videoimport.api.bulkimport_status import BulkPhase
from videoimport.api.identity import integration
from videoimport.controller.client.resources import Key, Place
from videoimport.core.bulk.phase import FINISHED_PHASES

_Group = tuple[str, str]
"""Namespace and integration (a hash of source and destination)."""
_BEGUN = frozenset({BulkPhase.DISCOVERING, BulkPhase.PROCESSING})
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _QueuePosition:
    """The properties of a BulkImport that other BulkImports depend on."""

    group: _Group
    age: tuple[datetime, bool, str]
    """Sort key of the age: creation time, whether the BulkImport has not begun, and UID. The smallest key is the
    oldest.

    Among BulkImports of the same second, a BulkImport that has begun goes first. Otherwise the UIDs decide.
    """
    generation: int
    """Generation of the spec, from which the group is derived."""
    idle: bool
    """True if the BulkImport has ended and does not depend on the others."""
    blocks: bool
    """True if younger BulkImports wait for this BulkImport."""


class Siblings:
    """The order of the BulkImports. The index calls ``tell`` with the key of each BulkImport whose position may have
    changed."""

    def __init__(self, tell: Callable[[Key], None]) -> None:
        self._tell = tell
        self._standings: dict[Place, _QueuePosition] = {}
        self._groups: dict[_Group, set[Place]] = {}

    def put(self, place: Place, bulk: object) -> None:
        """Update the order with the BulkImport of that name. An unreadable or deleted BulkImport is removed from the
        order."""
        before = self._standings.get(place)
        now = _standing(bulk, before) if isinstance(bulk, BulkImport) else None
        if now == before:
            return
        if before is not None:
            self._leave(place, before)
        if now is not None:
            self._standings[place] = now
            self._groups.setdefault(now.group, set()).add(place)
        if _order(before) != _order(now):
            self._wake(place, {standing.group for standing in (before, now) if standing})

    def ahead(self, place: Place) -> int:
        """Return the number of older, unfinished BulkImports of the same source and destination. They must end first.

        Suspended BulkImports, BulkImports that are being deleted, and dry runs are not included.
        """
        own = self._standings.get(place)
        return sum(other.blocks and other.age < own.age for other in self._others(place, own)) if own else 0

    def earlier(self, place: Place) -> list[Place]:
        """Return all older BulkImports of the same source and destination, the oldest first."""
        own = self._standings.get(place)
        if own is None:
            return []
        older = [other for other in self._groups[own.group] if self._standings[other].age < own.age]
        return sorted(older, key=lambda other: self._standings[other].age)

    def _others(self, place: Place, own: _QueuePosition) -> list[_QueuePosition]:
        return [self._standings[other] for other in self._groups[own.group] if other != place]

    def _leave(self, place: Place, standing: _QueuePosition) -> None:
        del self._standings[place]
        group = self._groups[standing.group]
        group.discard(place)
        if not group:
            del self._groups[standing.group]

    def _wake(self, place: Place, groups: set[_Group]) -> None:
        for other in {other for group in groups for other in self._groups.get(group, ())} - {place}:
            if not self._standings[other].idle:
                self._tell(Key("BulkImport", *other))


def _order(standing: _QueuePosition | None) -> object:
    return (standing.group, standing.age) if standing and standing.blocks else None


def _standing(bulk: BulkImport, before: _QueuePosition | None) -> _QueuePosition:
    meta, spec = bulk.metadata, bulk.spec
    age = (meta.creation_timestamp or _LONG_AGO, bulk.status.phase not in _BEGUN, meta.uid)
    known = before is not None and (before.age[2], before.generation) == (meta.uid, meta.generation)
    group = before.group if before and known else (meta.namespace, integration(spec))
    ended = bulk.status.phase in FINISHED_PHASES
    waits = spec.suspend or spec.dry_run or meta.deletion_timestamp is not None
    idle = ended and not spec.retry_failed  # with retry_failed it may retry the failed items of older BulkImports
    return _QueuePosition(group, age, meta.generation, idle, not ended and not waits)
