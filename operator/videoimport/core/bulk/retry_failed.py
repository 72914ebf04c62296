"""What earlier bulks with the same source and destination left failed: found once, and kept as pages of its own, so
that nothing is lost when those bulks are deleted."""

from collections.abc import Iterable, Iterator

from videoimport.api.bulkimport import BulkImport
from videoimport.api.labels import PAGE
from videoimport.api.tasks.listing_task import MAX_PAGE_BYTES, MAX_PAGE_ITEMS, FoundItem, PageFacts, PageLine
from videoimport.core.bulk.snapshot import Book
from videoimport.core.discovery.page_digest import digest_of_data, newest
from videoimport.core.discovery.pages import earlier_of, manifest_of, own_pages, way_of
from videoimport.core.list_item import EARLIER, LINES, Listed
from videoimport.core.observed import ObservedBulk
from videoimport.core.plan import Create


def asks_for_earlier(observed: ObservedBulk) -> bool:
    """Whether it is to take up what others left, which it does once: the last of its pages says that it has."""
    wish = observed.bulk.spec
    if not wish.retry_failed or wish.cancel or wish.suspend:
        return False
    return not any(page.done for page in earlier_of(observed))


def left_failed(earlier: Iterable[ObservedBulk]) -> tuple[Listed, ...]:
    """Items that failed in one of these bulks, the oldest first, and that no later one brought."""
    found: dict[str, Listed] = {}
    for observed in earlier:
        book = Book(observed)
        accepted = book.accepted
        for identity, entry in book.ledger.items():
            if entry.success:
                found.pop(identity, None)
            elif identity in accepted:
                found[identity] = accepted[identity]
    return tuple(found.values())


def taking_up(book: Book) -> tuple[Create, ...]:
    """The pages that are still to be made for what others left; an empty one says that there was nothing."""
    items = book.to_take_up
    if items is None:
        return ()
    chunks = list(_chunks(items)) or [[]]
    first = 1 + max((page.number for page in own_pages(book.observed) if page.listing == EARLIER), default=-1)
    last = first + len(chunks) - 1
    return tuple(_page(book.bulk, number, lines, done=number == last) for number, lines in enumerate(chunks, first))


def digests_with(book: Book, pages: Iterable[Create]) -> dict[str, str]:
    """Return the digests to record before these pages are stored: with them they count, and no others do."""
    fresh = {page.manifest["metadata"]["labels"][PAGE]: digest_of_data(page.manifest["data"]) for page in pages}
    return newest(book.status.earlier_digests | fresh) if fresh else book.status.earlier_digests


def _page(bulk: BulkImport, number: int, lines: list[str], *, done: bool) -> Create:
    manifest = manifest_of(bulk, EARLIER, number, PageFacts(done=done, integration=way_of(bulk)))
    manifest["data"][LINES] = "".join(lines)
    return Create(manifest)


def _chunks(items: Iterable[Listed]) -> Iterator[list[str]]:
    chunk: list[str] = []
    size = 0
    for line in map(_line, items):
        if chunk and (len(chunk) >= MAX_PAGE_ITEMS or size + len(line.encode()) > MAX_PAGE_BYTES):
            yield chunk
            chunk, size = [], 0
        chunk.append(line)
        size += len(line.encode())
    if chunk:
        yield chunk


def _line(item: Listed) -> str:
    found = FoundItem(
        id=item.identity, url=item.url, key=item.key, name=item.name, metadata=item.metadata, checksum=item.checksum,
        slug=item.slug,
    )  # fmt: skip
    return PageLine(found=found).model_dump_json(by_alias=True, exclude_none=True) + "\n"
