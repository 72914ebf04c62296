"""Indexes that decide which imports may start: host breakers and limits. They are updated with the store."""

import heapq
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from videoimport.api.bulkimport import BulkImport
from videoimport.api.videoimport import VideoImport
from videoimport.api.videoimport_status import VideoImportStatus
from videoimport.controller.cache.entry import Entry
from videoimport.controller.cache.host_breakers import HostBreakers
from videoimport.controller.client.resources import Key, Place
from videoimport.core.circuit_breaker import BreakerState, find_host, find_list_host
from videoimport.core.names_and_owners import find_quota_owner
from videoimport.core.start_limits import (
    AdmissionState,
    Limits,
    Turn,
    describe_full_bulk,
    describe_full_cluster,
    describe_full_namespace,
    describe_import,
    describe_stuck_cluster,
    report_listing_host,
)
from videoimport.core.video_status import has_active_run

OwnerKey = tuple[str, str]
"""Namespace and UID."""
_Rank = tuple[int, Turn, str]
"""Sort key of an owner in its namespace: number of running imports, turn of the first waiting import, and UID. The
owner with the smallest key is first."""
_MOST_VOID = 64


class Turns:
    """The indexes of host breakers and of slots. Both call ``tell`` with each key that must be reconciled again."""

    def __init__(self, tell: Callable[[Key], None], limits: Limits) -> None:
        self.hosts = HostBreakers(tell)
        self.slots = Slots(lambda place: tell(_key(place)), limits)

    def video(self, place: Place, uid: str, entry: Entry | None, *, working: bool, answered: bool) -> None:
        """Update the indexes for an import. ``entry`` is None if the import does not exist.

        ``working`` states whether the import has a Job that has not ended. ``answered`` states that no write of a
        decision about the import is pending any more.
        """
        view = entry.view if entry else None
        report, standing = None, AdmissionState(uid, holds=True, waits=False) if working else None
        if isinstance(view, VideoImport):
            standing, report = describe_import(view, working=working)
        self.hosts.put(_key(place), report, answered=answered)
        self.slots.put(place, standing, answered=answered)

    def bulk(self, place: Place, uid: str, entry: Entry | None) -> None:
        """Update the indexes for a BulkImport. ``entry`` is None if the BulkImport does not exist."""
        view = entry.view if entry else None
        known = view if isinstance(view, BulkImport) else None
        self.hosts.put(Key("BulkImport", *place), report_listing_host(known) if known else None, answered=True)
        self.slots.allow((place[0], uid), known.spec.parallelism if known else None)

    def seen_by(self, video: VideoImport) -> tuple[BreakerState | None, str]:
        """Return two values for the start of the import: the breaker of its host, and a sentence about the limit that
        prevents the start.

        A closed breaker is None. The sentence is empty if the import may start.
        """
        place = (video.metadata.namespace, video.metadata.name)
        host = self.hosts.get_state(find_host(video), _key(place)) if self.hosts else None
        return host, self.slots.no_room(place, find_quota_owner(video.metadata))

    def source_backoff_until(self, bulk: BulkImport) -> datetime | None:
        """Return the end of the backoff of the host that serves the list of a BulkImport, or None if the breaker is
        closed."""
        meta = bulk.metadata
        host = find_list_host(bulk.spec.source) if self.hosts else None
        breaker = self.hosts.get_state(host, Key("BulkImport", meta.namespace, meta.name))
        return breaker.until if breaker else None

    def decided(self, video: VideoImport, status: VideoImportStatus | None) -> None:
        """Record a decision before the write of its status. So no other import takes the same slot or probes the same
        host."""
        if status is None or not has_active_run(status):
            return
        place, record = (video.metadata.namespace, video.metadata.name), status.host_backoff
        self.slots.take(place, find_quota_owner(video.metadata))
        if record is not None and record.probing:
            self.hosts.decide_probe(_key(place), record.host)


@dataclass(slots=True)
class _QueueOwner:
    most: int | None = None
    """Maximum number of running imports: the parallelism of a BulkImport. None means no limit."""
    running: int = 0
    """Number of running imports, including promised slots."""
    line: list[tuple[Turn, Place]] = field(default_factory=list)
    """Heap of the waiting imports. Some entries are outdated."""
    rank: _Rank | None = None
    """The owner's valid entry in the heap of its namespace."""

    @property
    def is_full(self) -> bool:
        return self.most is not None and self.running >= self.most


class Slots:
    """Index of the slots for running imports. The index calls ``tell`` with each import that may start now."""

    def __init__(self, tell: Callable[[Place], None], limits: Limits) -> None:
        self._tell = tell
        self.limits = limits
        self._standings: dict[Place, AdmissionState] = {}
        """Admission states of the imports that hold a slot or wait for a slot."""
        self._taken: set[Place] = set()
        """Imports that hold a slot by a decision whose write is pending."""
        self._promised: set[Place] = set()
        self._counted: dict[Place, OwnerKey] = {}
        self._stuck: set[Place] = set()
        """Imports with a slot that cannot start. Such a slot is included for the owner and the namespace, but not in
        ``total``."""
        self._running: Counter[str] = Counter()
        """Number of imports with a slot, by namespace."""
        self._owners: dict[OwnerKey, _QueueOwner] = {}
        self._ranks: dict[str, list[_Rank]] = {}
        """Heaps of the waiting owners, by namespace. An entry that differs from its owner's rank is void."""

    def put(self, place: Place, standing: AdmissionState | None, *, answered: bool) -> None:
        """Replace the admission state of this import. ``answered`` states that no write of a decision is pending any
        more."""
        if answered:
            self._taken.discard(place)
        before, new = self._standings.pop(place, None), place in self._counted
        if standing is not None and (standing.holds or standing.waits):
            self._standings[place] = standing
        if before is None and place not in self._standings and place not in self._counted:
            return
        self._promised.discard(place)
        holds = (standing is not None and standing.holds) or place in self._taken
        owner_key = (place[0], standing.owner) if standing else self._counted.get(place)
        self._count(place, owner_key if holds else None)
        if holds and standing is not None and standing.stuck:
            self._stuck.add(place)
        if standing is not None and standing.waits and not holds:
            owner = self._owner(place[0], standing.owner)
            if new or before != standing:
                heapq.heappush(owner.line, (standing.turn, place))
            self._rank((place[0], standing.owner))
        elif before is not None:
            self._rank((place[0], before.owner))
        self._pass_on()

    def allow(self, owner: OwnerKey, most: int | None) -> None:
        """Set the maximum number of running imports of an owner. None means no limit. This method is also called for a
        deleted owner."""
        if most is None and owner not in self._owners:
            return
        self._owner(*owner).most = most
        self._rank(owner)
        self._pass_on()

    def no_room(self, place: Place, owner_uid: str) -> str:
        """Return a sentence about the limit that prevents the start of this import. The sentence is empty if the import
        may start."""
        if place in self._counted:
            return ""
        owner = self._owners.get((place[0], owner_uid))
        if owner is not None and owner.most is not None and owner.is_full:
            return describe_full_bulk(owner.most)
        if self.limits.namespace and self._running[place[0]] >= self.limits.namespace:
            return describe_full_namespace(self.limits)
        if self.total >= self.limits.cluster:
            return describe_full_cluster(self.limits)
        return describe_stuck_cluster(self.limits) if len(self._counted) >= 2 * self.limits.cluster else ""

    def take(self, place: Place, owner_uid: str) -> None:
        """Take a slot for an import of this owner, because a decision starts or continues a run."""
        if place in self._counted and place not in self._promised:
            return
        self._taken.add(place)
        self._promised.discard(place)
        self._count(place, (place[0], owner_uid))

    @property
    def total(self) -> int:
        """Number of slots in the cluster that are taken by running imports or by decisions to start one. Imports that
        cannot start take no slot."""
        return len(self._counted) - len(self._stuck)

    def _owner(self, namespace: str, uid: str) -> _QueueOwner:
        return self._owners.setdefault((namespace, uid), _QueueOwner())

    def _count(self, place: Place, owner: OwnerKey | None) -> None:
        before = self._counted.pop(place, None)
        self._stuck.discard(place)
        for key, step in ((before, -1), (owner, 1)):
            if key is not None:
                self._running[key[0]] += step
                self._owner(*key).running += step
        if owner is not None:
            self._counted[place] = owner
        for key in {before, owner} - {None}:
            assert key is not None  # noqa: S101
            self._rank(key)

    def _rank(self, key: OwnerKey) -> None:
        """Update the owner's entry in the heap of its namespace. Remove an owner that has no running import, no waiting
        import and no limit."""
        owner = self._owners.get(key)
        if owner is None:
            return
        while owner.line and not self._still_waits(owner.line[0]):
            heapq.heappop(owner.line)
        rank = (owner.running, owner.line[0][0], key[1]) if owner.line and not owner.is_full else None
        if rank != owner.rank and rank is not None:
            self._add(key[0], rank)
        owner.rank = rank
        if not (owner.line or owner.running) and owner.most is None:
            del self._owners[key]

    def _add(self, namespace: str, rank: _Rank) -> None:
        ranks = self._ranks.setdefault(namespace, [])
        heapq.heappush(ranks, rank)
        if len(ranks) > _MOST_VOID + 4 * len(self._owners):
            ranks[:] = sorted({rank, *(one for one in ranks if not self._is_void(namespace, one))})

    def _still_waits(self, entry: tuple[Turn, Place]) -> bool:
        standing = self._standings.get(entry[1])
        return standing is not None and standing.waits and standing.turn == entry[0] and entry[1] not in self._counted

    def _pass_on(self) -> None:
        """Promise free slots to the next imports in turn. Withdraw promises that exceed the limits. A limit can be
        exceeded if more imports run than the store had at the time of a promise."""
        for place in [place for place in self._promised if self._is_beyond(self._counted[place])]:
            if self._is_beyond(self._counted[place]):
                self._break_promise(place)
        while self._has_room and (found := self._next()) is not None:
            key, place = found
            self._promised.add(place)
            self._count(place, key)
            self._tell(place)

    @property
    def _has_room(self) -> bool:
        return self.total < self.limits.cluster and len(self._counted) < 2 * self.limits.cluster

    def _is_beyond(self, key: OwnerKey) -> bool:
        owner = self._owners[key]
        beyond = bool(self.limits.namespace) and self._running[key[0]] > self.limits.namespace
        full = self.total > self.limits.cluster or len(self._counted) > 2 * self.limits.cluster
        return beyond or full or (owner.most is not None and owner.running > owner.most)

    def _break_promise(self, place: Place) -> None:
        self._promised.discard(place)
        key = self._counted[place]
        heapq.heappush(self._owners[key].line, (self._standings[place].turn, place))
        self._count(place, None)

    def _next(self) -> tuple[OwnerKey, Place] | None:
        """Return the first import of the namespace with the fewest running imports, among the namespaces below their
        limit.

        Namespaces come before owners, because a tenant can divide imports among any number of owners. Without this
        order, a tenant with more owners would get more slots.
        """
        heads = {namespace: head for namespace in list(self._ranks) if (head := self._head(namespace)) is not None}
        if not heads:
            return None
        namespace = min(heads, key=lambda one: (self._running[one], heads[one], one))
        key = (namespace, heads[namespace][2])
        return key, self._owners[key].line[0][1]

    def _head(self, namespace: str) -> _Rank | None:
        if self.limits.namespace and self._running[namespace] >= self.limits.namespace:
            return None
        ranks = self._ranks[namespace]
        while ranks and self._is_void(namespace, ranks[0]):
            heapq.heappop(ranks)
        if not ranks:
            del self._ranks[namespace]
            return None
        return ranks[0]

    def _is_void(self, namespace: str, rank: _Rank) -> bool:
        owner = self._owners.get((namespace, rank[2]))
        return owner is None or owner.rank != rank


def _key(place: Place) -> Key:
    return Key("VideoImport", *place)
