"""One run of the embedded mode: the controller's queue and reconcilers on objects in memory, until all roots end."""

import asyncio
import contextlib
import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from types import FrameType
from typing import Any

from videoimport.api.bulkimport import BulkImport
from videoimport.api.bulkimport_status import BulkPhase
from videoimport.api.videoimport import VideoImport
from videoimport.api.videoimport_status import VideoPhase
from videoimport.cli.embedded.cluster import EmbeddedCluster
from videoimport.cli.embedded.job_executor import JobExecutor
from videoimport.cli.embedded.local_volumes import LocalVolumes
from videoimport.cli.embedded.object_store import Change, ObjectStore
from videoimport.controller.cache.additional_state import AdditionalStates
from videoimport.controller.cache.progress_poller import Tails
from videoimport.controller.cache.store import Store
from videoimport.controller.client.resources import KINDS, Key, Raw
from videoimport.controller.queue.workqueue import KeyedQueue
from videoimport.controller.reconcile.apply import EventRecorder
from videoimport.controller.reconcile.reconciler import Syncer
from videoimport.controller.reconcile.worker import work
from videoimport.core.plan import Kind
from videoimport.core.settings import Settings
from videoimport.core.start_limits import Limits
from videoimport.core.video_status import is_finished

WORKERS = 4
"""Number of keys that are reconciled at the same time."""
_POLL_SECONDS = 0.5
"""Seconds between two reads of a worker's progress."""
_POLLS_PER_SECOND = 100.0
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
Observer = Callable[[ObjectStore], None]


@dataclass(frozen=True, slots=True)
class SessionOptions:
    """The options of one session of the embedded mode."""

    parallelism: int
    """Maximum number of imports that run at the same time."""
    allowed_networks: tuple[str, ...]
    folder: Path
    """Private folder for the files of the processes."""
    verbose: bool = False

    def build_limits(self) -> Limits:
        """Return the limit of running imports. Its messages name the options of the command line."""
        return Limits(cluster=self.parallelism, setting="--parallelism", scope="on this machine")

    def build_settings(self) -> Settings:
        """Return the settings of decisions. The image is a placeholder, because no container starts."""
        return Settings(
            worker_image="local", allowed_networks=self.allowed_networks, write_interval=timedelta(seconds=1)
        )


@dataclass(slots=True)
class Session:
    """A run of the embedded mode. ``roots`` are the resources that the user gave."""

    objects: ObjectStore
    volumes: LocalVolumes
    options: SessionOptions
    roots: tuple[Key, ...]
    show: Observer
    """Called about twice a second while objects change."""
    stopped_by: int | None = None
    """Number of the signal that stopped the session."""
    _ended: asyncio.Event = field(default_factory=asyncio.Event)
    was_killed: bool = False
    """True if a second signal killed the workers before they removed their unfinished files."""
    _loop: asyncio.AbstractEventLoop | None = None
    _executor: JobExecutor | None = None
    _changed: bool = True
    _open: set[Key] = field(default_factory=set)
    """The roots that have not ended."""

    def run(self) -> None:
        """Run until every root has ended, or a signal stops the session.

        After a stop, the handlers stay, and every later signal has no effect. So a signal does not interrupt the
        program while it removes its files.
        """
        before = {number: signal.signal(number, self._stop) for number in _STOP_SIGNALS}
        try:
            asyncio.run(self._run())
        finally:
            if self.stopped_by is None:
                for number, handler in before.items():
                    signal.signal(number, handler)

    def read_last_lines(self, most: int) -> list[str]:
        """Return the last lines of the newest worker log."""
        logs = sorted(self._logs.iterdir(), key=lambda path: path.stat().st_mtime)
        return logs[-1].read_text(errors="replace").splitlines()[-most:] if logs else []

    @property
    def _logs(self) -> Path:
        return self.options.folder / "logs"

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        if self.stopped_by is not None:
            self._ended.set()
        logs = self._logs
        logs.mkdir()
        cluster = EmbeddedCluster(self.objects, logs)
        self._executor = JobExecutor(cluster, self.volumes, self.options.folder, self.options.verbose)
        self._executor.begin()
        queue = KeyedQueue()
        store = Store(queue.add, limits=self.options.build_limits())
        self._feed(store)
        tasks = self._start_tasks(cluster, store, queue)
        try:
            await self._wait_for_end([*tasks, self._executor.crash])
        finally:
            queue.close()
            await self._executor.stop()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        self.show(self.objects)

    async def _wait_for_end(self, tasks: "Sequence[asyncio.Future[None]]") -> None:
        """Wait for the end of the session. Raises the first error of a task or of the executor."""
        end = asyncio.ensure_future(self._ended.wait())
        waits: list[asyncio.Future[Any]] = [end, *tasks]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        end.cancel()
        for task in tasks:
            if task.done():
                await task

    def _start_tasks(self, cluster: EmbeddedCluster, store: Store, queue: KeyedQueue) -> "list[asyncio.Task[None]]":
        notes, settings = AdditionalStates(), self.options.build_settings()
        syncer = Syncer(cluster, store, queue, notes, settings, EventRecorder(cluster))
        tails = Tails(cluster, store, notes, queue, _POLL_SECONDS, _POLLS_PER_SECOND)
        workers = [asyncio.create_task(work(queue, syncer)) for _ in range(WORKERS)]
        return [*workers, asyncio.create_task(tails.run()), asyncio.create_task(self._show_changes())]

    def _feed(self, store: Store) -> None:
        """Put all objects and every later change into the controller's cache."""

        def observe(change: Change, kind: Kind, raw: Raw) -> None:
            if change == "DELETED":
                store.remove(kind, raw)
            else:
                store.put(kind, raw)
            self._changed = True
            self._note_end(kind, raw)

        self._open = set(self.roots)
        for kind in KINDS:
            for raw in self.objects.list(kind):
                store.put(kind, raw)
                self._note_end(kind, raw)
        self.objects.observe(observe)

    def _note_end(self, kind: Kind, raw: Raw) -> None:
        """End the session after the last root."""
        key = Key(kind, raw["metadata"]["namespace"], raw["metadata"]["name"])
        if key in self._open and has_ended(raw):
            self._open.discard(key)
            if not self._open:
                self._ended.set()

    async def _show_changes(self) -> None:
        while True:
            if self._changed:
                self._changed = False
                self.show(self.objects)
            await asyncio.sleep(_POLL_SECONDS)

    def _stop(self, number: int, _frame: FrameType | None) -> None:
        """Handle a signal: send SIGTERM to the workers after the first signal, and SIGKILL after the second signal.

        The event loop has such handlers too, but it removes them before the program ends.
        """
        stop = self._ended.set if self.stopped_by is None else self._kill
        self.stopped_by = self.stopped_by or number
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop is closed, because the session has ended
                self._loop.call_soon_threadsafe(stop)

    def _kill(self) -> None:
        if self._executor is not None and self._executor.kill():
            self.was_killed = True


def has_ended(raw: Raw) -> bool:
    """Return whether a VideoImport or BulkImport has its final status, and the webhook of a BulkImport is delivered.

    A suspended resource counts too, because only a change of the YAML file continues the resource. A status of an
    earlier spec does not count.
    """
    if raw.get("status", {}).get("observedGeneration") != raw["metadata"]["generation"]:
        return False
    if raw["kind"] == "VideoImport":
        video = VideoImport.parse(raw).status
        return is_finished(video) or video.phase is VideoPhase.SUSPENDED
    status = BulkImport.parse(raw).status
    if status.phase is BulkPhase.SUSPENDED:
        return True
    return status.completion_time is not None and (status.webhook is None or status.webhook.state != "Pending")
