"""Index of the circuit breakers of hosts, over the store: as new as the store, and nearly always empty.

Every import that depends on a breaker is queued when the breaker's state changes. A decision to probe a host counts
before its write is sent, so that two decisions never probe the same host.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple, TypeVar

from videoimport.api.bulkimport_status import HostStatus
from videoimport.controller.client.resources import Key
from videoimport.core.circuit_breaker import BreakerState, HostRecord, HostReport, combine_records

T = TypeVar("T")


class HostKey(NamedTuple):
    """A host in one namespace. Statuses are written in the name of their users, so they must not delay imports of
    another namespace."""

    namespace: str
    host: str


class _Breaker(NamedTuple):
    """All that is known of one host."""

    state: BreakerState | None = None
    """By the records of imports."""
    pause: datetime | None = None
    """By listings."""
    probes: frozenset[Key] = frozenset()

    def as_seen_by(self, key: Key, host: str) -> BreakerState | None:
        """Return the state for the decision about one import or listing, whose own probe does not count."""
        if self.state is None:
            return BreakerState(host, 0, self.pause, self.pause) if self.pause else None
        until = max(self.state.until, self.pause) if self.pause else self.state.until
        return replace(self.state, until=until, probing=bool(self.probes - {key}))

    def to_status(self) -> HostStatus | None:
        """Return the entry for a BulkImport's status; None if only listings wait for the host."""
        if self.state is None:
            return None
        word = "HalfOpen" if self.probes else "Open"
        return HostStatus(host=self.state.host, state=word, until=self.state.until, failures=self.state.failures)


_CLOSED = _Breaker()


class HostBreakers:
    """``notify`` is called with the key of each import or listing that depends on a breaker whose state changed."""

    def __init__(self, notify: Callable[[Key], None]) -> None:
        self._notify = notify
        self._reports: dict[Key, HostReport] = {}
        self._hosts: dict[HostKey, _HostReports] = {}
        self._decided_probes: dict[Key, HostKey] = {}
        """Probes that are decided and not written yet."""
        self._breakers: dict[HostKey, _Breaker] = {}
        """As last computed, without closed ones."""

    def __bool__(self) -> bool:
        return bool(self._breakers)

    def put(self, key: Key, report: HostReport | None, *, answered: bool) -> None:
        """Replace the report of one import or listing. ``answered``: its own object changed, so that a decision's write
        has arrived or will not."""
        probed = self._withdraw_probe(key) if answered else None
        older = self._reports.pop(key, None)
        if report is not None:
            self._reports[key] = report
        changed = {probed} if probed else set[HostKey]()
        if older != report:
            changed |= self._replace_report(key, older, report)
        for host in sorted(changed):
            self._update(host)
        for host in changed | ({HostKey(key.namespace, older.host)} if older else set()):
            if self._host(host).is_empty:
                del self._hosts[host]

    def decide_probe(self, key: Key, host: str) -> None:
        """Count this import as the probe of the host, before the decision is written."""
        self._withdraw_probe(key)
        host_key = self._decided_probes[key] = HostKey(key.namespace, host)
        self._host(host_key).decided_probes.add(key)
        self._update(host_key)

    def get_state(self, host: str | None, key: Key) -> BreakerState | None:
        """Return the state for the decision about one import or listing; None if the breaker is closed."""
        breaker = self._breakers.get(HostKey(key.namespace, host)) if host and self._breakers else None
        return breaker.as_seen_by(key, host) if breaker and host else None

    def list_statuses(self, namespace: str) -> tuple[HostStatus, ...]:
        """Return the open and half-open breakers of imports of this namespace, by the host's name."""
        here = sorted(host for host in self._breakers if host.namespace == namespace)
        return tuple(status for host in here if (status := self._breakers[host].to_status()))

    @property
    def backing_off(self) -> int:
        """Number of open and half-open breakers; hosts that only listings wait for do not count. Safe from another
        thread."""
        return sum(breaker.state is not None for breaker in list(self._breakers.values()))

    @property
    def waiting(self) -> int:
        """Number of imports that wait for a breaker. Safe from another thread."""
        reports = list(self._reports.items())
        return sum(report.waits and HostKey(key.namespace, report.host) in self._breakers for key, report in reports)

    def _host(self, host: HostKey) -> "_HostReports":
        return self._hosts.setdefault(host, _HostReports(host.host))

    def _replace_report(self, key: Key, older: HostReport | None, newer: HostReport | None) -> set[HostKey]:
        """Return the hosts whose state may change by that."""
        for host in {report.host for report in (older, newer) if report is not None}:
            old, new = (report if report is not None and report.host == host else None for report in (older, newer))
            self._host(HostKey(key.namespace, host)).replace(key, old, new)
        affecting = (report for report in (older, newer) if report is not None and report.affects_breaker)
        return {HostKey(key.namespace, report.host) for report in affecting}

    def _withdraw_probe(self, key: Key) -> HostKey | None:
        """Forget a decided probe; return its host."""
        host = self._decided_probes.pop(key, None)
        if host is not None:
            self._host(host).decided_probes.discard(key)
        return host

    def _update(self, host_key: HostKey) -> None:
        host = self._host(host_key)
        before, after = self._breakers.get(host_key, _CLOSED), host.combine()
        if after == before:
            return
        if after == _CLOSED:
            self._breakers.pop(host_key, None)
        else:
            self._breakers[host_key] = after
        for key in sorted(host.keys):
            if self._reports[key].depends_on_breaker:
                self._notify(key)


@dataclass(slots=True)
class _HostReports:
    """All reports of one host. Equal records are kept once, because imports that failed together have equal ones. The
    state is computed again only when the first of a kind comes or the last goes."""

    host: str
    keys: set[Key] = field(default_factory=set)
    decided_probes: set[Key] = field(default_factory=set)
    """Probes that are decided and not written yet."""
    _probes: set[Key] = field(default_factory=set)
    _records: Counter[HostRecord] = field(default_factory=Counter)
    _pauses: Counter[datetime] = field(default_factory=Counter)
    _state: BreakerState | None = None
    _is_stale: bool = False

    @property
    def is_empty(self) -> bool:
        """Whether there is no report of the host, nor a decided probe."""
        return not (self.keys or self.decided_probes)

    def combine(self) -> _Breaker:
        """Return all reports as one."""
        if self._is_stale:
            self._state, self._is_stale = combine_records(self.host, self._records), False
        probes = frozenset(self._probes | self.decided_probes) if self._state else frozenset[Key]()
        return _Breaker(self._state, max(self._pauses, default=None), probes)

    def replace(self, key: Key, old: HostReport | None, new: HostReport | None) -> None:
        """Replace the report of one import or listing."""
        for report, step in ((new, 1), (old, -1)):
            if report is not None and report.pause is not None:
                _count(self._pauses, report.pause, step)
            if report is not None and report.record is not None:
                record = HostRecord(report.record.failures, report.record.time, report.record.until)
                self._is_stale |= _count(self._records, record, step)
        (self.keys.discard if new is None else self.keys.add)(key)
        (self._probes.add if new is not None and new.probes else self._probes.discard)(key)


def _count(numbers: Counter[T], value: T, step: int) -> bool:
    """Add ``step`` to the count of a value; return whether the value came or went by that."""
    before = numbers[value]
    numbers[value] += step
    if not numbers[value]:
        del numbers[value]
    return not before or not numbers[value]
