"""Reconciles one key: writes the status, runs the plan's actions, lists requested Events, then records Events.

A step that fails ends the sync. The key comes back later and decides from the state then, and every action is safe to
repeat. Only Events are dropped when they cannot be posted.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog

from videoimport.api.bulkimport import BulkImport
from videoimport.api.bulkimport_status import BulkImportStatus
from videoimport.api.reasons import Reason
from videoimport.api.redaction import shown_text
from videoimport.api.videoimport import VideoImport
from videoimport.api.videoimport_status import VideoImportStatus
from videoimport.controller.cache.entry import Entry, Unreadable
from videoimport.controller.cache.store import Store
from videoimport.controller.cache.sync_state import REFUSED, Notes, SyncStates
from videoimport.controller.client.api_client import Cluster
from videoimport.controller.client.errors import Conflict, NotFound, Rejected, Terminating
from videoimport.controller.client.resources import Key
from videoimport.controller.queue.workqueue import Backoff, Clock, KeyedQueue
from videoimport.controller.reconcile.apply import EventRecorder, Writer
from videoimport.controller.reconcile.observe import Owned, collect_owned, observe_bulk, observe_video
from videoimport.controller.reconcile.store_page import Collector
from videoimport.controller.telemetry import metrics
from videoimport.core.bulk.reconcile import reconcile_bulk
from videoimport.core.invalid_objects import describe_problem, refuse
from videoimport.core.jobs.cluster_message import explain, find_bulk_fields, find_video_fields
from videoimport.core.parsers import is_about, parse_event
from videoimport.core.plan import Action, Create, EventQuery, Plan, PlannedEvent, StoreListingPage, split_into_batches
from videoimport.core.settings import Settings
from videoimport.core.video.reconcile import reconcile_video
from videoimport.core.video_status import find_status_delta

AnyPlan = Plan[VideoImportStatus] | Plan[BulkImportStatus]
REFUSED_BACKOFF = Backoff(base=1.0, cap=60.0)
"""A quota may be freed or a policy corrected at any time; a minute is soon enough to see it."""
SHARE = 10
"""The pause after a decision is this many times as long as the decision took. A bulk of a thousand, which every child's
every step concerns, takes a tenth of the time and not all of it. A small one is back at once."""
AT_ONCE = 8
"""Children of a bulk that are created, updated or deleted at the same time. One after the other, a full window of them
would take as long as the first ones run."""
_log = structlog.get_logger(__name__)


def utc_now() -> datetime:
    """The system clock."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Syncer:
    """Calls ``core`` and executes its plan."""

    cluster: Cluster
    store: Store
    queue: KeyedQueue
    notebook: SyncStates
    settings: Settings
    announcer: EventRecorder
    now: Callable[[], datetime] = utc_now
    timer: Clock = time.thread_time
    """Measures a decision in the time of this thread, so that other programs do not count."""

    async def sync(self, key: Key) -> None:
        """Reconcile one key. Raises ClusterError if a step could not be done. Does nothing more for an object in a
        namespace that is being deleted."""
        entry = self.store.find(key.kind, key.namespace, key.name)
        if entry is None:
            self.notebook.forget(key)
            return
        notes = self.notebook.of(key, entry.uid)
        if notes.terminating:
            return
        owned, pause = await collect_owned(key, entry, self.cluster, self.store, notes, self.notebook.clock())
        if pause is not None:
            self.queue.add_after(key, pause)
        started = self.timer()
        plan = self._decide(key, entry, owned, notes)
        self.queue.rest(key, SHARE * (self.timer() - started))
        if plan.requeue_at is not None:
            self.queue.add_after(key, (plan.requeue_at - self.now()).total_seconds())
        if plan.status is not None:
            await self._write(key, entry, plan.status)
        try:
            await self._act(key, entry, notes, plan.actions)
            await self._list_events(key, notes, plan.event_queries)
        finally:
            if not notes.terminating:
                await self.announcer.announce(entry.head, plan.planned_events, self.now())

    async def _write(self, key: Key, entry: Entry, status: VideoImportStatus | BulkImportStatus) -> None:
        try:
            await Writer(self.cluster, self.store).status(key.kind, entry, status)
        except (Conflict, NotFound):  # nothing was written, and what was decided is not so
            self.store.withdraw(key)
            raise
        if isinstance(entry.view, VideoImport) and isinstance(status, VideoImportStatus):
            metrics.count(find_status_delta(entry.view.status, status))

    def _decide(self, key: Key, entry: Entry, owned: Owned, notes: Notes) -> AnyPlan:
        if isinstance(entry.view, Unreadable):
            return refuse(entry.view.raw, describe_problem(entry.view.problem), self.now())
        if key.kind == "BulkImport":
            return reconcile_bulk(observe_bulk(entry, owned, self.store, notes), self.now(), self.settings)
        observed = observe_video(entry, owned, self.store, notes)
        plan = reconcile_video(observed, self.now(), self.settings)
        self.store.turns.decided(observed.video, plan.status)
        return plan

    async def _act(self, key: Key, entry: Entry, notes: Notes, actions: tuple[Action, ...]) -> None:
        """One refused Create does not stop the other actions: another child may be accepted, and imports that are to be
        stopped are stopped."""
        pause = notes.pause(entry.generation, self.notebook.clock())
        refusal: Rejected | None = None
        for batch in split_into_batches(actions, AT_ONCE):
            making = isinstance(batch[0], Create | StoreListingPage)
            if making and pause:
                self.queue.add_after(key, pause)
                continue
            doing = (self._do(key, notes, action) for action in batch)
            for failure in filter(None, await asyncio.gather(*doing, return_exceptions=True)):
                if making and isinstance(failure, Terminating):
                    notes.terminating = True
                elif not (making and isinstance(failure, Rejected)):
                    raise failure
                else:
                    refusal = refusal or failure
        if notes.terminating:
            _log.debug("namespace_terminating")
        elif refusal is not None:
            await self._refused(key, entry, notes, shown_text(str(refusal)))
        elif not pause and any(isinstance(action, Create | StoreListingPage) for action in actions):
            notes.refusal = None

    async def _do(self, key: Key, notes: Notes, action: Action) -> None:
        writer = Writer(self.cluster, self.store)
        if not isinstance(action, StoreListingPage):
            await writer.act(action)
        elif (again := await Collector(self.cluster, writer).keep(action, notes)) is not None:
            self.queue.add_after(key, again)

    async def _refused(self, key: Key, entry: Entry, notes: Notes, message: str) -> None:
        """Show it at once, and try again later and later: a quota may be freed, a policy corrected."""
        news = notes.refusal is None or notes.refusal.message != message
        pause = notes.refused(message, self.now(), entry.generation, REFUSED_BACKOFF, self.notebook.clock())
        _log.warning("create_refused", problem=message, again_in_seconds=round(pause, 1))
        self.queue.add_after(key, pause)
        if news:
            self.queue.add(key)
            planned_event = PlannedEvent("Warning", REFUSED, _explained(entry, message))
            await self.announcer.announce(entry.head, [planned_event], self.now())

    async def _list_events(self, key: Key, notes: Notes, event_queries: tuple[EventQuery, ...]) -> None:
        patience = self.settings.patience.total_seconds()
        for event_query in event_queries:
            now = self.notebook.clock()
            since = now - notes.asked.get(event_query.uid, float("-inf"))
            if since < patience:
                self.queue.add_after(key, patience - since)
                continue
            found = await self.cluster.events_about(event_query.namespace, event_query.uid)
            answer = tuple(parse_event(raw) for raw in found if is_about(raw, event_query))
            notes.asked[event_query.uid] = now
            if answer != notes.answers.get(event_query.uid, ()):
                notes.answers[event_query.uid] = answer
                self.queue.add(key)


def _explained(entry: Entry, message: str) -> str:
    view = entry.view
    if isinstance(view, VideoImport):
        return explain(Reason.JOB_REJECTED, message, find_video_fields(view))
    return explain(Reason.JOB_REJECTED, message, find_bulk_fields(view)) if isinstance(view, BulkImport) else message
