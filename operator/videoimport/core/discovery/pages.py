"""The pages of a list: which stored pages are valid, and the ConfigMap of the next page.

A listing is identified by the fields that its pages depend on. So pages of an earlier spec never belong to the present
listing.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from videoimport.api.bulkimport import IDENTITY, BulkImport, Template
from videoimport.api.bulkimport_source import MAX_LISTED
from videoimport.api.identity import integration
from videoimport.api.labels import BULK, LISTING, PAGE
from videoimport.api.tasks.listing_task import PageFacts, Skipped
from videoimport.core.discovery.page_digest import count_proven_pages
from videoimport.core.list_item import EARLIER, FACTS
from videoimport.core.names_and_owners import (
    CALM,
    OUR_LABELS,
    build_bulk_owner,
    build_owner_references,
    build_page_name,
    is_page_of,
)
from videoimport.core.observed import ObservedBulk, PageView
from videoimport.core.plan import Delete, Manifest

_Json = dict[str, Any]
_INLINE = "items"
_LISTING_DIGITS, _SPEC_DIGITS = 8, 16
MAX_LINES = 2 * MAX_LISTED
"""Maximum number of lines on all pages of a list. No other limit bounds the rejected items."""
MAX_PAGES = 4000
"""Maximum number of pages of a list, because a page may have no lines. This number of pages is enough for a list of
MAX_LISTED items that yields little more than one item a second."""


def hash_listing(bulk: BulkImport) -> str:
    """Return eight hex digits of a hash of the fields that the pages depend on: the source and the checks.

    If the worker reads the video index, the fields include the destination and the output.
    """
    return _hash_json(_collect_listing_inputs(bulk))[:_LISTING_DIGITS]


def hash_listing_spec(bulk: BulkImport) -> str:
    """Return sixteen hex digits of a hash of all mutable fields that a listing uses. The fields include the names of
    the Secrets and the options of the pod."""
    source, template = bulk.spec.source, bulk.spec.template
    logins = [ref and ref.name for ref in (source.credentials_secret_ref, template.destination.credentials_secret_ref)]
    return _hash_json([_collect_listing_inputs(bulk), logins, template.worker.canonical()])[:_SPEC_DIGITS]


def list_counted_pages(observed: ObservedBulk) -> tuple[PageView, ...]:
    """Return the valid pages of the BulkImport's list. The result is empty for inline items."""
    return select_counted_pages(observed, hash_listing(observed.bulk)) if observed.bulk.spec.source.is_listed else ()


def list_own_pages(observed: ObservedBulk) -> tuple[PageView, ...]:
    """Return the ConfigMaps that have the name of a page of this BulkImport, including pages of an earlier list."""
    bulk = build_bulk_owner(observed.bulk.metadata)
    return tuple(page for page in observed.pages if is_page_of(page, bulk))


def select_counted_pages(observed: ObservedBulk, listing: str) -> tuple[PageView, ...]:
    """Return the valid pages of this listing, from the first page on without a gap. Each page begins at the end of
    the previous page. A page is valid only if the status had its digest before the page was stored."""
    own = {page.number: page for page in list_own_pages(observed) if page.listing == listing and not page.deleting}
    found: list[PageView] = []
    while len(found) in own:
        found.append(own[len(found)])
    recorded = get_recorded_chain(observed.bulk, listing)
    return tuple(found[: count_proven_pages(listing, (page.digest for page in found), recorded)])


def get_recorded_chain(bulk: BulkImport, listing: str) -> Mapping[str, str]:
    """Return the digests of this listing's pages from the status. The result is empty if the status is about another
    listing."""
    discovery = bulk.status.discovery
    return discovery.page_digests if discovery is not None and discovery.listing == listing else {}


def delete_obsolete_pages(observed: ObservedBulk, counted: Iterable[PageView]) -> tuple[Delete, ...]:
    """Return the deletions of all pages that are not valid, because new pages need their names.

    Such a page belongs to another listing, does not continue a valid page, or differs from its digest.
    """
    kept, namespace = {page.uid for page in counted}, observed.bulk.metadata.namespace
    others = (
        page
        for page in list_own_pages(observed)
        if page.uid not in kept and page.listing != EARLIER and not page.deleting
    )
    return tuple(Delete("ConfigMap", namespace, page.name, page.uid) for page in others)


def derive_target_key(bulk: BulkImport) -> str:
    """Return eight hex digits of a hash of the source of a list and the destination of its videos.

    For inline items, the result is always the same constant. So a new item in the spec does not make the pages with
    failed items invalid.
    """
    return integration(bulk.spec)[:_LISTING_DIGITS] if bulk.spec.source.is_listed else _INLINE


def select_retry_pages(observed: ObservedBulk) -> tuple[PageView, ...]:
    """Return the pages with failed items of earlier BulkImports.

    A page is valid only for the source and destination under which the page was added. With another source or
    destination, the object keys of the items may name other objects. The page's digest must also be in the status.
    """
    recorded = observed.bulk.status.earlier_digests
    own = [page for page in list_own_pages(observed) if page.listing == EARLIER and not page.deleting]
    way = derive_target_key(observed.bulk) if own else ""
    return tuple(page for page in own if page.integration == way and recorded.get(str(page.number)) == page.digest)


def get_item_limit(bulk: BulkImport) -> int:
    """Return the maximum number of accepted items of the list. An item on two pages counts once."""
    playlist = bulk.spec.source.playlist
    return min((playlist and playlist.limit) or MAX_LISTED, MAX_LISTED)


def is_page_limit_reached(bulk: BulkImport, pages: tuple[PageView, ...]) -> bool:
    """Return whether the limit of pages stopped the reading before the end of the list, although more items are
    wanted."""
    return is_list_complete(bulk, pages) and not pages[-1].done and not _is_full(bulk, pages)


def exceeds_item_limit(bulk: BulkImport, pages: tuple[PageView, ...]) -> bool:
    """Return whether the list has more items than any list may have."""
    if get_item_limit(bulk) < MAX_LISTED or not _is_full(bulk, pages):
        return False
    return not pages[-1].done or _count_distinct(pages) > MAX_LISTED


def is_list_complete(bulk: BulkImport, pages: tuple[PageView, ...]) -> bool:
    """Return whether the whole list is known, or at least the section that the BulkImport uses. With this check, the
    listing of an endless list also ends."""
    if not pages:
        return False
    lines = sum(len(page.items) + len(page.rejected) for page in pages)
    return pages[-1].done or lines >= MAX_LINES or len(pages) >= MAX_PAGES or _is_full(bulk, pages)


def _is_full(bulk: BulkImport, pages: tuple[PageView, ...]) -> bool:
    bound = get_item_limit(bulk)
    if sum(len(page.items) for page in pages) < bound:
        return False  # the usual case, which is cheap to check
    return _count_distinct(pages) >= bound


def _count_distinct(pages: tuple[PageView, ...]) -> int:
    return len({item.identity for page in pages for item in page.items})


def sum_skipped(pages: tuple[PageView, ...]) -> Skipped:
    """Return the counts of list entries that are neither found nor rejected, summed over all pages. If an item is on
    two pages, the second one counts as repeated."""
    total = Skipped()
    for page in pages:
        total = total.plus(page.skipped)
    items = sum(len(page.items) for page in pages)
    if _count_distinct(pages) == items:  # the usual case; addresses are slower to compare than identities
        return total
    addresses = {(item.url, item.key) for page in pages for item in page.items}
    return total.plus(Skipped(repeats=items - len(addresses)))


def build_page_manifest(bulk: BulkImport, listing: str, number: int, facts: PageFacts) -> Manifest:
    """Return the ConfigMap of a page to create, without the lines. The caller adds the lines under the data key
    LINES."""
    meta = bulk.metadata
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": build_page_name(meta.name, listing, number),
            "namespace": meta.namespace,
            "labels": OUR_LABELS | {BULK: meta.name, PAGE: str(number), LISTING: listing},
            "annotations": CALM,
            "ownerReferences": build_owner_references(IDENTITY, meta),
        },
        "immutable": True,
        "data": {FACTS: facts.model_dump_json(by_alias=True, exclude_none=True)},
    }


def _collect_listing_inputs(bulk: BulkImport) -> _Json:
    spec = bulk.spec
    source = {key: value for key, value in spec.source.canonical().items() if key != "credentialsSecretRef"}
    requirements = spec.template.requirements
    checked = requirements.canonical() if requirements is not None else None
    return {
        "uid": bulk.metadata.uid,
        "source": source,
        "requirements": checked,
        "known": _describe_index(spec.template) if spec.incremental else None,
    }


def _describe_index(template: Template) -> _Json:
    """Return the fields that make two videos the same in the destination's index, and the place of that index."""
    destination, output = template.destination, template.output.canonical()
    store, claim = destination.s3, destination.persistent_volume_claim
    at = [store.endpoint, store.bucket] if store else [claim.claim_name] if claim else []
    return {"at": at, "prefix": destination.prefix, "folder": destination.folder, "output": output}


def _hash_json(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
