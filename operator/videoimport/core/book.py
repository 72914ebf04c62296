"""A BulkImport at one moment: each distinct item of its list with the child and the ledger entry that belong to it."""

from dataclasses import dataclass
from functools import cached_property

from videoimport.api.bulk_source import Item
from videoimport.api.bulk_status import BulkImportStatus, BulkPhase, LedgerEntry
from videoimport.api.bulkimport import BulkImportSpec
from videoimport.api.identity import item_identity
from videoimport.api.videoimport import VideoImport
from videoimport.core.ledger import entry_of, ledger_of
from videoimport.core.lifecycle import settled
from videoimport.core.naming import child_name
from videoimport.core.observe import ObservedBulk


@dataclass(frozen=True, slots=True)
class Line:
    """One item with all that is known of it. Exactly one of active, done and open holds, but for a child on its way
    out, which nothing can be done about until it is gone."""

    identity: str
    item: Item
    child: VideoImport | None
    recorded: LedgerEntry | None
    """As the ledger has it."""
    result: LedgerEntry | None
    """As its finished child shows it, else as recorded; None while its child is active."""
    valid: bool
    """The result counts: a success, or a failure under the present token."""
    unreadable: bool = False
    """Its child is there and cannot be read: it keeps its place in the window, and nothing is done about it."""

    @property
    def active(self) -> bool:
        """Its child has not ended, as far as that can be read."""
        if self.unreadable:
            return not self.done
        return self.child is not None and not settled(self.child)

    @property
    def done(self) -> bool:
        """It ended, with a result that counts."""
        return self.result is not None and self.valid

    @property
    def unrecorded(self) -> bool:
        """Its result is not in the ledger yet, or differently."""
        return self.result is not None and self.result != self.recorded

    @property
    def open(self) -> bool:
        """It is to be started."""
        leaving = self.child is not None and self.child.metadata.deletion_timestamp is not None
        return not (self.active or self.done or leaving or self.unreadable)


class Book:
    """All lines in the list's order, and what the bulk as a whole wants."""

    def __init__(self, observed: ObservedBulk) -> None:
        self.bulk = observed.bulk
        self.spec: BulkImportSpec = observed.bulk.spec
        self.status: BulkImportStatus = observed.bulk.status
        self.shards = observed.shards
        self.refusal = observed.refusal
        self._unreadable = observed.unreadable
        self._children = {child.metadata.name: child for child in observed.children}

    @cached_property
    def lines(self) -> tuple[Line, ...]:
        """A line for each distinct item; the first of equal ones counts."""
        items: dict[str, Item] = {}
        for item in self.spec.source.items or ():
            items.setdefault(item_identity(item.url), item)
        ledger = ledger_of(self.shards)
        return tuple(self._line(identity, item, ledger.get(identity)) for identity, item in items.items())

    @cached_property
    def strays(self) -> tuple[VideoImport, ...]:
        """Unfinished children of items that are no longer listed."""
        listed = {self._child_name(line.identity) for line in self.lines}
        others = (child for name, child in self._children.items() if name not in listed)
        return tuple(child for child in others if not settled(child) and child.metadata.deletion_timestamp is None)

    @cached_property
    def active(self) -> tuple[Line, ...]:
        """Items being imported."""
        return tuple(line for line in self.lines if line.active)

    @cached_property
    def results(self) -> tuple[LedgerEntry, ...]:
        """Results that count, in the list's order."""
        return tuple(line.result for line in self.lines if line.result and line.valid)

    @cached_property
    def unrecorded(self) -> dict[str, LedgerEntry]:
        """Results that the ledger lacks."""
        return {line.identity: line.result for line in self.lines if line.result and line.unrecorded}

    @property
    def stays_cancelled(self) -> bool:
        """It was cancelled, and taking ``cancel`` back does not start it without a new token."""
        return self.status.phase is BulkPhase.CANCELLED and self.status.observed_retry_token == self.spec.retry_token

    @property
    def stopped(self) -> bool:
        """Nothing may be started, and what is active is to end."""
        return self.spec.cancel or self.stays_cancelled

    def to_start(self) -> list[Line]:
        """As many open items as the window has room for, in the list's order."""
        room = 0 if self.stopped else self.spec.parallelism - len(self.active)
        return [line for line in self.lines if line.open][: max(0, room)]

    def _line(self, identity: str, item: Item, recorded: LedgerEntry | None) -> Line:
        name = self._child_name(identity)
        child = self._children.get(name)
        result = recorded
        if child is not None:
            result = entry_of(child, item) if settled(child) else None
        valid = result is not None and (result.success or result.retry_token == self.spec.retry_token)
        return Line(identity, item, child, recorded, result, valid, name in self._unreadable)

    def _child_name(self, identity: str) -> str:
        return child_name(self.bulk.metadata.name, identity)
