"""Which items are started next: as many as the window has space for, in the list's order.

An import that waits for its host's circuit breaker gives its place to items of other hosts. One waiting import for each
such host is enough.
"""

from collections.abc import Callable, Iterable

from videoimport.api.bulkimport import BulkImport
from videoimport.api.videoimport import VideoImport
from videoimport.core.circuit_breaker import find_host, find_store_host, parse_host
from videoimport.core.list_item import Listed
from videoimport.core.start_limits import waits_for_host

_AUTHORITY_START = len("https://")
"""From here on the next slash ends all that names a URL's host."""


def select_next_items(
    bulk: BulkImport, open_items: list[Listed], active: Iterable[VideoImport], occupied: int, busy_hosts: frozenset[str]
) -> list[Listed]:
    """``active`` are the bulk's unfinished imports; ``occupied`` counts those of them that are not seen here too."""
    working = [child for child in active if not (busy_hosts and waits_for_host(child))]
    free_slots = max(0, bulk.spec.parallelism - len(working) - occupied)
    if not busy_hosts or not free_slots:
        return open_items[:free_slots]
    probed_hosts = {find_host(child) for child in active if waits_for_host(child)}
    return _skip_busy_hosts(bulk, open_items, free_slots, busy_hosts, probed_hosts)


def _skip_busy_hosts(
    bulk: BulkImport, items: list[Listed], free_slots: int, busy: frozenset[str], probed_hosts: set[str | None]
) -> list[Listed]:
    """Return the items to start while a breaker is open: at most one waiting import for each busy host. Each reconcile
    may check all open items, so a check is cheap."""
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
    """The host of an item. The result is cached, so that one URL a host is parsed."""
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
