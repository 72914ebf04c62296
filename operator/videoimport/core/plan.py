"""Plan: the result of a decision, as values only. A plan has a status to write, actions, Event queries and Events.

The controller writes the status first, with the resourceVersion that was observed. After a conflict, the controller
drops the whole plan. Then the controller runs the actions in order, and posts the Events at the end. Every action is
safe to repeat.
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
    """Action that creates an object under the name that the controller computed.

    If the object exists already, the action succeeds only under three conditions. The object is not being deleted, it
    has the same controlling owner, and it has the same run label. All fields of the owner must match. If the object is
    immutable, the content must match too.
    """

    manifest: Manifest


@dataclass(frozen=True, slots=True)
class Patch:
    """Action that applies a JSON merge patch to an object of the controller. The API server refuses the patch if
    ``uid`` does not match."""

    kind: Kind
    namespace: str
    name: str
    uid: str
    patch: Manifest


@dataclass(frozen=True, slots=True)
class Delete:
    """Action that deletes an object of the controller after its dependents. If the object does not exist, the action
    succeeds."""

    kind: Kind
    namespace: str
    name: str
    uid: str


@dataclass(frozen=True, slots=True)
class StoreListingPage:
    """Action that reads a pod's log and stores the lines of a page in a ConfigMap. If the log is missing or does not
    match the report, the next decisions get this fact as input."""

    namespace: str
    pod: str
    job: str
    """UID of the pod's Job. An incomplete page is noted under this UID."""
    count: int
    """Number of lines in the report."""
    sha256: str
    """SHA-256 of these lines, each with its newline."""
    manifest: Manifest
    """ConfigMap to create. The lines are added under the key ``core.list_item.LINES``."""


Write = Create | Patch | Delete
Action = Write | StoreListingPage


@dataclass(frozen=True, slots=True)
class EventQuery:
    """A query for the cluster's Events about an object. A later decision gets the result as input."""

    kind: Literal["Job", "Pod", "PersistentVolumeClaim"]
    namespace: str
    name: str
    uid: str


@dataclass(frozen=True, slots=True)
class PlannedEvent:
    """An Event for users. The controller records the Event after all other steps."""

    type: Literal["Normal", "Warning"]
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Plan(Generic[Status]):
    """The result of a decision. If the plan is empty, nothing has to change."""

    status: Status | None = None
    """Complete new status, or None if the status does not change. The controller writes only fields that differ."""
    actions: tuple[Action, ...] = ()
    event_queries: tuple[EventQuery, ...] = ()
    planned_events: tuple[PlannedEvent, ...] = ()
    requeue_at: datetime | None = None
    """Time of the next reconcile, even if nothing changes."""

    def __add__(self, other: "Plan[Any]") -> Self:
        """Return this plan followed by the other plan, with the earlier requeue time. The other plan's status is left
        out, because the caller has already put that status into this plan's status."""
        return replace(
            self,
            actions=self.actions + other.actions,
            event_queries=self.event_queries + other.event_queries,
            planned_events=self.planned_events + other.planned_events,
            requeue_at=find_earliest(self.requeue_at, other.requeue_at),
        )


@dataclass(frozen=True, slots=True)
class PartialPlan(Plan[Status]):
    """A plan whose status is not complete yet. Fields that follow from the status are added once, at the end of the
    decision."""

    status: Status

    def with_status(self, **changes: Any) -> Self:
        """Return the same plan with these fields of the status changed."""
        return replace(self, status=self.status.model_copy(update=changes))


def plan_status_write(old: S, new: S, progress: frozenset[str], now: datetime, interval: timedelta) -> Plan[S]:
    """Return the plan that writes ``new`` with a time stamp. The result is empty if the statuses are equal. If only
    fields in ``progress`` differ, the write waits until ``interval`` after the last write."""
    changed = {name for name in type(new).model_fields if getattr(old, name) != getattr(new, name)} - {_STAMP}
    if not changed:
        return Plan()
    earliest = old.updated_time + interval if old.updated_time else now
    if changed <= progress and now < earliest:
        return Plan(requeue_at=earliest)
    return Plan(new.model_copy(update={_STAMP: now}))


def find_earliest(*moments: datetime | None) -> datetime | None:
    """Return the earliest of the known times, or None if no time is known."""
    return min((moment for moment in moments if moment is not None), default=None)


def put_creations_last(actions: Iterable[Action]) -> tuple[Action, ...]:
    """Return the actions in their order, but with all creations at the end.

    So deletions do not wait for creations. A quota may have space for a new object only after the
    deletion of the replaced object has begun.
    """
    return tuple(sorted(actions, key=lambda action: isinstance(action, Create)))


def split_into_batches(actions: Iterable[Action], most: int) -> Iterator[tuple[Action, ...]]:
    """Yield the actions in their order, in tuples of at most ``most`` actions. The actions of one tuple can run at the
    same time, because they do the same thing to different imports. For example, a BulkImport fills its window or
    cancels all its imports."""
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
    """Return the name of the import that an action concerns, or None if the action is about another kind."""
    match action:
        case Create(manifest={"kind": "VideoImport", "metadata": {"name": str(name)}}):
            return name
        case Patch(kind="VideoImport", name=name) | Delete(kind="VideoImport", name=name):
            return name
        case _:
            return None
