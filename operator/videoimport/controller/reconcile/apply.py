"""Writes to the cluster.

Each write stores the response in the cache, so that the next decision sees the change at once. If the object has
changed since it was observed, the write fails. Then the controller reads the object's present state into the cache.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import assert_never

import structlog

from videoimport.api.base import Model
from videoimport.api.bulkimport import BulkImport
from videoimport.api.labels import OUR_PREFIXES, RUN
from videoimport.api.redaction import shown_text
from videoimport.api.videoimport import VideoImport
from videoimport.controller.cache.entry import Entry
from videoimport.controller.cache.store import Store
from videoimport.controller.client import errors
from videoimport.controller.client.cluster import Cluster
from videoimport.controller.client.errors import ClusterError, Terminating
from videoimport.controller.client.resources import KINDS, Raw
from videoimport.controller.queue.workqueue import Clock
from videoimport.core.names_and_owners import OUR_LABELS, find_controller
from videoimport.core.plan import Create, Delete, Kind, Patch, PlannedEvent, Write

COMPONENT = "videoimport-controller"
BURST = 200
"""Maximum number of Events at once, for each kind of resource in each namespace."""
PER_SECOND = 2.0
"""Maximum number of Events per second over a longer time, for each kind of resource in each namespace.

If ten thousand imports fail for the same reason, some Events are dropped.
"""
_MESSAGE_LIMIT = 1024
"""Maximum number of bytes in the message of an Event. The API server has this limit."""
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes to the cluster. Every method raises ClusterError if its write failed."""

    cluster: Cluster
    store: Store

    async def status(self, kind: Kind, entry: Entry, status: Model) -> None:
        """Write a status if it differs from the observed status. Raises Conflict if the object has changed."""
        if isinstance(entry.view, VideoImport | BulkImport) and entry.view.status == status:
            return
        written = status.wire()
        try:
            answer = await self.cluster.replace_status(kind, {**entry.head, "status": written})
        except (errors.Conflict, errors.NotFound):
            await self._reread(kind, entry)
            raise
        self.store.put(kind, answer, _find_known_parts(entry, answer, status, written))

    async def act(self, action: Write) -> None:
        """Run one action of a plan. Every action may be repeated."""
        match action:
            case Create(manifest=manifest):
                await self._create(manifest)
            case Patch():
                await self._patch(action)
            case Delete():
                await self._delete(action)
            case _:
                assert_never(action)

    async def _create(self, manifest: Raw) -> None:
        kind: Kind = manifest["kind"]
        try:
            made = await self.cluster.create(manifest)
        except errors.AlreadyExists as taken:
            metadata = manifest["metadata"]
            made = await self.cluster.get(kind, metadata["namespace"], metadata["name"])
            self.store.put(kind, made)
            if is_foreign(made, manifest):
                raise errors.Rejected(_taken(made)) from taken
            if not is_the_same(made, manifest):
                raise errors.Conflict(f"{taken}: it is of another run, or being deleted") from taken
            if is_spoilt(made, manifest):
                await self.act(Delete(kind, metadata["namespace"], metadata["name"], made["metadata"]["uid"]))
                raise errors.Conflict(f"{taken}: its content is another, so it is replaced") from taken
            made = await self._in_sight(kind, made, manifest)
        self.store.put(kind, made)

    async def _in_sight(self, kind: Kind, there: Raw, wanted: Raw) -> Raw:
        """Restore the removed labels of an existing object, and return the object. The controller finds objects by
        these labels. Without the labels, the controller would try to create the object again and again."""
        metadata = there["metadata"]
        ours = OUR_LABELS | {key: value for key, value in _labels(wanted).items() if key.startswith(OUR_PREFIXES)}
        gone = {key: value for key, value in ours.items() if _labels(there).get(key) != value}
        if KINDS[kind].selector is None or not gone:
            return there
        patch = {"metadata": {"uid": metadata["uid"], "labels": gone}}
        return await self.cluster.patch(kind, metadata["namespace"], metadata["name"], patch)

    async def _patch(self, wish: Patch) -> None:
        guarded = {**wish.patch, "metadata": {**wish.patch.get("metadata", {}), "uid": wish.uid}}
        try:
            answer = await self.cluster.patch(wish.kind, wish.namespace, wish.name, guarded)
        except (errors.Conflict, errors.NotFound):
            await self.reread(wish.kind, wish.namespace, wish.name, wish.uid)
            raise
        self.store.put(wish.kind, answer)

    async def _delete(self, wish: Delete) -> None:
        try:
            answer = await self.cluster.delete(wish.kind, wish.namespace, wish.name, wish.uid)
        except (errors.Conflict, errors.NotFound):  # the object is gone, and another may have its name
            await self.reread(wish.kind, wish.namespace, wish.name, wish.uid)
            return
        if answer.get("kind") == wish.kind:
            self.store.put(wish.kind, answer)
        else:
            self.store.vanished(wish.kind, wish.namespace, wish.name, wish.uid)

    async def _reread(self, kind: Kind, entry: Entry) -> None:
        metadata = entry.head["metadata"]
        await self.reread(kind, metadata["namespace"], metadata["name"], entry.uid)

    async def reread(self, kind: Kind, namespace: str, name: str, uid: str) -> None:
        """Read the object of this name into the store. If no object has the name, remove the object with this UID from
        the store."""
        try:
            self.store.put(kind, await self.cluster.get(kind, namespace, name))
        except errors.NotFound:
            self.store.vanished(kind, namespace, name, uid)


def _find_known_parts(entry: Entry, answer: Raw, status: Model, written: Raw) -> dict[str, Model]:
    """Return the parts of the response to a status write that are parsed already.

    The spec is the observed spec, because the API server compared the resourceVersion. The status is the written
    status, unless the API server changed the status.
    """
    if not isinstance(entry.view, VideoImport | BulkImport):
        return {}
    same = {"status": status} if answer.get("status") == written else {}
    return {"spec": entry.view.spec} | same


def is_foreign(found: Raw, wanted: Raw) -> bool:
    """Return whether the existing object of the computed name has another owner and is not being deleted. In this
    case waiting does not help."""
    return not _has_same_owner(found, wanted) and "deletionTimestamp" not in found["metadata"]


def is_the_same(found: Raw, wanted: Raw) -> bool:
    """Return whether the existing object has the same owner and run and is not being deleted."""
    return (
        _has_same_owner(found, wanted)
        and _labels(found).get(RUN) == _labels(wanted).get(RUN)
        and "deletionTimestamp" not in found["metadata"]
    )


def is_spoilt(found: Raw, wanted: Raw) -> bool:
    """Return whether an immutable object has wrong content. Such an object can only be replaced."""
    return bool(wanted.get("immutable")) and found.get("data") != wanted.get("data")


def _has_same_owner(found: Raw, wanted: Raw) -> bool:
    owner = find_controller(found["metadata"])
    return owner is not None and owner == find_controller(wanted["metadata"])


def _taken(found: Raw) -> str:
    """Return the message about a name that another object already has.

    An object of the controller with an owner must not be deleted by hand, because the owner's work would be lost. Any
    other object may be deleted.
    """
    metadata, owner = found["metadata"], find_controller(found["metadata"])
    words = f"{found['kind']} {metadata['name']} is there and belongs to another"
    if OUR_LABELS.items() <= (metadata.get("labels") or {}).items() and owner is not None:
        return f"{words}, {owner.kind} {owner.name}; choose other names, or wait until it is gone"
    return f"{words}; delete it"


def _labels(raw: Raw) -> dict[str, str]:
    return raw["metadata"].get("labels") or {}


@dataclass(slots=True)
class Allowance:
    """The number of Events that may still be posted. The number grows with time."""

    clock: Clock
    left: float = BURST
    at: float = 0.0

    def take(self) -> bool:
        """Return whether one more Event may be posted. If so, count it."""
        now = self.clock()
        self.left = min(BURST, self.left + PER_SECOND * (now - self.at))
        self.at = now
        if self.left < 1:
            return False
        self.left -= 1
        return True


@dataclass(slots=True)
class EventRecorder:
    """Posts Events. Each kind of resource has a separate limit in each namespace."""

    cluster: Cluster
    clock: Clock = time.monotonic
    _allowances: dict[tuple[str, str], Allowance] = field(default_factory=dict)

    async def announce(self, about: Raw, planned_events: Iterable[PlannedEvent], now: datetime) -> None:
        """Post the planned Events. An Event is dropped if it exceeds the limit or if its request fails."""
        place = (about["metadata"]["namespace"], about["kind"])
        for planned_event in planned_events:
            if not self._allowances.setdefault(place, Allowance(self.clock, at=self.clock())).take():
                _log.debug("event_dropped", reason=planned_event.reason)
                continue
            try:
                await self.cluster.post_event(event(about, planned_event, now))
            except Terminating as problem:
                _log.debug("event_not_posted", reason=planned_event.reason, problem=str(problem))
            except ClusterError as problem:
                _log.warning("event_not_posted", reason=planned_event.reason, problem=str(problem))


def event(about: Raw, planned_event: PlannedEvent, now: datetime) -> Raw:
    """Return the core/v1 Event about an object, in the form that ``kubectl describe`` shows."""
    metadata, moment = about["metadata"], now.strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"namespace": metadata["namespace"], "generateName": f"{metadata['name']}."},
        "involvedObject": {
            "apiVersion": about["apiVersion"],
            "kind": about["kind"],
            "namespace": metadata["namespace"],
            "name": metadata["name"],
            "uid": metadata["uid"],
            "resourceVersion": metadata["resourceVersion"],
        },
        "type": planned_event.type,
        "reason": planned_event.reason,
        "message": shown_text(planned_event.message).encode()[:_MESSAGE_LIMIT].decode(errors="ignore"),
        "source": {"component": COMPONENT},
        "firstTimestamp": moment,
        "lastTimestamp": moment,
        "count": 1,
    }
