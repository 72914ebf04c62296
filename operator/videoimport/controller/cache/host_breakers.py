"""What is known of hosts that push back: an index over the store, as new as that is, and nearly always empty.

Whoever waits for a host is told of every change of what is known of it. A decision to try a host counts from the moment
it is made, before its write is on its way, so that two decisions never try the same one.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from videoimport.api.bulkimport_status import HostStatus
from videoimport.controller.cache.host_record import OPEN, Host, State
from videoimport.controller.client.resources import Key
from videoimport.core.circuit_breaker import HostView, Knowledge


class Site(NamedTuple):
    """A host as the imports of one namespace know it. What they were told is their users' word, which must not hold up
    anybody in another namespace."""

    namespace: str
    host: str


class HostRests:
    """``tell`` is called with the key of each that waits for a host of which something changed."""

    def __init__(self, tell: Callable[[Key], None]) -> None:
        self._tell = tell
        self._known: dict[Key, Knowledge] = {}
        self._hosts: dict[Site, Host] = {}
        self._trying: dict[Key, Site] = {}
        """By decisions whose writes are on their way: which host."""
        self._states: dict[Site, State] = {}
        """As last computed."""

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
        if state is None or host is None:
            return None
        if state.seen is None:
            return HostView(host, 0, state.pause, state.pause) if state.pause else None
        until = max(state.seen.until, state.pause) if state.pause else state.seen.until
        return replace(state.seen, until=until, tried=bool(state.tried_by - {key}))

    def statuses(self, namespace: str) -> tuple[HostStatus, ...]:
        """Return all hosts that push imports of this namespace back, by name."""
        here = sorted(site for site in self._states if site.namespace == namespace)
        seen = (self._states[site] for site in here)
        return tuple(
            HostStatus(
                host=state.seen.name,
                state="Probing" if state.tried_by else "Resting",
                until=state.seen.until,
                failures=state.seen.failures,
            )
            for state in seen
            if state.seen is not None
        )

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

    def _host(self, site: Site) -> Host:
        return self._hosts.setdefault(site, Host(site.host))

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
        before, after = self._states.get(site, OPEN), host.state
        if after == OPEN:
            self._states.pop(site, None)
        else:
            self._states[site] = after
        if after != before:
            for key in sorted(host.keys):
                if self._is_concerned(self._known[key]):
                    self._tell(key)

    def _is_concerned(self, one: Knowledge) -> bool:
        return one.waits or one.starts or (one.record is not None and one.record.failures > 0)
