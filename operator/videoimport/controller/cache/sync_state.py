"""State of a key besides its objects: progress from logs, listed Events, refusals. After a restart it is read again."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from videoimport.api.tasks.import_report import Progress
from videoimport.controller.client.resources import Key
from videoimport.controller.queue.workqueue import Backoff, Clock
from videoimport.core.observed import EventView

REFUSED = "JobRejected"
"""Reason of the EventView for a refused Create; the reason in api.reasons and in the controller's own Events."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """The API server refused to create something for an owner."""

    message: str
    at: datetime
    generation: int
    """Of the owner's spec; a new spec deserves a new try at once."""
    times: int
    not_before: float
    """By the monotonic clock."""


@dataclass(slots=True)
class Notes:
    """About one VideoImport or BulkImport."""

    uid: str
    progress: Progress | None = None
    refusal: Refusal | None = None
    answers: dict[str, tuple[EventView, ...]] = field(default_factory=dict)
    """By the UID of the Job or pod they are about."""
    asked: dict[str, float] = field(default_factory=dict)
    """When, by the monotonic clock."""
    confirmed: set[str] = field(default_factory=set)
    """UIDs of finished Jobs whose pods were listed afresh."""
    unkept: set[str] = field(default_factory=set)
    """UIDs of listing Jobs whose page is not in their pod's log, or not whole."""
    terminating: bool = False
    """Its namespace is being deleted; the namespace never recovers, and the object goes with it."""
    unread: dict[str, int] = field(default_factory=dict)
    """How often the log of such a Job's pod could not be had, by the Job's UID."""

    def events_about(self, uids: set[str]) -> tuple[EventView, ...]:
        """The answers about these objects, and the refusal as an Event about the owner itself."""
        about = [event for uid in sorted(uids) for event in self.answers.get(uid, ())]
        if self.refusal:
            about.append(EventView(self.uid, REFUSED, self.refusal.message, self.refusal.at))
        return tuple(about)

    def refused(self, message: str, at: datetime, generation: int, backoff: Backoff, now: float) -> float:
        """Note a refusal; the seconds until the next try."""
        times = self.refusal.times + 1 if self.refusal and self.refusal.generation == generation else 1
        pause = backoff.delay(times, 1.0)
        self.refusal = Refusal(message, at, generation, times, now + pause)
        return pause

    def pause(self, generation: int, now: float) -> float:
        """Seconds for which no Create should be tried."""
        if self.refusal is None or self.refusal.generation != generation:
            return 0.0
        return max(0.0, self.refusal.not_before - now)


class SyncStates:
    """The notes of every key."""

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self.clock: Callable[[], float] = clock
        self._notes: dict[Key, Notes] = {}

    def of(self, key: Key, uid: str) -> Notes:
        """The notes of this very object; an earlier namesake's are dropped."""
        notes = self._notes.get(key)
        if notes is None or notes.uid != uid:
            notes = self._notes[key] = Notes(uid)
        return notes

    def forget(self, key: Key) -> None:
        """The object is gone."""
        self._notes.pop(key, None)
