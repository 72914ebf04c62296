"""Additional state of a VideoImport or BulkImport: progress from logs, listed Events, and refused creations.

The cached objects do not have this state. After a restart, the controller reads it again.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from videoimport.api.tasks.import_report import Progress
from videoimport.controller.client.resources import Key
from videoimport.controller.queue.workqueue import Backoff, Clock
from videoimport.core.observed import EventView

REFUSED = "JobRejected"
"""Reason of the EventView for a refused creation. The reason is the same in ``api.reasons`` and in the controller's
Events."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A refusal of the API server to create an object for an owner."""

    message: str
    at: datetime
    generation: int
    """Generation of the owner's spec. After a change of the spec, the controller tries the creation again at once."""
    times: int
    not_before: float
    """Earliest time of the next try, in seconds of the monotonic clock."""


@dataclass(slots=True)
class Notes:
    """The additional state of one VideoImport or BulkImport."""

    uid: str
    progress: Progress | None = None
    refusal: Refusal | None = None
    answers: dict[str, tuple[EventView, ...]] = field(default_factory=dict)
    """Listed Events, by the UID of the Job or pod that the Events are about."""
    asked: dict[str, float] = field(default_factory=dict)
    """Time of the last request about an object, in seconds of the monotonic clock, by the object's UID."""
    confirmed: set[str] = field(default_factory=set)
    """UIDs of finished Jobs whose pods were listed again."""
    unkept: set[str] = field(default_factory=set)
    """UIDs of listing Jobs with a missing or incomplete page in the log of their pod."""
    terminating: bool = False
    """True if the object's namespace is being deleted. Such a namespace never recovers, and the object is deleted with
    the namespace."""
    unread: dict[str, int] = field(default_factory=dict)
    """Number of failed reads of a listing pod's log, by the UID of the listing Job."""

    def events_about(self, uids: set[str]) -> tuple[EventView, ...]:
        """Return the listed Events about these objects, and the refusal as an Event about the owner."""
        about = [event for uid in sorted(uids) for event in self.answers.get(uid, ())]
        if self.refusal:
            about.append(EventView(self.uid, REFUSED, self.refusal.message, self.refusal.at))
        return tuple(about)

    def refused(self, message: str, at: datetime, generation: int, backoff: Backoff, now: float) -> float:
        """Record a refusal. Return the seconds until the next try."""
        times = self.refusal.times + 1 if self.refusal and self.refusal.generation == generation else 1
        pause = backoff.delay(times, 1.0)
        self.refusal = Refusal(message, at, generation, times, now + pause)
        return pause

    def pause(self, generation: int, now: float) -> float:
        """Return the number of seconds before the next creation may be tried."""
        if self.refusal is None or self.refusal.generation != generation:
            return 0.0
        return max(0.0, self.refusal.not_before - now)


class AdditionalStates:
    """The additional state of all VideoImports and BulkImports, by key."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self.clock: Callable[[], float] = clock
        self._notes: dict[Key, Notes] = {}

    def of(self, key: Key, uid: str) -> Notes:
        """Return the additional state of the object with this UID. The state of an earlier object with the same name is
        deleted."""
        notes = self._notes.get(key)
        if notes is None or notes.uid != uid:
            notes = self._notes[key] = Notes(uid)
        return notes

    def forget(self, key: Key) -> None:
        """Delete the additional state of an object that no longer exists."""
        self._notes.pop(key, None)
