"""A list's items by what is to be done about them, in one pass: there may be a hundred thousand."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from videoimport.api.bulkimport_status import LedgerEntry
from videoimport.api.reasons import Reason
from videoimport.api.videoimport import VideoImport
from videoimport.core.bulk.ledger import build_ledger_entry, has_same_outcome, matches_item
from videoimport.core.list_item import Listed
from videoimport.core.video_status import is_settled


@dataclass(slots=True)
class ItemStates:
    """Of each item, at most one of results, active, open and unread holds."""

    results: dict[str, LedgerEntry | Listed] = field(default_factory=dict)
    """The results that count, in the list's order: a success, or a failure under the present token. An item that the
    listing found in the destination is its own result."""
    active: dict[str, VideoImport] = field(default_factory=dict)
    """Children that have not ended."""
    open: list[Listed] = field(default_factory=list)
    """To be started."""
    unreadable: list[Listed] = field(default_factory=list)
    """Their child cannot be read: they keep their place in the window, and nothing is done about them."""
    ledger_updates: dict[str, LedgerEntry] = field(default_factory=dict)
    """Results that the ledger lacks, or has differently."""
    unrecorded: int = 0
    """The number of updates whose item the ledger lacks: no item may be reported as ended before the ledger has it."""
    retried: int = 0
    """Items that failed and are tried, or to be tried, again."""


@dataclass(frozen=True, slots=True)
class ItemClassifier:
    """What there is to sort by."""

    children: Mapping[str, VideoImport]
    """By their item's identity."""
    unreadable: frozenset[str]
    """Identities of items whose child cannot be read."""
    ledger: Mapping[str, LedgerEntry]
    tokens: frozenset[str]
    """Under which a failure counts."""
    incremental: bool
    """What the listing found in the destination is not imported."""
    format_address: Callable[[Listed], str]

    def classify(self, items: Mapping[str, Listed]) -> ItemStates:
        """All of them, in their order."""
        found, with_child = ItemStates(), self.children.keys() | self.unreadable
        for identity, item in items.items():
            recorded = self.ledger.get(identity)
            if identity in with_child:
                self._classify_child(found, item, recorded)
            elif recorded is not None and (recorded.success or recorded.retry_token in self.tokens):
                found.results[identity] = recorded
            elif self.incremental and item.known is not None:
                found.results[identity] = item
            else:
                found.open.append(item)
                found.retried += recorded is not None
        return found

    def _classify_child(self, found: ItemStates, item: Listed, recorded: LedgerEntry | None) -> None:
        child = self.children.get(item.identity)
        if child is None:
            self._classify_unreadable(found, item, recorded)
        elif is_settled(child):
            self._classify_finished(found, item, child, recorded)
        else:
            found.active[item.identity] = child
            found.retried += recorded is not None and not recorded.success

    def _classify_unreadable(self, found: ItemStates, item: Listed, recorded: LedgerEntry | None) -> None:
        if recorded is not None and self._is_counted(recorded):
            found.results[item.identity] = recorded
        else:
            found.unreadable.append(item)

    def _classify_finished(
        self, found: ItemStates, item: Listed, child: VideoImport, recorded: LedgerEntry | None
    ) -> None:
        """A child that is being deleted holds its place until it is gone."""
        same = recorded is not None and matches_item(recorded, child, item)
        result = (
            recorded if recorded is not None and same else build_ledger_entry(child, item, self.format_address(item))
        )
        if not same:
            found.ledger_updates[item.identity] = result
            found.unrecorded += recorded is None or not has_same_outcome(recorded, result)
        if self._is_counted(result):
            found.results[item.identity] = result
        elif child.metadata.deletion_timestamp is None:
            found.open.append(item)
            found.retried += 1

    def _is_counted(self, result: LedgerEntry) -> bool:
        return result.success or result.retry_token in self.tokens


@dataclass(frozen=True, slots=True)
class ResultCounts:
    """Results in numbers."""

    completed: int
    duplicates: int
    """Of the completed."""
    bytes_in: int
    bytes_out: int
    failures: tuple[LedgerEntry, ...]
    """In the list's order."""

    @property
    def failed(self) -> int:
        """How many did."""
        return len(self.failures)


def count_results(results: Iterable[LedgerEntry | Listed]) -> ResultCounts:
    """These results in numbers."""
    completed = duplicates = bytes_in = bytes_out = 0
    failures: list[LedgerEntry] = []
    for result in results:
        if isinstance(result, Listed):
            completed, duplicates = completed + 1, duplicates + 1
            continue
        bytes_in += result.bytes_in
        bytes_out += result.bytes_out
        if result.success:
            completed += 1
            duplicates += result.reason is Reason.DUPLICATE
        else:
            failures.append(result)
    return ResultCounts(completed, duplicates, bytes_in, bytes_out, tuple(failures))
