"""Which items are started next: as many as the window has room for, in the list's order.

An import that waits for a host that pushed back gives its place to others, so that other hosts go on; of each such host
one import is enough to wait.
"""

from collections.abc import Iterable

from videoimport.api.bulkimport import BulkImport
from videoimport.api.videoimport import VideoImport
from videoimport.core.breaker import host_of, host_of_source, waits_for_host
from videoimport.core.children import source_of
from videoimport.core.listed import Listed


def next_items(
    bulk: BulkImport, open_items: list[Listed], active: Iterable[VideoImport], occupied: int, busy_hosts: frozenset[str]
) -> list[Listed]:
    """``active`` are the bulk's unfinished imports; ``occupied`` counts those of them that are not seen here too."""
    working = [child for child in active if not (busy_hosts and waits_for_host(child))]
    room = max(0, bulk.spec.parallelism - len(working) - occupied)
    if not busy_hosts:
        return open_items[:room]
    waited_for = {host_of(child) for child in active if waits_for_host(child)}
    return _passing_by(bulk, open_items, room, busy_hosts, waited_for)


def _passing_by(
    bulk: BulkImport, items: list[Listed], room: int, busy: frozenset[str], waited_for: set[str | None]
) -> list[Listed]:
    picked: list[Listed] = []
    for item in items:
        if len(picked) >= room:
            break
        host = host_of_source(source_of(bulk, item))
        if host in busy and host in waited_for:
            continue
        if host in busy:
            waited_for.add(host)
        picked.append(item)
    return picked
