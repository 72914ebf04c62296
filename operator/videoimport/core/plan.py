"""What a decision comes to: a status to write, actions to take, questions to ask, words to announce. Only values.

The shell writes the status first (with the resourceVersion that was observed; a conflict drops the whole plan), then
executes the actions in order, then announces. Every action is safe to repeat.
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
    """Create an object whose name is derived. "Already exists" is success only if the one there has the same
    controlling owner in every part, the same run label and, where it never changes, the same content, and is not being
    deleted."""

    manifest: Manifest


@dataclass(frozen=True, slots=True)
class Patch:
    """A JSON merge patch on an object of ours; ``uid`` guards against a namesake."""

    kind: Kind
    namespace: str
    name: str
    uid: str
    patch: Manifest


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete an object of ours, its dependents first; "not found" is success."""

    kind: Kind
    namespace: str
    name: str
    uid: str


@dataclass(frozen=True, slots=True)
class StoreListingPage:
    """Read what a pod printed, and keep the lines of a page that stand in it as an object. If they are not what was
    reported, or the log is gone, that is noted, and part of a later observation."""

    namespace: str
    pod: str
    job: str
    """The UID of the pod's Job, under which a page that is not whole is noted."""
    count: int
    """Lines that were reported."""
    sha256: str
    """Of these lines, each with its newline."""
    manifest: Manifest
    """The ConfigMap to create; the lines come into it under ``core.listed.LINES``."""


Write = Create | Patch | Delete
Action = Write | StoreListingPage


@dataclass(frozen=True, slots=True)
class EventQuery:
    """A wish to know the cluster's Events about an object; the answer is part of a later observation."""

    kind: Literal["Job", "Pod", "PersistentVolumeClaim"]
    namespace: str
    name: str
    uid: str


@dataclass(frozen=True, slots=True)
class PlannedEvent:
    """An Event for people, emitted after everything else."""

    type: Literal["Normal", "Warning"]
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Plan(Generic[Status]):
    """The empty plan says: all is as it should be."""

    status: Status | None = None
    """The whole status as it should be; None leaves it as it is. The shell writes only what differs."""
    actions: tuple[Action, ...] = ()
    event_queries: tuple[EventQuery, ...] = ()
    planned_events: tuple[PlannedEvent, ...] = ()
    requeue_at: datetime | None = None
    """When to look again even if nothing happens."""

    def __add__(self, other: "Plan[Any]") -> Self:
        """Return this plan followed by the other one, with the earlier of their times. The status stays this plan's:
        that of a part is a field of the whole, and who adds the part has put it there."""
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
    """In their order, but what is to be made after all else: what is to be stopped does not wait for it, and a quota
    has room for it only once what it replaces is on its way out."""
    return tuple(sorted(actions, key=lambda action: isinstance(action, Create)))


def split_into_batches(actions: Iterable[Action], most: int) -> Iterator[tuple[Action, ...]]:
    """The actions in their order, so many in one tuple at most. Those of a tuple may be done at the same time: they do
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
    """The name of the import that it is about."""
    match action:
        case Create(manifest={"kind": "VideoImport", "metadata": {"name": str(name)}}):
            return name
        case Patch(kind="VideoImport", name=name) | Delete(kind="VideoImport", name=name):
            return name
        case _:
            return None
