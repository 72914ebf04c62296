"""Progress, read from the end of each running worker's log, at a rate that is bounded for the whole cluster."""

import asyncio
import time

import structlog
from pydantic import ValidationError

from videoimport.api.labels import IMPORT, WORKER_CONTAINER
from videoimport.api.report import Progress
from videoimport.controller.cluster import Cluster
from videoimport.controller.errors import ClusterError, TooManyRequests
from videoimport.controller.kinds import Key, keys_of
from videoimport.controller.notes import Notebook
from videoimport.controller.queue import KeyedQueue
from videoimport.controller.reading import Entry
from videoimport.controller.store import Store
from videoimport.core.observe import PodView

LINES = 4
"""A snapshot is whole in one line; a few more are read in case the last was cut or is not ours."""
LIMIT_BYTES = 64 * 1024
_AT_ONCE = 16
_log = structlog.get_logger(__name__)


class Tails:
    """For one event loop."""

    def __init__(
        self, cluster: Cluster, store: Store, notebook: Notebook, queue: KeyedQueue, interval: float, rate: float
    ) -> None:
        self._cluster = cluster
        self._store = store
        self._notebook = notebook
        self._queue = queue
        self._interval = interval
        self._rate = rate

    async def run(self) -> None:
        """Look at every running worker, again and again; a round takes the interval, or longer at a low rate."""
        while True:
            started = time.monotonic()
            await self.round()
            await asyncio.sleep(max(0.0, started + self._interval - time.monotonic()))

    async def round(self) -> None:
        """Look at every running worker once."""
        free = asyncio.Semaphore(_AT_ONCE)
        async with asyncio.TaskGroup() as looks:
            for pod in [pod for pod in self._store.objects("Pod") if _tells_progress(pod)]:
                await free.acquire()
                looks.create_task(self._look(pod)).add_done_callback(lambda _: free.release())
                await asyncio.sleep(1 / self._rate)

    async def _look(self, pod: Entry) -> None:
        view = pod.of(PodView)
        try:
            text = await self._cluster.log_tail(view.namespace, view.name, WORKER_CONTAINER, LINES, LIMIT_BYTES)
        except TooManyRequests as pause:
            await asyncio.sleep(pause.retry_after)
        except ClusterError as problem:  # its container has just ended or its node is away: others say so
            _log.debug("no progress read", pod=view.name, problem=str(problem))
        else:
            if progress := last_progress(text):
                self._keep(pod, progress)

    def _keep(self, pod: Entry, progress: Progress) -> None:
        for key in keys_of("Pod", pod.head):
            owner = self._owner(key, pod)
            if owner is None:
                continue
            notes = self._notebook.of(key, owner.uid)
            if notes.progress != progress:
                notes.progress = progress
                self._queue.add(key)

    def _owner(self, key: Key, pod: Entry) -> Entry | None:
        """The VideoImport of that name, if this pod's Job is its own."""
        owner = self._store.find(key.kind, key.namespace, key.name)
        jobs = self._store.owned("Job", owner.uid) if owner else []
        return owner if pod.of(PodView).job_uid in {job.uid for job in jobs} else None


def _tells_progress(pod: Entry) -> bool:
    """Of an import; what a bulk has done besides has no progress."""
    return pod.of(PodView).running and IMPORT in pod.head["metadata"].get("labels", {})


def last_progress(text: str) -> Progress | None:
    """The last line that is a whole snapshot; None is no news."""
    for line in reversed(text.splitlines()):
        try:
            return Progress.model_validate_json(line)
        except ValidationError:
            continue
    return None
