"""Failed items of earlier BulkImports with the same source and destination.

A BulkImport finds these items once and stores them as separate pages. So nothing is lost when the earlier BulkImports
are deleted.
"""

from collections.abc import Iterable, Iterator

from videoimport.api.bulkimport import BulkImport
from videoimport.api.labels import PAGE
from videoimport.api.tasks.listing_task import MAX_PAGE_BYTES, MAX_PAGE_ITEMS, FoundItem, PageFacts, PageLine
from videoimport.core.bulk.snapshot import BulkSnapshot
from videoimport.core.discovery.page_digest import hash_page_data, keep_newest_digests
from videoimport.core.discovery.pages import build_page_manifest, derive_target_key, list_own_pages, select_retry_pages
from videoimport.core.list_item import EARLIER, LINES, Listed
from videoimport.core.observed import ObservedBulk
from videoimport.core.plan import Create


def needs_failed_items(observed: ObservedBulk) -> bool:
    """Return whether the BulkImport must add the failed items of earlier BulkImports. The controller adds these
    items only once. A mark on the last page of these items shows that all items are added."""
    spec = observed.bulk.spec
    if not spec.retry_failed or spec.cancel or spec.suspend:
        return False
    return not any(page.done for page in select_retry_pages(observed))


def collect_failed_items(earlier: Iterable[ObservedBulk]) -> tuple[Listed, ...]:
    """Return the items that failed in one of these BulkImports and that no later BulkImport imported. The items are
    in the order of the BulkImports, with the oldest BulkImport first."""
    found: dict[str, Listed] = {}
    for observed in earlier:
        snapshot = BulkSnapshot(observed)
        accepted = snapshot.accepted
        for identity, entry in snapshot.ledger.items():
            if entry.success:
                found.pop(identity, None)
            elif identity in accepted:
                found[identity] = accepted[identity]
    return tuple(found.values())


def create_retry_pages(snapshot: BulkSnapshot) -> tuple[Create, ...]:
    """Return the missing pages for the failed items of earlier BulkImports. If there are no such items, the result is
    one empty page."""
    items = snapshot.failed_to_retry
    if items is None:
        return ()
    chunks = list(_chunk_lines(items)) or [[]]
    first = 1 + max((page.number for page in list_own_pages(snapshot.observed) if page.listing == EARLIER), default=-1)
    last = first + len(chunks) - 1
    return tuple(
        _create_retry_page(snapshot.bulk, number, lines, done=number == last)
        for number, lines in enumerate(chunks, first)
    )


def add_retry_digests(snapshot: BulkSnapshot, pages: Iterable[Create]) -> dict[str, str]:
    """Return the digests that must be recorded before these pages are stored. A page is valid only if its digest is
    recorded."""
    fresh = {page.manifest["metadata"]["labels"][PAGE]: hash_page_data(page.manifest["data"]) for page in pages}
    return keep_newest_digests(snapshot.status.earlier_digests | fresh) if fresh else snapshot.status.earlier_digests


def _create_retry_page(bulk: BulkImport, number: int, lines: list[str], *, done: bool) -> Create:
    manifest = build_page_manifest(bulk, EARLIER, number, PageFacts(done=done, integration=derive_target_key(bulk)))
    manifest["data"][LINES] = "".join(lines)
    return Create(manifest)


def _chunk_lines(items: Iterable[Listed]) -> Iterator[list[str]]:
    chunk: list[str] = []
    size = 0
    for line in map(_encode_item, items):
        if chunk and (len(chunk) >= MAX_PAGE_ITEMS or size + len(line.encode()) > MAX_PAGE_BYTES):
            yield chunk
            chunk, size = [], 0
        chunk.append(line)
        size += len(line.encode())
    if chunk:
        yield chunk


def _encode_item(item: Listed) -> str:
    found = FoundItem(
        id=item.identity, url=item.url, key=item.key, name=item.name, metadata=item.metadata, checksum=item.checksum,
        slug=item.slug,
    )  # fmt: skip
    return PageLine(found=found).model_dump_json(by_alias=True, exclude_none=True) + "\n"
