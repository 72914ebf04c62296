"""The part of a long list in the status itself: as much as fits, so that the resource stays small.

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
from videoimport.api.untrusted_text import clean_text, fit
from videoimport.core.bulk.snapshot import BulkSnapshot
from videoimport.core.list_item import Listed, RefusedItem

M = TypeVar("M", bound=Model)
_MAX_STATUS_BYTES = 60_000
"""Of the status; 64 KiB with what the API server adds."""
_LIST_BYTES = {"results": 20_000, "rejected": 10_000, "accepted": 8_000}
"""Most bytes of each; where all else is long, they share what is left in this proportion."""
_MAX_SHARD_REFERENCES, _MAX_PAGE_REFERENCES = 16_000, 8_000
"""Bytes of the references: two hundred shards and a hundred pages under the longest names. All have labels as well."""
_MAX_ERROR = 256
_MAX_CURSOR = 256


def fill_status_lists(status: BulkImportStatus, snapshot: BulkSnapshot) -> BulkImportStatus:
    """The status with references to all that is kept of the list, and as much of it as there is room for."""
    discovery = status.discovery
    if discovery is not None and discovery.cursor:
        discovery = discovery.model_copy(update={"cursor": fit(clean_text(discovery.cursor), _MAX_CURSOR)})
    bare = {"results": (), "rejected": (), "accepted": (), "discovery": discovery}
    shards = [shard for shard in snapshot.shards if not shard.deleting][:MAX_REFERENCES]
    pages = (*snapshot.pages, *snapshot.retry_pages)[:MAX_REFERENCES]
    results_ref = (ShardReference(name=shard.name, count=len(shard.entries)) for shard in shards)
    items_ref = (ShardReference(name=page.name, count=len(page.items) + len(page.rejected)) for page in pages)
    references = {
        "results_ref": _truncate_to_size(results_ref, _MAX_SHARD_REFERENCES),
        "items_ref": _truncate_to_size(items_ref, _MAX_PAGE_REFERENCES),
    }
    fixed = status.model_copy(update=bare | references)
    share = min(1.0, max(0, _MAX_STATUS_BYTES - _measure_model(fixed)) / sum(_LIST_BYTES.values()))
    byte_limits = {name: int(most * share) for name, most in _LIST_BYTES.items()}
    lists = {
        "results": _truncate_to_size(islice(_list_results(snapshot), MAX_INLINE_RESULTS), byte_limits["results"]),
        "rejected": _truncate_to_size(
            map(_convert_rejected, snapshot.rejected[:MAX_INLINE_ITEMS]), byte_limits["rejected"]
        ),
        "accepted": _truncate_to_size(islice(_list_accepted(snapshot), MAX_INLINE_ITEMS), byte_limits["accepted"]),
    }
    return fixed.model_copy(update=lists)


def _truncate_to_size(models: Iterable[M], byte_limit: int) -> tuple[M, ...]:
    """The first ones, as many as fit."""
    shown: list[M] = []
    for model in models:
        byte_limit -= _measure_model(model) + 1
        if byte_limit < 0:
            break
        shown.append(model)
    return tuple(shown)


def _measure_model(model: Model) -> int:
    return len(model.model_dump_json(by_alias=True, exclude_none=True).encode())


def _list_results(snapshot: BulkSnapshot) -> Iterator[ItemResult]:
    """Failures first, each kind in the list's order."""
    successes = (result for result in snapshot.items.results.values() if isinstance(result, Listed) or result.success)
    return (
        _shorten_result(snapshot.build_result_entry(result))
        for result in chain(snapshot.result_counts.failures, successes)
    )


def _shorten_result(result: LedgerEntry) -> ItemResult:
    fields = {name: getattr(result, name) for name in ItemResult.model_fields}
    return ItemResult(**fields | {"error": result.error and fit(result.error, _MAX_ERROR)})


def _list_accepted(snapshot: BulkSnapshot) -> Iterator[AcceptedItem]:
    return (AcceptedItem(name=item.name, url=snapshot.format_address(item)) for item in snapshot.accepted.values())


def _convert_rejected(line: RefusedItem) -> RejectedItem:
    return RejectedItem(name=line.name, url=line.url, reason=line.reason, message=line.message)
