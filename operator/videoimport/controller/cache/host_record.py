"""What all say of one host that pushed back, and what that means together."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from videoimport.controller.client.resources import Key
from videoimport.core.circuit_breaker import HostView, Knowledge, Word, seen_of

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class State:
    """Of one host."""

    seen: HostView | None = None
    """By the records of imports."""
    pause: datetime | None = None
    """By listings."""
    tried_by: frozenset[Key] = frozenset()


OPEN = State()


@dataclass(slots=True)
class Host:
    """Equal words are kept once: of those that were told together nearly all know the same. What all say together is
    found anew only when the first comes who says a thing, or the last goes."""

    name: str
    keys: set[Key] = field(default_factory=set)
    deciding: set[Key] = field(default_factory=set)
    """By decisions to try whose writes are on their way."""
    _tried_by: set[Key] = field(default_factory=set)
    _words: Counter[Word] = field(default_factory=Counter)
    _pauses: Counter[datetime] = field(default_factory=Counter)
    _seen: HostView | None = None
    _is_stale: bool = False

    @property
    def is_empty(self) -> bool:
        """Nobody says anything of it."""
        return not (self.keys or self.deciding)

    @property
    def state(self) -> State:
        """All of it together."""
        if self._is_stale:
            self._seen, self._is_stale = seen_of(self.name, self._words), False
        tried_by = frozenset(self._tried_by | self.deciding) if self._seen else frozenset[Key]()
        return State(self._seen, max(self._pauses, default=None), tried_by)

    def replace(self, key: Key, old: Knowledge | None, new: Knowledge | None) -> None:
        """Who said one thing of it says another, or nothing any more."""
        for one, step in ((new, 1), (old, -1)):
            if one is not None and one.pause is not None:
                _count(self._pauses, one.pause, step)
            if one is not None and one.record is not None:
                self._is_stale |= _count(
                    self._words, Word(one.record.failures, one.record.time, one.record.until), step
                )
        (self.keys.discard if new is None else self.keys.add)(key)
        (self._tried_by.add if new is not None and new.tries else self._tried_by.discard)(key)


def _count(numbers: Counter[T], what: T, step: int) -> bool:
    """Whether it came or went by that."""
    before = numbers[what]
    numbers[what] += step
    if not numbers[what]:
        del numbers[what]
    return not before or not numbers[what]
