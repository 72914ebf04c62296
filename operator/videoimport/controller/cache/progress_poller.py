"""Polling of progress: the controller reads the end of each running worker's log.

The rate of the reads is limited for the whole cluster.
"""

import asyncio
import time
from dataclasses import dataclass
from datetime import datetime

import structlog
from pydantic import ValidationError

from videoimport.api.labels import GROUP, WORKER_CONTAINER
from videoimport.api.tasks.import_report import Progress
from videoimport.api.videoimport import VideoImport
from videoimport.controller.cache.additional_state import AdditionalStates
from videoimport.controller.cache.entry import Entry
from videoimport.controller.cache.store import Store
from videoimport.controller.client.cluster import Cluster
from videoimport.controller.client.errors import ClusterError, TooManyRequests
from videoimport.controller.client.resources import Key
from videoimport.controller.queue.workqueue import KeyedQueue
from videoimport.core.names_and_owners import is_job_of_video, is_pod_of
from videoimport.core.observed import JobView, Owner, PodView
from videoimport.core.plan import Kind

LINES = 4
"""Number of lines to read. One line has a complete snapshot. More lines are read, because the last line may be
incomplete or of another program."""
LIMIT_BYTES = 64 * 1024
_AT_ONCE = 16
_log = structlog.get_logger(__name__)


class Tails:
    """The poller of progress, for one event loop. ``interval`` is in seconds, ``rate`` in reads per second."""

    def __init__(
        self,
        cluster: Cluster,
        store: Store,
        notebook: AdditionalStates,
        queue: KeyedQueue,
        interval: float,
        rate: float,
    ) -> None:
        self._cluster = cluster
        self._store = store
        self._notebook = notebook
        self._queue = queue
        self._interval = interval
        self._rate = rate

    async def run(self) -> None:
        """Read the progress of every running worker, repeatedly. At a low rate, a round is longer than the interval."""
        while True:
            started = time.monotonic()
            await self.round()
            await asyncio.sleep(max(0.0, started + self._interval - time.monotonic()))

    async def round(self) -> None:
        """Read the progress of every running worker once."""
        free = asyncio.Semaphore(_AT_ONCE)
        async with asyncio.TaskGroup() as looks:
            for pod in self._workers():
                await free.acquire()
                looks.create_task(self._look(pod)).add_done_callback(lambda _: free.release())
                await asyncio.sleep(1 / self._rate)

    async def _look(self, pod: Entry) -> None:
        view = pod.of(PodView)
        try:
            text = await self._cluster.log_tail(view.namespace, view.name, WORKER_CONTAINER, LINES, LIMIT_BYTES)
        except TooManyRequests as pause:
            await asyncio.sleep(pause.retry_after)
        except ClusterError as problem:  # the container has just ended, or the node is away: watches report both
            _log.debug("progress_unavailable", pod=view.name, problem=str(problem))
        else:
            if progress := last_progress(text):
                self._keep(pod, progress)

    def _keep(self, pod: Entry, progress: Progress) -> None:
        run = self._run_of(pod)
        if run is None or progress.run != run.number:
            return
        notes = self._notebook.of(run.key, run.uid)
        if notes.progress != progress:
            notes.progress = progress
            self._queue.add(run.key)

    def _workers(self) -> list[Entry]:
        """Return the oldest pod of each import's present run.

        Log reads are limited for the whole cluster. Additional Jobs and pods of a user must not use up these reads.
        """
        found: dict[Key, Entry] = {}
        for pod in sorted(filter(_is_running, self._store.objects("Pod")), key=_age):
            if (run := self._run_of(pod)) is not None:
                found.setdefault(run.key, pod)
        return list(found.values())

    def _run_of(self, pod: Entry) -> "_Run | None":
        """Return the run of a pod, or None if there is no such run.

        The store must have the Job that owns the pod and the VideoImport that owns the Job. The Job must be the Job of
        the present run.
        """
        job = self._owner_of("Job", "batch", pod.of(PodView).owner)
        if job is None or not is_pod_of(pod.of(PodView), job.of(JobView)):
            return None
        video = self._owner_of("VideoImport", GROUP, job.of(JobView).owner)
        if video is None or not isinstance(video.view, VideoImport):
            return None
        owner, present = video.owner, video.view.status.run
        if not is_job_of_video(job.of(JobView), owner) or job.of(JobView).run != present:
            return None
        return _Run(Key("VideoImport", owner.namespace, owner.name), owner.uid, job.of(JobView).run)

    def _owner_of(self, kind: Kind, group: str, owner: Owner | None) -> Entry | None:
        if owner is None or (owner.group, owner.kind) != (group, kind):
            return None
        return self._store.find(kind, owner.namespace, owner.name)


@dataclass(frozen=True, slots=True)
class _Run:
    """A run of a VideoImport."""

    key: Key
    uid: str
    number: int


def _is_running(pod: Entry) -> bool:
    return pod.of(PodView).running


def _age(pod: Entry) -> tuple[datetime, str]:
    return pod.of(PodView).created, pod.of(PodView).name


def last_progress(text: str) -> Progress | None:
    """Return the snapshot in the last complete line that has one. Return None if no line has one."""
    for line in reversed(text.splitlines()):
        try:
            return Progress.model_validate_json(line)
        except ValidationError:
            continue
    return None
