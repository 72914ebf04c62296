"""The accepted and the rejected items of a whole list. Each distinct item occurs once.

If several items are equal, the first item is used. If one row accepts an item and another row rejects the same item,
the item is accepted. An identity has ten digits, so two different items may have the same identity. Then the second
item is rejected with a message.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from videoimport.api.bulkimport import BulkImport
from videoimport.api.bulkimport_source import Item
from videoimport.api.destination import most_name_bytes
from videoimport.api.metadata import MOST_KEYS, PREDEFINED, Metadata
from videoimport.api.prefilter import cheap
from videoimport.api.reasons import Reason
from videoimport.api.redaction import shown_url
from videoimport.api.untrusted_text import fit
from videoimport.core.discovery.pages import get_item_limit
from videoimport.core.list_item import EARLIER, Listed, RefusedItem, convert_inline_item
from videoimport.core.observed import PageView

_MAX_URL = 2048
_PREDEFINED = frozenset(PREDEFINED)


@dataclass(frozen=True, slots=True)
class AcceptedItems:
    """The accepted and the rejected items of a list."""

    accepted: dict[str, Listed]
    """Accepted items by identity, in the order of the list."""
    rejected: tuple[RefusedItem, ...]
    """Rejected items in the order of the list."""


def collect_accepted_items(bulk: BulkImport, pages: Iterable[PageView]) -> AcceptedItems:
    """Return the items of the spec or of these pages. The pages may include the pages with failed items of earlier
    BulkImports."""
    accepted: dict[str, Listed] = {}
    refused: dict[str, RefusedItem] = {}
    nameless: list[RefusedItem] = []
    others: dict[tuple[str | None, str | None], Listed] = {}
    most = get_item_limit(bulk)
    in_bucket = bulk.spec.source.s3 is not None  # without a bucket, an object key from an earlier source cannot be used
    for item in bulk.spec.source.items or ():
        line = _check_item(bulk, item)
        if isinstance(line, Listed):
            _accept(line, accepted, others)
        else:
            refused.setdefault(line.identity or "", line)
    for page in pages:
        for listed in page.items:
            if len(accepted) >= most and listed.identity not in accepted and page.listing != EARLIER:
                continue  # above the item limit, which only this loop checks over all pages
            if listed.key is None or in_bucket:
                _accept(listed, accepted, others)
        for line in page.rejected:
            if line.identity is None:
                nameless.append(line)
            else:
                refused.setdefault(line.identity, line)
    for overloaded in [*_reject_excess_metadata(bulk, accepted.values()), *_reject_long_names(bulk, accepted.values())]:
        accepted.pop(overloaded.identity or "", None)
        refused[overloaded.identity or ""] = overloaded
    remaining = (line for key, line in refused.items() if key not in accepted)
    return AcceptedItems(
        accepted, (*remaining, *nameless, *(_reject_same_identity(bulk, item) for item in others.values()))
    )


def format_item_address(bulk: BulkImport, item: Listed) -> str:
    """Return the address of an item in the form for users: its URL without secrets, or ``s3://bucket/key``."""
    if item.url is not None:
        return fit(shown_url(item.url), _MAX_URL)
    bucket = bulk.spec.source.s3.bucket if bulk.spec.source.s3 else ""
    return f"s3://{bucket}/{item.key}"


def _accept(item: Listed, accepted: dict[str, Listed], others: dict[tuple[str | None, str | None], Listed]) -> None:
    first = accepted.setdefault(item.identity, item)
    if first is not item and (first.url, first.key) != (item.url, item.key):
        others.setdefault((item.url, item.key), item)


def _reject_same_identity(bulk: BulkImport, item: Listed) -> RefusedItem:
    """Return a rejected item without an identity, because another item has the same identity."""
    message = f"Another item of the list has the same short name, {item.identity}; import this one by itself."
    return RefusedItem(None, Reason.INVALID_SPEC, message, item.name, format_item_address(bulk, item))


def _check_item(bulk: BulkImport, item: Item) -> Listed | RefusedItem:
    """Return an item of the spec as accepted or rejected. Only its address is checked."""
    listed = convert_inline_item(item)
    objection = cheap(item.url, requirements=bulk.spec.template.requirements)
    if objection is None:
        return listed
    reason, message = objection
    return RefusedItem(listed.identity, reason, message, item.name, format_item_address(bulk, listed))


def _reject_excess_metadata(bulk: BulkImport, items: Iterable[Listed]) -> Iterator[RefusedItem]:
    """Yield the items whose metadata cannot be combined with the template's metadata. The API server checks the
    metadata of template and item only separately, and does not check the values in a manifest."""
    template = bulk.spec.template.metadata or {}
    for item in items:
        if item.metadata and (problem := _find_metadata_problem(template, item.metadata)):
            yield RefusedItem(item.identity, Reason.INVALID_SPEC, problem, item.name, format_item_address(bulk, item))


def _reject_long_names(bulk: BulkImport, items: Iterable[Listed]) -> Iterator[RefusedItem]:
    """Yield the items whose name is too long for the destination. The API server would refuse their VideoImports."""
    most = most_name_bytes(bulk.spec.template.destination)
    for item in items:
        if item.name and (count := len(item.name.encode())) > most:
            message = f"Its name has {count} bytes, and the destination has room for {most}; give a shorter name."
            yield RefusedItem(item.identity, Reason.INVALID_SPEC, message, item.name, format_item_address(bulk, item))


def _find_metadata_problem(template: Metadata, own: Metadata) -> str:
    """Return the problem of an item's metadata. The result is empty if there is none. Every reconcile calls this
    function for each item, so the function builds nothing unless there is a problem."""
    if len(template) + len(own) > MOST_KEYS and (count := len(template.keys() | own.keys())) > MOST_KEYS:
        return f"Its metadata and the template's have {count} keys together; give at most {MOST_KEYS}."
    taken = [] if _PREDEFINED.isdisjoint(own) else sorted(_PREDEFINED & own.keys())
    return f"{', '.join(taken)} is set by the importer for every video; choose another name." if taken else ""
