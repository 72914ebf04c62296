"""What is known of hosts that push back: an index over the store, as new as that is, and nearly always empty.

Whoever waits for a host is told of every change of what is known of it. A decision to try a host counts from the moment
it is made, before its write is on its way, so that two decisions never try the same one.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from videoimport.api.bulk_status import HostStatus
from videoimport.controller.kinds import Key
from videoimport.core.breaker import Knowledge, seen_of
from videoimport.core.observe import HostView


@dataclass(frozen=True, slots=True)
class _State:
    """Of one host."""

    seen: HostView | None = None
    """By the records of imports."""
    pause: datetime | None = None
    """By listings."""
    tried_by: frozenset[Key] = frozenset()


_OPEN = _State()


class HostRests:
    """``tell`` is called with the key of each that waits for a host of which something changed."""

    def __init__(self, tell: Callable[[Key], None]) -> None:
        self._tell = tell
        self._known: dict[Key, Knowledge] = {}
        self._of_host: dict[str, set[Key]] = {}
        self._trying: dict[Key, str] = {}
        """By decisions whose writes are on their way: which host."""
        self._states: dict[str, _State] = {}
        """As last computed."""

    def __bool__(self) -> bool:
        return bool(self._states)

    def put(self, key: Key, knowledge: Knowledge | None, *, answered: bool) -> None:
        """What it contributes now. ``answered``: by itself, so a decision's write has arrived or will not."""
        older = self._known.pop(key, None)
        tried = self._trying.pop(key, None) if answered else None
        if older is not None:
            self._leave(older.host, key)
        if knowledge is not None:
            self._known[key] = knowledge
            self._of_host.setdefault(knowledge.host, set()).add(key)
        if older != knowledge or tried:
            hosts = {one.host for one in (older, knowledge) if one is not None and one.says_something}
            for host in sorted(hosts | {tried} if tried else hosts):
                self._reckon(host)

    def take(self, key: Key, host: str) -> None:
        """It is decided that this import tries the host."""
        self._trying[key] = host
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

    def waiting(self) -> dict[str, int]:
        """How many imports wait for each host that pushes back. Safe from another thread."""
        known = list(self._known.values())
        return {host: sum(one.waits and one.host == host for one in known) for host in list(self._states)}

    def _leave(self, host: str, key: Key) -> None:
        keys = self._of_host[host]
        keys.discard(key)
        if not keys:
            del self._of_host[host]

    def _reckon(self, host: str) -> None:
        before, after = self._states.get(host, _OPEN), self._state(host)
        if after == _OPEN:
            self._states.pop(host, None)
        else:
            self._states[host] = after
        if after != before:
            for key in sorted(self._of_host.get(host, ())):
                if self._is_concerned(self._known[key]):
                    self._tell(key)

    def _is_concerned(self, one: Knowledge) -> bool:
        return one.waits or one.starts or (one.record is not None and one.record.failures > 0)

    def _state(self, host: str) -> _State:
        keys = self._of_host.get(host, set())
        known = [self._known[key] for key in keys]
        tried_by = {key for key in keys if self._known[key].tries} | {
            key for key, tried in self._trying.items() if tried == host
        }
        seen = seen_of(host, (one.record for one in known if one.record))
        pause = max((one.pause for one in known if one.pause), default=None)
        return _State(seen, pause, frozenset(tried_by) if seen else frozenset())
