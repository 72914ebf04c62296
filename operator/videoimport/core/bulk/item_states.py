"""The items of a list by their state. All items are sorted in one pass, because a list may have a hundred thousand
items."""

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
    """The items by state. Each item is in at most one of the fields ``results``, ``active``, ``open`` and
    ``unreadable``."""

    results: dict[str, LedgerEntry | Listed] = field(default_factory=dict)
    """Valid results in the order of the list: each success, and each failure under the present token. An item that the
    listing found in the destination is its own result."""
    active: dict[str, VideoImport] = field(default_factory=dict)
    """Children that have not ended."""
    open: list[Listed] = field(default_factory=list)
    """Items to start."""
    unreadable: list[Listed] = field(default_factory=list)
    """Items whose child cannot be read. Such items keep their place in the window, and their children do not change."""
    ledger_updates: dict[str, LedgerEntry] = field(default_factory=dict)
    """Results that the ledger does not have, or has with other values."""
    unrecorded: int = 0
    """Number of updates for which the ledger has no entry, or an entry with another outcome. No item may be reported as
    ended before the ledger has its result."""
    retried: int = 0
    """Number of items that failed before and that are being tried again or will be."""


@dataclass(frozen=True, slots=True)
class ItemClassifier:
    """The facts from which the state of an item is derived."""

    children: Mapping[str, VideoImport]
    """Children by the identity of the item."""
    unreadable: frozenset[str]
    """Identities of items whose child cannot be read."""
    ledger: Mapping[str, LedgerEntry]
    tokens: frozenset[str]
    """Tokens under which a failure is a valid result."""
    incremental: bool
    """True if items that the listing found in the destination are not imported."""
    format_address: Callable[[Listed], str]

    def classify(self, items: Mapping[str, Listed]) -> ItemStates:
        """Return the states of all these items. The order of the items stays the same."""
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
        """Add an item with a finished child to ``found``. A child that is being deleted keeps its place until it is
        gone."""
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
    """Counts of results by outcome, and the sums of their bytes."""

    completed: int
    duplicates: int
    """Number of completed items that the destination had already."""
    bytes_in: int
    bytes_out: int
    failures: tuple[LedgerEntry, ...]
    """Failures in the order of the list."""

    @property
    def failed(self) -> int:
        """The number of failed items."""
        return len(self.failures)


def count_results(results: Iterable[LedgerEntry | Listed]) -> ResultCounts:
    """Return the counts of these results."""
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
