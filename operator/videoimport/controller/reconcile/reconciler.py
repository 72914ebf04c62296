"""Reconciliation of one key: write the status, run the actions of the plan, list requested Events, then post Events.

A failed step ends the reconciliation. The key is then reconciled again later from the new state, and every action may
be repeated. An Event that cannot be posted does not end the reconciliation. Such an Event is dropped.
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
from videoimport.controller.cache.additional_state import REFUSED, AdditionalStates, Notes
from videoimport.controller.cache.entry import Entry, Unreadable
from videoimport.controller.cache.store import Store
from videoimport.controller.client.cluster import Cluster
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
from videoimport.core.observed_parsers import is_about, parse_event
from videoimport.core.plan import Action, Create, EventQuery, Plan, PlannedEvent, StoreListingPage, split_into_batches
from videoimport.core.settings import Settings
from videoimport.core.video.reconcile import reconcile_video
from videoimport.core.video_status import find_status_delta

AnyPlan = Plan[VideoImportStatus] | Plan[BulkImportStatus]
REFUSED_BACKOFF = Backoff(base=1.0, cap=60.0)
"""Delays before a refused creation is tried again.

A quota or a policy may change at any time. A delay of at most a minute shows the change soon enough.
"""
SHARE = 10
"""Ratio of the pause after a decision to the duration of the decision.

Every step of every child affects its BulkImport. With this pause, decisions about a BulkImport of a thousand items take
a tenth of the time. A small BulkImport has nearly no pause.
"""
AT_ONCE = 8
"""Maximum number of children of a BulkImport that are created, updated or deleted at the same time.

Without parallel writes, a full window of children would take as long as the run of the first children.
"""
_log = structlog.get_logger(__name__)


def utc_now() -> datetime:
    """Return the time of the system clock."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Syncer:
    """Calls ``core`` for a decision and executes the plan."""

    cluster: Cluster
    store: Store
    queue: KeyedQueue
    notebook: AdditionalStates
    settings: Settings
    announcer: EventRecorder
    now: Callable[[], datetime] = utc_now
    timer: Clock = time.thread_time
    """Clock for the duration of a decision: the CPU time of this thread, so that other programs do not matter."""

    async def sync(self, key: Key) -> None:
        """Reconcile one key. Raises ClusterError if a step failed.

        An object in a namespace that is being deleted is skipped.
        """
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
        except (Conflict, NotFound):  # the decision was not written, so it is not in force
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
        """Run the actions of a plan. A refused creation does not stop the other actions.

        The API server may accept another child, and imports that must stop are stopped.
        """
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
        """Show the refusal at once, and try the creation again after growing delays. A quota or a policy may change."""
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
