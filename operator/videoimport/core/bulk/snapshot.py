"""Snapshot of a BulkImport: its list, its spec, and the child and ledger entry of each item.

Each value is computed on first use, and only once.
"""

from dataclasses import dataclass
from functools import cached_property

from videoimport.api.bulkimport import BulkImportSpec
from videoimport.api.bulkimport_status import BulkImportStatus, BulkPhase, LedgerEntry
from videoimport.api.reasons import Reason
from videoimport.api.videoimport import VideoImport
from videoimport.core.bulk.accepted_items import AcceptedItems, collect_accepted_items, format_item_address
from videoimport.core.bulk.child_actions import build_child_name
from videoimport.core.bulk.duplicate_children import ChildClaims, resolve_child_claims
from videoimport.core.bulk.failure_policy import check_failure_policy
from videoimport.core.bulk.item_states import ItemClassifier, ItemStates, ResultCounts, count_results
from videoimport.core.bulk.ledger import read_ledger
from videoimport.core.bulk.retry_tokens import list_counted_tokens
from videoimport.core.bulk.start_window import select_next_items
from videoimport.core.discovery.pages import hash_listing, is_list_complete, select_counted_pages, select_retry_pages
from videoimport.core.list_item import Listed, RefusedItem
from videoimport.core.names_and_owners import build_bulk_owner, find_child_item, is_shard_of, parse_child_identity
from videoimport.core.observed import ObservedBulk, PageView
from videoimport.core.video_status import is_settled


@dataclass(frozen=True, slots=True)
class ItemOutcome:
    """One accepted item and its result."""

    listed: Listed
    result: LedgerEntry | None
    """Result of the item; None without a valid result."""

    @property
    def done(self) -> bool:
        """True if the item ended with a valid result."""
        return self.result is not None


class BulkSnapshot:
    """All items in the order of the list, and the facts about the BulkImport as a whole."""

    def __init__(self, observed: ObservedBulk) -> None:
        self.observed = observed
        self.bulk = observed.bulk
        self.spec: BulkImportSpec = observed.bulk.spec
        self.status: BulkImportStatus = observed.bulk.status
        owner = build_bulk_owner(self.bulk.metadata)
        self.shards = tuple(shard for shard in observed.shards if is_shard_of(shard, owner))
        self.refusal = observed.refusal
        items = ((find_child_item(child.metadata, owner), child) for child in observed.children)
        self._own_children = tuple((identity, child) for identity, child in items if identity is not None)
        unreadable = (parse_child_identity(owner.name, name) for name in observed.unreadable)
        self._unreadable = frozenset(identity for identity in unreadable if identity is not None)

    @cached_property
    def _claims(self) -> ChildClaims:
        return resolve_child_claims(self._own_children, self._derive_name)

    def _derive_name(self, identity: str) -> str | None:
        item = self.accepted.get(identity)
        return build_child_name(self.bulk, item) if item is not None else None

    @property
    def children(self) -> dict[str, VideoImport]:
        """Children by the identity of the item."""
        return self._claims.children

    @property
    def surplus(self) -> tuple[VideoImport, ...]:
        """Children whose item has another child too, for example after the title of the item changed."""
        return self._claims.surplus

    @cached_property
    def pages(self) -> tuple[PageView, ...]:
        """The valid pages of the list."""
        return select_counted_pages(self.observed, hash_listing(self.bulk)) if self.spec.source.is_listed else ()

    @cached_property
    def retry_pages(self) -> tuple[PageView, ...]:
        """The pages with failed items of earlier BulkImports."""
        return select_retry_pages(self.observed) if self.spec.retry_failed else ()

    @cached_property
    def complete(self) -> bool:
        """True if the whole list is known."""
        return is_list_complete(self.bulk, self.pages) if self.spec.source.is_listed else True

    @cached_property
    def _accepted_items(self) -> AcceptedItems:
        return collect_accepted_items(self.bulk, (*self.pages, *self.retry_pages))

    @property
    def accepted(self) -> dict[str, Listed]:
        """Items to import, by identity, in the order of the list."""
        return self._accepted_items.accepted

    @property
    def rejected(self) -> tuple[RefusedItem, ...]:
        """Items that are not imported."""
        return self._accepted_items.rejected

    @cached_property
    def items(self) -> ItemStates:
        """The accepted items by state."""
        classifier = ItemClassifier(
            children=self.children,
            unreadable=self._unreadable,
            ledger=self.ledger,
            tokens=list_counted_tokens(self.spec),
            incremental=self.spec.incremental,
            format_address=self.format_address,
        )
        return classifier.classify(self.accepted)

    @cached_property
    def ledger(self) -> dict[str, LedgerEntry]:
        """All recorded results by identity, including results of unlisted items."""
        return read_ledger(self.shards)

    def format_address(self, item: Listed) -> str:
        """Return the address of an item in the form for users."""
        return format_item_address(self.bulk, item)

    @cached_property
    def result_counts(self) -> ResultCounts:
        """The counts of the valid results."""
        return count_results(self.items.results.values())

    @property
    def results(self) -> tuple[LedgerEntry, ...]:
        """Valid results in the order of the list."""
        return tuple(self.build_result_entry(result) for result in self.items.results.values())

    @property
    def outcomes(self) -> tuple[ItemOutcome, ...]:
        """All accepted items with their results, in the order of the list."""
        found = self.items.results
        return tuple(
            ItemOutcome(item, self.build_result_entry(found[key]) if key in found else None)
            for key, item in self.accepted.items()
        )

    def build_result_entry(self, result: LedgerEntry | Listed) -> LedgerEntry:
        """Return a result in the form of a ledger entry, also for an item that the listing found in the destination."""
        if isinstance(result, LedgerEntry):
            return result
        video, uri = (result.known.video_id, result.known.uri) if result.known else (None, None)
        place = self.format_address(result)
        return LedgerEntry(name=result.name, url=place, success=True, video_id=video, reason=Reason.DUPLICATE, uri=uri)

    @property
    def active(self) -> int:
        """The number of items that are being imported. Items of an earlier list are included until the whole list is
        known."""
        return len(self.items.active) + len(self.items.unreadable) + self.unlisted_count

    @property
    def unlisted_count(self) -> int:
        """The number of running children whose items are not listed so far."""
        return 0 if self.complete else len(self.unlisted_children)

    @cached_property
    def has_unfinished_children(self) -> bool:
        """True if some child has not ended, even if its item is not listed. A child that is being deleted may still
        have an active run."""
        return any(not is_settled(child) for _, child in self._own_children)

    @cached_property
    def running(self) -> dict[str, VideoImport]:
        """Children that have not ended and are not being deleted, by name. Children of unlisted items are included."""
        alive = (child for _, child in self._own_children if child.metadata.deletion_timestamp is None)
        return {child.metadata.name: child for child in alive if not is_settled(child)}

    @cached_property
    def unlisted_children(self) -> tuple[VideoImport, ...]:
        """Running children whose items are not in the known part of the list."""
        own = {child.metadata.name for identity, child in self.children.items() if identity in self.accepted}
        return tuple(child for name, child in self.running.items() if name not in own)

    @property
    def children_to_prune(self) -> tuple[VideoImport, ...]:
        """Unfinished children of items that are no longer listed. The value is empty until the whole list is known."""
        return self.unlisted_children if self.complete else ()

    @property
    def stays_cancelled(self) -> bool:
        """True if the BulkImport was cancelled. Without a new retryToken, ``cancel: false`` does not start the
        BulkImport again."""
        return self.status.phase is BulkPhase.CANCELLED and self.status.observed_retry_token == self.spec.retry_token

    @property
    def stopped(self) -> bool:
        """True if no item may start and active items must end."""
        return self.spec.cancel or self.stays_cancelled

    @property
    def suspended(self) -> bool:
        """True if no item may start and active items must pause."""
        return self.spec.suspend and not self.stopped

    @cached_property
    def policy_exceeded(self) -> str:
        """Message why the failurePolicy allows no further item. The value is empty if the policy allows further
        items."""
        return check_failure_policy(
            self.spec.failure_policy, self.result_counts.failed, len(self.accepted), complete=self.complete
        )

    @property
    def queued(self) -> bool:
        """True if the BulkImport must wait for other BulkImports with the same source and destination. A dry run
        does not wait for other BulkImports."""
        return self.observed.ahead > 0 and not self.spec.dry_run

    @property
    def held(self) -> bool:
        """True if no item may start and no page may be listed."""
        return self.stopped or self.suspended or self.queued or bool(self.policy_exceeded)

    @cached_property
    def failed_to_retry(self) -> tuple[Listed, ...] | None:
        """The failed items of earlier BulkImports that are on no page so far. The value is None if the pages are
        complete or not needed now."""
        failed_items = self.observed.left_failed
        if failed_items is None or self._retry_pages_done or self.held or not self.spec.retry_failed:
            return None
        taken = {item.identity for page in self.retry_pages for item in page.items}
        return tuple(item for item in failed_items if item.identity not in taken)

    @property
    def _retry_pages_done(self) -> bool:
        return bool(self.retry_pages) and self.retry_pages[-1].done

    @property
    def has_retry_pending(self) -> bool:
        """True if failed items of earlier BulkImports must still be added, now or after those BulkImports have
        ended."""
        return self.failed_to_retry is not None or (
            self.spec.retry_failed and self.queued and not self._retry_pages_done
        )

    @property
    def finished(self) -> bool:
        """True if all items of the whole list have a valid result, and the observed ledger has these results."""
        everything = self.complete and len(self.items.results) == len(self.accepted)
        return everything and not self.items.unrecorded and not self.has_retry_pending

    @cached_property
    def to_start(self) -> list[Listed]:
        """Open items to start. Their number is at most the free space in the start window."""
        if self.held or self.spec.dry_run:
            return []
        busy = frozenset(host.host for host in self.observed.hosts)
        active = list(self.items.active.values())
        return select_next_items(
            self.bulk, self.items.open, active, self.unlisted_count + len(self.items.unreadable), busy
        )
