"""Index of the circuit breakers of hosts. The index changes with the store, and it is nearly always empty.

When the state of a breaker changes, every import that depends on it is queued. A decision to probe a host takes effect
before its write is sent. So two decisions never probe the same host at the same time.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple, TypeVar

from videoimport.api.bulkimport_status import HostStatus
from videoimport.controller.client.resources import Key
from videoimport.core.circuit_breaker import BreakerState, HostRecord, combine_records
from videoimport.core.start_limits import HostReport

T = TypeVar("T")


class HostKey(NamedTuple):
    """A host in one namespace. Users influence the statuses of their imports. So these statuses must not delay imports
    in another namespace."""

    namespace: str
    host: str


class _Breaker(NamedTuple):
    """The state of one host."""

    state: BreakerState | None = None
    """State from the records of imports."""
    pause: datetime | None = None
    """Time until which listings wait for the host."""
    probes: frozenset[Key] = frozenset()

    def as_seen_by(self, key: Key, host: str) -> BreakerState | None:
        """Return the state of the breaker for the decision about one import or listing. A probe by this import or
        listing is ignored."""
        if self.state is None:
            return BreakerState(host, 0, self.pause, self.pause) if self.pause else None
        until = max(self.state.until, self.pause) if self.pause else self.state.until
        return replace(self.state, until=until, probing=bool(self.probes - {key}))

    def to_status(self) -> HostStatus | None:
        """Return the entry for the status of a BulkImport, or None if only listings wait for the host."""
        if self.state is None:
            return None
        word = "HalfOpen" if self.probes else "Open"
        return HostStatus(host=self.state.host, state=word, until=self.state.until, failures=self.state.failures)


_CLOSED = _Breaker()


class HostBreakers:
    """The breakers of all hosts. If a breaker changes, ``notify`` is called with the key of each import or listing that
    depends on it."""

    def __init__(self, notify: Callable[[Key], None]) -> None:
        self._notify = notify
        self._reports: dict[Key, HostReport] = {}
        self._hosts: dict[HostKey, _HostReports] = {}
        self._decided_probes: dict[Key, str] = {}
        """Hosts of probes that are decided but not written yet, by the key of the import."""
        self._breakers: dict[HostKey, _Breaker] = {}
        """Breakers as last computed, without closed breakers."""

    def __bool__(self) -> bool:
        return bool(self._breakers)

    def put(self, key: Key, report: HostReport | None, *, answered: bool) -> None:
        """Replace the report of one import or listing.

        ``answered`` states that the object itself has changed. Then no write of a decision is pending any more.
        """
        if answered:
            self._decided_probes.pop(key, None)
        self._replace(key, report)

    def decide_probe(self, key: Key, host: str) -> None:
        """Record this import as the probe of the host, before the decision is written."""
        self._decided_probes[key] = host
        self._replace(key, self._reports.get(key))

    def get_state(self, host: str | None, key: Key) -> BreakerState | None:
        """Return the state of the breaker for the decision about one import or listing, or None if the breaker is
        closed."""
        breaker = self._breakers.get(HostKey(key.namespace, host)) if host and self._breakers else None
        return breaker.as_seen_by(key, host) if breaker and host else None

    def list_statuses(self, namespace: str) -> tuple[HostStatus, ...]:
        """Return the open and half-open breakers of imports in this namespace, sorted by host name."""
        here = sorted(host for host in self._breakers if host.namespace == namespace)
        return tuple(status for host in here if (status := self._breakers[host].to_status()))

    @property
    def backing_off(self) -> int:
        """Number of open and half-open breakers, except those for which only listings wait. Other threads may read this
        property."""
        return sum(breaker.state is not None for breaker in list(self._breakers.values()))

    @property
    def waiting(self) -> int:
        """Number of imports that wait for a breaker. Other threads may read this property."""
        reports = list(self._reports.items())
        return sum(report.waits and HostKey(key.namespace, report.host) in self._breakers for key, report in reports)

    def _replace(self, key: Key, report: HostReport | None) -> None:
        if host := self._decided_probes.get(key):
            report = replace(report if report and report.host == host else HostReport(host), probes=True)
        older = self._reports.pop(key, None)
        if report is not None:
            self._reports[key] = report
        if older == report:
            return
        for host in sorted({one.host for one in (older, report) if one is not None}):
            old, new = (one if one is not None and one.host == host else None for one in (older, report))
            self._replace_in(HostKey(key.namespace, host), key, old, new)

    def _replace_in(self, host: HostKey, key: Key, old: HostReport | None, new: HostReport | None) -> None:
        reports = self._hosts.setdefault(host, _HostReports(host.host))
        reports.replace(key, old, new)
        if any(report is not None and _affects_breaker(report) for report in (old, new)):
            self._update(host, reports)
        if not reports.keys:
            del self._hosts[host]

    def _update(self, host: HostKey, reports: "_HostReports") -> None:
        """Compute the breaker again. Notify the dependent keys if the breaker changed."""
        before, after = self._breakers.get(host, _CLOSED), reports.combine()
        if after == before:
            return
        if after == _CLOSED:
            self._breakers.pop(host, None)
        else:
            self._breakers[host] = after
        for key in sorted(reports.keys):
            if _depends_on_breaker(self._reports[key]):
                self._notify(key)


@dataclass(slots=True)
class _HostReports:
    """All reports of one host.

    Imports that failed together have equal records, so each different record is stored once with the number of equal
    records. The state is computed again only when a new record appears or the last equal record disappears.
    """

    host: str
    keys: set[Key] = field(default_factory=set)
    _probes: set[Key] = field(default_factory=set)
    _records: Counter[HostRecord] = field(default_factory=Counter)
    _pauses: Counter[datetime] = field(default_factory=Counter)
    _state: BreakerState | None = None
    _is_stale: bool = False

    def combine(self) -> _Breaker:
        """Return the breaker for all reports."""
        if self._is_stale:
            self._state, self._is_stale = combine_records(self.host, self._records), False
        probes = frozenset(self._probes) if self._state else frozenset[Key]()
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


def _affects_breaker(report: HostReport) -> bool:
    """Return whether a report affects the state of the breaker."""
    return report.record is not None or report.pause is not None or report.probes


def _depends_on_breaker(report: HostReport) -> bool:
    """Return whether a change of the breaker may change the decision about the import or listing of this report."""
    return report.waits or report.starts or (report.record is not None and report.record.failures > 0)


def _count(numbers: Counter[T], value: T, step: int) -> bool:
    """Add ``step`` to the count of a value. Return whether the count became 0 or was 0 before."""
    before = numbers[value]
    numbers[value] += step
    if not numbers[value]:
        del numbers[value]
    return not before or not numbers[value]
