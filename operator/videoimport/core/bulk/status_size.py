"""What of a long list stands in the status itself: as much as there is room for, so that the resource stays small.

Lengths are bytes of the JSON as it is sent, whatever the letters.
"""

from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import TypeVar

from videoimport.api.base import Model
from videoimport.api.bulkimport_status import (
    MAX_INLINE_ITEMS,
    MAX_INLINE_RESULTS,
    MAX_REFERENCES,
    AcceptedItem,
    BulkImportStatus,
    ItemResult,
    LedgerEntry,
    ShardReference,
)
from videoimport.api.tasks.listing_task import RejectedItem
from videoimport.api.untrusted_text import clean_text
from videoimport.core.bulk.snapshot import Book
from videoimport.core.list_item import Listed, Rejected
from videoimport.core.messages import fit

M = TypeVar("M", bound=Model)
_MOST_BYTES = 60_000
"""Of the status; 64 KiB with what the API server adds."""
_SHARES = {"results": 20_000, "rejected": 10_000, "accepted": 8_000}
"""Most bytes of each; where all else is long, they share what is left in this proportion."""
_MOST_OF_SHARDS, _MOST_OF_PAGES = 16_000, 8_000
"""Bytes of the references: two hundred shards and a hundred pages under the longest names. All have labels as well."""
_MAX_ERROR = 256
_MAX_CURSOR = 256


def with_lists(status: BulkImportStatus, book: Book) -> BulkImportStatus:
    """The status with references to all that is kept of the list, and as much of it as there is room for."""
    discovery = status.discovery
    if discovery is not None and discovery.cursor:
        discovery = discovery.model_copy(update={"cursor": fit(clean_text(discovery.cursor), _MAX_CURSOR)})
    bare = {"results": (), "rejected": (), "accepted": (), "discovery": discovery}
    references = {
        "results_ref": _fitting(_shards(book), _MOST_OF_SHARDS),
        "items_ref": _fitting(_pages(book), _MOST_OF_PAGES),
    }
    fixed = status.model_copy(update=bare | references)
    share = min(1.0, max(0, _MOST_BYTES - _size(fixed)) / sum(_SHARES.values()))
    rooms = {name: int(most * share) for name, most in _SHARES.items()}
    lists = {
        "results": _fitting(islice(_results(book), MAX_INLINE_RESULTS), rooms["results"]),
        "rejected": _fitting(map(_rejected, book.rejected[:MAX_INLINE_ITEMS]), rooms["rejected"]),
        "accepted": _fitting(islice(_accepted(book), MAX_INLINE_ITEMS), rooms["accepted"]),
    }
    return fixed.model_copy(update=lists)


def _fitting(models: Iterable[M], room: int) -> tuple[M, ...]:
    """As many from the first on as have room."""
    shown: list[M] = []
    for model in models:
        room -= _size(model) + 1
        if room < 0:
            break
        shown.append(model)
    return tuple(shown)


def _size(model: Model) -> int:
    return len(model.model_dump_json(by_alias=True, exclude_none=True).encode())


def _results(book: Book) -> Iterator[ItemResult]:
    """Failures first, each kind in the list's order."""
    successes = (result for result in book.items.results.values() if isinstance(result, Listed) or result.success)
    return (_short(book.shown(result)) for result in chain(book.tally.failures, successes))


def _short(result: LedgerEntry) -> ItemResult:
    fields = {name: getattr(result, name) for name in ItemResult.model_fields}
    return ItemResult(**fields | {"error": result.error and fit(result.error, _MAX_ERROR)})


def _accepted(book: Book) -> Iterator[AcceptedItem]:
    return (AcceptedItem(name=item.name, url=book.address(item)) for item in book.accepted.values())


def _rejected(line: Rejected) -> RejectedItem:
    return RejectedItem(name=line.name, url=line.url, reason=line.reason, message=line.message)


def _shards(book: Book) -> tuple[ShardReference, ...]:
    kept = [shard for shard in book.shards if not shard.deleting][:MAX_REFERENCES]
    return tuple(ShardReference(name=shard.name, count=len(shard.entries)) for shard in kept)


def _pages(book: Book) -> tuple[ShardReference, ...]:
    kept = (*book.pages, *book.earlier)[:MAX_REFERENCES]
    return tuple(ShardReference(name=page.name, count=len(page.items) + len(page.rejected)) for page in kept)
