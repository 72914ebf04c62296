"""What is known of hosts that push back: an index over the store, as new as that is, and nearly always empty.

Whoever waits for a host is told of every change of what is known of it. A decision to try a host counts from the moment
it is made, before its write is on its way, so that two decisions never try the same one.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple, TypeVar

from videoimport.api.bulkimport_status import HostStatus
from videoimport.controller.client.resources import Key
from videoimport.core.circuit_breaker import HostView, Knowledge, Word, seen_of

T = TypeVar("T")


class Site(NamedTuple):
    """A host as the imports of one namespace know it. What they were told is their users' word, which must not hold up
    anybody in another namespace."""

    namespace: str
    host: str


class _State(NamedTuple):
    """What all that is known of one host says together."""

    seen: HostView | None = None
    """By the records of imports."""
    pause: datetime | None = None
    """By listings."""
    tried_by: frozenset[Key] = frozenset()

    def of(self, host: str, key: Key) -> HostView | None:
        """As this import, or this bulk's listing, must see it."""
        if self.seen is None:
            return HostView(host, 0, self.pause, self.pause) if self.pause else None
        until = max(self.seen.until, self.pause) if self.pause else self.seen.until
        return replace(self.seen, until=until, tried=bool(self.tried_by - {key}))

    def status(self) -> HostStatus | None:
        """As a bulk's status shows it; None where only listings leave it alone."""
        if self.seen is None:
            return None
        state = "Probing" if self.tried_by else "Resting"
        return HostStatus(host=self.seen.name, state=state, until=self.seen.until, failures=self.seen.failures)


_OPEN = _State()


class HostRests:
    """``tell`` is called with the key of each that waits for a host of which something changed."""

    def __init__(self, tell: Callable[[Key], None]) -> None:
        self._tell = tell
        self._known: dict[Key, Knowledge] = {}
        self._hosts: dict[Site, _Host] = {}
        self._trying: dict[Key, Site] = {}
        """By decisions whose writes are on their way: which host."""
        self._states: dict[Site, _State] = {}
        """As last computed, of those that are not open."""

    def __bool__(self) -> bool:
        return bool(self._states)

    def put(self, key: Key, knowledge: Knowledge | None, *, answered: bool) -> None:
        """What it contributes now. ``answered``: by itself, so a decision's write has arrived or will not."""
        tried = self._withdraw(key) if answered else None
        older = self._known.pop(key, None)
        if knowledge is not None:
            self._known[key] = knowledge
        concerned = {tried} if tried else set[Site]()
        if older != knowledge:
            concerned |= self._say(key, older, knowledge)
        for host in sorted(concerned):
            self._reckon(host)
        for host in concerned | ({Site(key.namespace, older.host)} if older else set()):
            if self._host(host).is_empty:
                del self._hosts[host]

    def take(self, key: Key, host: str) -> None:
        """It is decided that this import tries the host."""
        self._withdraw(key)
        site = self._trying[key] = Site(key.namespace, host)
        self._host(site).deciding.add(key)
        self._reckon(site)

    def of(self, host: str | None, key: Key) -> HostView | None:
        """The host as this import, or this bulk's listing, must see it; None when it is open."""
        state = self._states.get(Site(key.namespace, host)) if host and self._states else None
        return state.of(host, key) if state and host else None

    def statuses(self, namespace: str) -> tuple[HostStatus, ...]:
        """Return all hosts that push imports of this namespace back, by name."""
        here = sorted(site for site in self._states if site.namespace == namespace)
        return tuple(status for site in here if (status := self._states[site].status()))

    @property
    def backing_off(self) -> int:
        """How many hosts pushed imports back and have not answered since, each namespace's by itself. Safe from another
        thread."""
        return sum(state.seen is not None for state in list(self._states.values()))

    @property
    def waiting(self) -> int:
        """How many imports wait for a host that is left alone. Safe from another thread."""
        known = list(self._known.items())
        return sum(one.waits and Site(key.namespace, one.host) in self._states for key, one in known)

    def _host(self, site: Site) -> "_Host":
        return self._hosts.setdefault(site, _Host(site.host))

    def _say(self, key: Key, older: Knowledge | None, newer: Knowledge | None) -> set[Site]:
        """The hosts of which that changes something."""
        for host in {one.host for one in (older, newer) if one is not None}:
            old, new = (one if one is not None and one.host == host else None for one in (older, newer))
            self._host(Site(key.namespace, host)).replace(key, old, new)
        told = (one for one in (older, newer) if one is not None and one.says_something)
        return {Site(key.namespace, one.host) for one in told}

    def _withdraw(self, key: Key) -> Site | None:
        """Its decision to try a host counts no more; which one that was."""
        host = self._trying.pop(key, None)
        if host is not None:
            self._host(host).deciding.discard(key)
        return host

    def _reckon(self, site: Site) -> None:
        host = self._host(site)
        before, after = self._states.get(site, _OPEN), host.state
        if after == before:
            return
        if after == _OPEN:
            self._states.pop(site, None)
        else:
            self._states[site] = after
        for key in sorted(host.keys):
            if self._known[key].hears:
                self._tell(key)


@dataclass(slots=True)
class _Host:
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
    def state(self) -> _State:
        """All of it together."""
        if self._is_stale:
            self._seen, self._is_stale = seen_of(self.name, self._words), False
        tried_by = frozenset(self._tried_by | self.deciding) if self._seen else frozenset[Key]()
        return _State(self._seen, max(self._pauses, default=None), tried_by)

    def replace(self, key: Key, old: Knowledge | None, new: Knowledge | None) -> None:
        """Who said one thing of it says another, or nothing any more."""
        for one, step in ((new, 1), (old, -1)):
            if one is not None and one.pause is not None:
                _count(self._pauses, one.pause, step)
            if one is not None and one.record is not None:
                word = Word(one.record.failures, one.record.time, one.record.until)
                self._is_stale |= _count(self._words, word, step)
        (self.keys.discard if new is None else self.keys.add)(key)
        (self._tried_by.add if new is not None and new.tries else self._tried_by.discard)(key)


def _count(numbers: Counter[T], what: T, step: int) -> bool:
    """Whether it came or went by that."""
    before = numbers[what]
    numbers[what] += step
    if not numbers[what]:
        del numbers[what]
    return not before or not numbers[what]
