"""Comparison of the cache with all objects of the API server.

The controller compares before the first decision, every few minutes, and after a watch was interrupted.
"""

import asyncio
from collections.abc import Callable

import structlog
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, wait_exponential_jitter

from videoimport.controller.cache.store import Comparison, Store
from videoimport.controller.client.cluster import Cluster
from videoimport.controller.client.errors import ClusterError
from videoimport.controller.client.resources import KINDS
from videoimport.core.plan import Kind

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
_log = structlog.get_logger(__name__)


class Relister:
    """The task that compares the cache, for one event loop.

    If ``namespaces`` is empty, the task compares the whole cluster. It calls ``done`` after every comparison.
    """

    def __init__(
        self, cluster: Cluster, store: Store, namespaces: tuple[str, ...], interval: float, done: Callable[[], None]
    ) -> None:
        self._cluster = cluster
        self._store = store
        self._scopes: tuple[str | None, ...] = namespaces or (None,)
        self._interval = interval
        self._done = done
        self._wanted: set[Kind] = set()
        self._wake = asyncio.Event()

    def want(self, kind: Kind) -> None:
        """Request an early comparison of the cached objects of this kind with the API server."""
        self._wanted.add(kind)
        self._wake.set()

    async def fill(self) -> None:
        """Compare all kinds, and repeat until the comparison succeeds. No decision may be made while the store is still
        empty."""
        async for attempt in AsyncRetrying(
            retry=retry_if_exception_type(ClusterError),
            wait=wait_exponential_jitter(multiplier=FIRST_PAUSE, max=LONGEST_PAUSE),
            before_sleep=lambda state: _log.warning("list_failed", problem=str(_failure(state))),
        ):
            with attempt:
                await self._relist(list(KINDS))
        self._done()

    async def run(self) -> None:
        """Compare all kinds at each interval. Between the intervals, compare the requested kinds."""
        loop = asyncio.get_running_loop()
        due = loop.time() + self._interval
        while True:
            try:
                async with asyncio.timeout_at(due):
                    await self._wake.wait()
            except TimeoutError:
                self._wanted.update(KINDS)
                due = loop.time() + self._interval
            await self._take_up()

    async def _take_up(self) -> None:
        self._wake.clear()
        wanted = [kind for kind in KINDS if kind in self._wanted]
        self._wanted.clear()
        try:
            await self._relist(wanted)
        except ClusterError as problem:
            _log.warning("relist_failed", kinds=wanted, problem=str(problem))
            await asyncio.sleep(min(self._interval, LONGEST_PAUSE))
            for kind in wanted:
                self.want(kind)
        else:
            self._done()

    async def _relist(self, kinds: list[Kind]) -> None:
        for kind in kinds:
            for namespace in self._scopes:
                comparison = Comparison(self._store, kind, namespace)
                async for page in self._cluster.pages(kind, namespace):
                    comparison.take(page)
                _log.debug("relisted", kind=kind, namespace=namespace, changed=comparison.finish())


def _failure(state: RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None
