"""The section of a long list that is in the status itself. The section is limited, so that the resource stays small.

All lengths are numbers of bytes of the JSON that is sent. A non-ASCII character counts with its bytes.
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
"""Maximum bytes of the status. With the additions of the API server, the size is at most 64 KiB."""
_LIST_BYTES = {"results": 20_000, "rejected": 10_000, "accepted": 8_000}
"""Maximum bytes of each list. If the rest of the status is long, the lists get what is left in this proportion."""
_MAX_SHARD_REFERENCES, _MAX_PAGE_REFERENCES = 16_000, 8_000
"""Maximum bytes of the references: enough for two hundred shards and a hundred pages with the longest names. All shards
and pages can also be found by their labels."""
_MAX_ERROR = 256
_MAX_CURSOR = 256


def fill_status_lists(status: BulkImportStatus, snapshot: BulkSnapshot) -> BulkImportStatus:
    """Return the status with references to all pages and shards, and with as many entries of the list as the limit
    allows."""
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
    """Return the first models that fit into this number of bytes."""
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
    """Yield the failures, then the successes, both in the order of the list."""
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
