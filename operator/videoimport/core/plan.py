"""The result of a decision: a status to write, actions to take, Events to list and to record. Only values.

The shell writes the status first, with the resourceVersion that was observed; a conflict drops the whole plan. Then it
executes the actions in order, and records Events at the end. Every action is safe to repeat.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Generic, Literal, Self, TypeVar

from videoimport.api.base import Model
from videoimport.api.bulkimport_status import BulkImportStatus
from videoimport.api.videoimport_status import VideoImportStatus

Manifest = dict[str, Any]
Kind = Literal["VideoImport", "BulkImport", "Job", "Pod", "ConfigMap", "PersistentVolumeClaim"]
Status = TypeVar("Status", bound=Model)
S = TypeVar("S", VideoImportStatus, BulkImportStatus)
_STAMP = "updated_time"


@dataclass(frozen=True, slots=True)
class Create:
    """Create an object whose name is derived. "Already exists" is success only if it is not being deleted, and has
    the same controlling owner in every part and the same run label. If it never changes, it must also have the same
    content."""

    manifest: Manifest


@dataclass(frozen=True, slots=True)
class Patch:
    """A JSON merge patch on an object of the controller; ``uid`` guards against a namesake."""

    kind: Kind
    namespace: str
    name: str
    uid: str
    patch: Manifest


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete an object of the controller, its dependents first; "not found" is success."""

    kind: Kind
    namespace: str
    name: str
    uid: str


@dataclass(frozen=True, slots=True)
class StoreListingPage:
    """Read a pod's output, and store the lines of its page as an object. If they are not what was reported, or the log
    is gone, that is noted, and part of a later observation."""

    namespace: str
    pod: str
    job: str
    """The UID of the pod's Job, under which a page that is not whole is noted."""
    count: int
    """Lines that were reported."""
    sha256: str
    """Of these lines, each with its newline."""
    manifest: Manifest
    """The ConfigMap to create; the lines are added under ``core.list_item.LINES``."""


Write = Create | Patch | Delete
Action = Write | StoreListingPage


@dataclass(frozen=True, slots=True)
class EventQuery:
    """A query for the cluster's Events about an object; the answer is part of a later observation."""

    kind: Literal["Job", "Pod", "PersistentVolumeClaim"]
    namespace: str
    name: str
    uid: str


@dataclass(frozen=True, slots=True)
class PlannedEvent:
    """An Event for users, recorded after all other steps."""

    type: Literal["Normal", "Warning"]
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Plan(Generic[Status]):
    """The empty plan means: all is as it should be."""

    status: Status | None = None
    """The whole status as it should be; None leaves it as it is. The shell writes only what differs."""
    actions: tuple[Action, ...] = ()
    event_queries: tuple[EventQuery, ...] = ()
    planned_events: tuple[PlannedEvent, ...] = ()
    requeue_at: datetime | None = None
    """When to reconcile again even without a change."""

    def __add__(self, other: "Plan[Any]") -> Self:
        """Return this plan followed by the other one, with the earlier of their times. The status stays this plan's: a
        part's status is a field of it, which the caller has set."""
        return replace(
            self,
            actions=self.actions + other.actions,
            event_queries=self.event_queries + other.event_queries,
            planned_events=self.planned_events + other.planned_events,
            requeue_at=find_earliest(self.requeue_at, other.requeue_at),
        )


@dataclass(frozen=True, slots=True)
class PartialPlan(Plan[Status]):
    """A plan whose status is not complete yet: what follows from it is added once, at the end of the decision."""

    status: Status

    def with_status(self, **changes: Any) -> Self:
        """Return the same plan with these fields of the status changed."""
        return replace(self, status=self.status.model_copy(update=changes))


def plan_status_write(old: S, new: S, progress: frozenset[str], now: datetime, interval: timedelta) -> Plan[S]:
    """Return the plan to write ``new`` with its time stamp if it differs. Progress alone waits until the interval is
    over."""
    changed = {name for name in type(new).model_fields if getattr(old, name) != getattr(new, name)} - {_STAMP}
    if not changed:
        return Plan()
    earliest = old.updated_time + interval if old.updated_time else now
    if changed <= progress and now < earliest:
        return Plan(requeue_at=earliest)
    return Plan(new.model_copy(update={_STAMP: now}))


def find_earliest(*moments: datetime | None) -> datetime | None:
    """Return the first of the moments that are known; None without one."""
    return min((moment for moment in moments if moment is not None), default=None)


def put_creations_last(actions: Iterable[Action]) -> tuple[Action, ...]:
    """In their order, but creations come after all others. Stops do not wait for them, and a quota has space for a new
    object only once the replaced one is being deleted."""
    return tuple(sorted(actions, key=lambda action: isinstance(action, Create)))


def split_into_batches(actions: Iterable[Action], most: int) -> Iterator[tuple[Action, ...]]:
    """The actions in their order, so many in one tuple at most. Those of a tuple may be done at the same time. They do
    the same thing to different imports, as a bulk does that fills its window or cancels all of it."""
    batch: list[Action] = []
    for action in actions:
        if batch and (len(batch) == most or not _can_join_batch(action, batch)):
            yield tuple(batch)
            batch = []
        batch.append(action)
    if batch:
        yield tuple(batch)


def _can_join_batch(action: Action, batch: list[Action]) -> bool:
    alike = type(action) is type(batch[0]) and _find_import_name(batch[0]) is not None
    name = _find_import_name(action)
    return alike and name is not None and name not in map(_find_import_name, batch)


def _find_import_name(action: Action) -> str | None:
    """The name of the import that an action concerns."""
    match action:
        case Create(manifest={"kind": "VideoImport", "metadata": {"name": str(name)}}):
            return name
        case Patch(kind="VideoImport", name=name) | Delete(kind="VideoImport", name=name):
            return name
        case _:
            return None
