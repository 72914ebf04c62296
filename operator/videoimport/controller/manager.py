"""All tasks of the leader in one event loop: fill the store, watch, relist, poll progress, and reconcile."""

import asyncio
import threading
from dataclasses import dataclass
from typing import Any, Self

import kopf
import structlog

from videoimport.controller.cache import kopf_watch as handlers
from videoimport.controller.cache.additional_state import AdditionalStates
from videoimport.controller.cache.progress_poller import Tails
from videoimport.controller.cache.relist import Relister
from videoimport.controller.cache.store import Store
from videoimport.controller.client import auth as credentials
from videoimport.controller.client.api_client import ApiServerClient
from videoimport.controller.client.cluster import Cluster
from videoimport.controller.queue.workqueue import KeyedQueue
from videoimport.controller.reconcile.apply import EventRecorder
from videoimport.controller.reconcile.reconciler import Syncer
from videoimport.controller.reconcile.worker import work
from videoimport.controller.settings import ControllerSettings
from videoimport.controller.telemetry.liveness import Vitals
from videoimport.controller.telemetry.metrics import REGISTRY, Figures

STOP_SECONDS = 5.0
"""Maximum time in seconds for pending writes after a stop signal."""
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Parts:
    """The components of one leader."""

    settings: ControllerSettings
    queue: KeyedQueue
    relister: Relister
    tails: Tails
    syncer: Syncer
    intake: handlers.Intake

    @classmethod
    def assembled(cls, settings: ControllerSettings, cluster: Cluster, vitals: Vitals) -> Self:
        """Create the components and pass to each only the other components that it uses."""
        queue, notebook = KeyedQueue(), AdditionalStates()
        store = Store(queue.add, limits=settings.limits())
        relister = Relister(cluster, store, settings.watch_namespaces, settings.relist_seconds, vitals.compared)
        tails = Tails(cluster, store, notebook, queue, settings.tail_seconds, settings.tails_per_second)
        syncer = Syncer(cluster, store, queue, notebook, settings.for_decisions(), EventRecorder(cluster))
        REGISTRY.register(Figures(store, queue))
        vitals.leads(lambda: queue.head_age)
        return cls(settings, queue, relister, tails, syncer, handlers.Intake(store, vitals.heard, relister.want))

    def background(self) -> list[asyncio.Task[None]]:
        """Start and return the tasks that feed the queue without end."""
        namespaces = self.settings.watch_namespaces
        watching = kopf.operator(
            registry=handlers.registry(self.intake),
            settings=handlers.settings(),
            clusterwide=not namespaces,
            namespaces=namespaces,
            # By default kopf reads the name of the user, but an image has no name for an arbitrary user id.
            identity=self.settings.pod_name,  # type: ignore[arg-type]  # its type is a private NewType of str
        )
        return [
            asyncio.create_task(watching, name="watching"),
            asyncio.create_task(self.relister.run(), name="comparing"),
            asyncio.create_task(self.tails.run(), name="looking at progress"),
        ]

    def hands(self) -> list[asyncio.Task[None]]:
        """Start and return the workers, which process keys until the queue is closed."""
        return [
            asyncio.create_task(work(self.queue, self.syncer), name=f"worker {number}")
            for number in range(self.settings.workers)
        ]


class Leader:
    """The leader, which runs in a separate thread. Another thread calls ``stop``."""

    def __init__(self, settings: ControllerSettings, vitals: Vitals) -> None:
        self._settings = settings
        self._vitals = vitals
        self._loop: asyncio.AbstractEventLoop | None = None
        self._asked_to_stop = asyncio.Event()
        self._idle = threading.Event()
        self._idle.set()

    def run(self) -> None:
        """Run all tasks until ``stop`` is called. If a task ends before that, raise its error."""
        self._idle.clear()
        asyncio.run(self._lead())

    def stop(self) -> None:
        """Start no new work, and wait up to ``STOP_SECONDS`` for active work. After that the leader writes nothing."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._asked_to_stop.set)
        self._idle.wait(STOP_SECONDS)

    async def _lead(self) -> None:
        self._loop = asyncio.get_running_loop()
        asked = asyncio.create_task(self._asked_to_stop.wait(), name="asked to stop")
        async with ApiServerClient(await credentials.configuration()) as cluster:
            parts = _Parts.assembled(self._settings, cluster, self._vitals)
            if await _first(asked, [asyncio.create_task(parts.relister.fill(), name="filling")]) is not asked:
                _log.info("leading")
                hands = parts.hands()
                ended = await _first(asked, [*hands, *parts.background()])
                if ended is not asked:
                    raise RuntimeError(f"{ended.get_name()} has ended")
                parts.queue.close()
                await asyncio.wait(hands)
            self._idle.set()


async def _first(asked: asyncio.Task[Any], others: list[asyncio.Task[None]]) -> asyncio.Task[Any]:
    """Return the task that ends first. If that task failed, raise its error."""
    done, _ = await asyncio.wait({asked, *others}, return_when=asyncio.FIRST_COMPLETED)
    if asked in done:
        return asked
    first = done.pop()
    await first
    return first
