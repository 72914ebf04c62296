"""What is known of hosts that push back: an index over the store, as new as that is, and nearly always empty.

Whoever waits for a host is told of every change of what is known of it. A decision to try a host counts from the moment
it is made, before its write is on its way, so that two decisions never try the same one.
"""

from collections.abc import Callable
from dataclasses import replace

from videoimport.api.bulk_status import HostStatus
from videoimport.controller.host import OPEN, Host, State
from videoimport.controller.kinds import Key
from videoimport.core.breaker import Knowledge
from videoimport.core.observe import HostView


class HostRests:
    """``tell`` is called with the key of each that waits for a host of which something changed."""

    def __init__(self, tell: Callable[[Key], None]) -> None:
        self._tell = tell
        self._known: dict[Key, Knowledge] = {}
        self._hosts: dict[str, Host] = {}
        self._trying: dict[Key, str] = {}
        """By decisions whose writes are on their way: which host."""
        self._states: dict[str, State] = {}
        """As last computed."""

    def __bool__(self) -> bool:
        return bool(self._states)

    def put(self, key: Key, knowledge: Knowledge | None, *, answered: bool) -> None:
        """What it contributes now. ``answered``: by itself, so a decision's write has arrived or will not."""
        tried = self._withdraw(key) if answered else None
        older = self._known.pop(key, None)
        if knowledge is not None:
            self._known[key] = knowledge
        concerned = {tried} if tried else set[str]()
        if older != knowledge:
            concerned |= self._say(key, older, knowledge)
        for host in sorted(concerned):
            self._reckon(host)
        for host in concerned | ({older.host} if older else set()):
            if self._host(host).is_empty:
                del self._hosts[host]

    def take(self, key: Key, host: str) -> None:
        """It is decided that this import tries the host."""
        self._withdraw(key)
        self._trying[key] = host
        self._host(host).deciding.add(key)
        self._reckon(host)

    def of(self, host: str | None, key: Key) -> HostView | None:
        """The host as this import, or this bulk's listing, must see it; None when it is open."""
        state = self._states.get(host) if host and self._states else None
        if state is None or host is None:
            return None
        if state.seen is None:
            return HostView(host, 0, state.pause, state.pause) if state.pause else None
        until = max(state.seen.until, state.pause) if state.pause else state.seen.until
        return replace(state.seen, until=until, tried=bool(state.tried_by - {key}))

    def statuses(self) -> tuple[HostStatus, ...]:
        """Of all hosts that push back, by name."""
        seen = (state for _, state in sorted(self._states.items()))
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
        """How many hosts pushed imports back and have not answered since. Safe from another thread."""
        return sum(state.seen is not None for state in list(self._states.values()))

    @property
    def waiting(self) -> int:
        """How many imports wait for a host that is left alone. Safe from another thread."""
        return sum(one.waits and one.host in self._states for one in list(self._known.values()))

    def _host(self, name: str) -> Host:
        return self._hosts.setdefault(name, Host(name))

    def _say(self, key: Key, older: Knowledge | None, newer: Knowledge | None) -> set[str]:
        """The hosts of which that changes something."""
        for host in {one.host for one in (older, newer) if one is not None}:
            old, new = (one if one is not None and one.host == host else None for one in (older, newer))
            self._host(host).replace(key, old, new)
        return {one.host for one in (older, newer) if one is not None and one.says_something}

    def _withdraw(self, key: Key) -> str | None:
        """Its decision to try a host counts no more; which one that was."""
        host = self._trying.pop(key, None)
        if host is not None:
            self._host(host).deciding.discard(key)
        return host

    def _reckon(self, name: str) -> None:
        host = self._host(name)
        before, after = self._states.get(name, OPEN), host.state
        if after == OPEN:
            self._states.pop(name, None)
        else:
            self._states[name] = after
        if after != before:
            for key in sorted(host.keys):
                if self._is_concerned(self._known[key]):
                    self._tell(key)

    def _is_concerned(self, one: Knowledge) -> bool:
        return one.waits or one.starts or (one.record is not None and one.record.failures > 0)
