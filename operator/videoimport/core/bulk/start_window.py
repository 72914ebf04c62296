"""Start window: the items that start next, in the order of the list. The free space of the window limits the number
of these items.

If an import waits for the circuit breaker of its host, an item of another host may start instead. At most one import
waits for each such host.
"""

from collections.abc import Callable, Iterable

from videoimport.api.bulkimport import BulkImport
from videoimport.api.videoimport import VideoImport
from videoimport.core.circuit_breaker import find_host, find_store_host, parse_host
from videoimport.core.list_item import Listed
from videoimport.core.start_limits import waits_for_host

_AUTHORITY_START = len("https://")
"""Index in a URL from which the next slash ends the authority."""


def select_next_items(
    bulk: BulkImport, open_items: list[Listed], active: Iterable[VideoImport], occupied: int, busy_hosts: frozenset[str]
) -> list[Listed]:
    """Return the items to start next. ``active`` are unfinished imports of the BulkImport. ``occupied`` is the number
    of unfinished imports that are not in ``active``."""
    working = [child for child in active if not (busy_hosts and waits_for_host(child))]
    free_slots = max(0, bulk.spec.parallelism - len(working) - occupied)
    if not busy_hosts or not free_slots:
        return open_items[:free_slots]
    probed_hosts = {find_host(child) for child in active if waits_for_host(child)}
    return _skip_busy_hosts(bulk, open_items, free_slots, busy_hosts, probed_hosts)


def _skip_busy_hosts(
    bulk: BulkImport, items: list[Listed], free_slots: int, busy: frozenset[str], probed_hosts: set[str | None]
) -> list[Listed]:
    """Return the items to start while a breaker is open, with at most one waiting import for each busy host. Each
    reconcile may check all open items, so each check must be fast."""
    picked: list[Listed] = []
    host_of_item = _build_host_finder(bulk)
    for item in items:
        if len(picked) >= free_slots:
            break
        host = host_of_item(item)
        if host in busy and host in probed_hosts:
            continue
        if host in busy:
            probed_hosts.add(host)
        picked.append(item)
    return picked


def _build_host_finder(bulk: BulkImport) -> Callable[[Listed], str | None]:
    """Return a function that finds the host of an item. The function caches hosts, so that only one URL of each host is
    parsed."""
    bucket = bulk.spec.source.s3
    store = find_store_host(bucket.endpoint, bucket.bucket) if bucket is not None else None
    known: dict[str, str | None] = {}

    def find_item_host(item: Listed) -> str | None:
        if item.url is None:
            return store
        end = item.url.find("/", _AUTHORITY_START)
        site = item.url if end < 0 else item.url[:end]
        if site not in known:
            known[site] = parse_host(site)
        return known[site]

    return find_item_host
