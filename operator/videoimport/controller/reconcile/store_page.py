"""Storage of a page. The controller reads the page from the log of a finished pod, compares it with the pod's report,
and stores it."""

import hashlib
from dataclasses import dataclass

import structlog

from videoimport.api.labels import WORKER_CONTAINER
from videoimport.api.tasks.listing_log import unpacked
from videoimport.controller.cache.additional_state import Notes
from videoimport.controller.client.cluster import Cluster
from videoimport.controller.client.errors import NotFound, Rejected, Unavailable
from videoimport.controller.queue.workqueue import Backoff
from videoimport.controller.reconcile.apply import Writer
from videoimport.core.list_item import LINES
from videoimport.core.plan import Create, StoreListingPage

LIMIT_BYTES = 8 * 1024 * 1024
"""Maximum number of bytes to read from a log. A page takes at most a tenth, and the other lines of a worker are
short."""
PATIENCE = 6
"""Number of failed reads of a log in a row after which the page is lost.

The delays between the reads grow, so the node has been unreachable for some time then.
"""
_PAUSES = Backoff(base=1.0, cap=30.0)
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Collector:
    """Stores pages. Every method raises ClusterError if the page could not be stored."""

    cluster: Cluster
    writer: Writer

    async def keep(self, wish: StoreListingPage, notes: Notes) -> float | None:
        """Create the ConfigMap of a page, or record that the page is lost.

        Return the seconds until the next attempt, 0 for an immediate attempt. Return None if the page is stored, or was
        already recorded as lost.
        """
        if wish.job in notes.unkept:
            return None
        try:
            text = await self.cluster.log(wish.namespace, wish.pod, WORKER_CONTAINER, LIMIT_BYTES)
        except Unavailable as problem:
            return self._not_now(wish, notes, str(problem))
        except (NotFound, Rejected) as gone:
            return _lost(wish, notes, str(gone))
        try:
            lines = page_of(text, wish)
        except ValueError as problem:
            return _lost(wish, notes, str(problem))
        data = {**wish.manifest["data"], LINES: lines}
        await self.writer.act(Create({**wish.manifest, "data": data}))
        notes.unread.pop(wish.job, None)
        return None

    def _not_now(self, wish: StoreListingPage, notes: Notes, problem: str) -> float:
        """Return the delay in seconds before the next read of the log. A kubelet may be unavailable for a short
        time."""
        times = notes.unread[wish.job] = notes.unread.get(wish.job, 0) + 1
        if times >= PATIENCE:
            return _lost(wish, notes, problem)
        _log.info("page_log_unavailable", pod=wish.pod, problem=problem)
        return _PAUSES.delay(times, 1.0)


def page_of(log: str, wish: StoreListingPage) -> str:
    """Return the lines of a page, each with its newline. Raises ValueError if the lines differ from the report."""
    lines = unpacked(log)
    if (count := lines.count("\n")) != wish.count:
        raise ValueError(f"the log has {count} lines, and the report has {wish.count}")
    if hashlib.sha256(lines.encode()).hexdigest() != wish.sha256:
        raise ValueError("the log and the report have different lines")
    return lines


def _lost(wish: StoreListingPage, notes: Notes, problem: str) -> float:
    _log.warning("page_lost", pod=wish.pod, problem=problem)
    notes.unkept.add(wish.job)
    return 0.0
