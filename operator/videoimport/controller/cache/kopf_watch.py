"""Handlers of kopf: each event goes into the store, and nothing else happens here.

kopf's own retries, progress and finalizers are for handlers that do work; these do none. kopf lists, watches, resumes,
and detects a dead connection.
"""

from collections.abc import Callable, Iterator
from typing import Any

import kopf

from videoimport.controller.cache.store import Store
from videoimport.controller.client import auth as credentials
from videoimport.controller.client.resources import KINDS, Raw
from videoimport.core.plan import Kind

DELAYS = (1.0, 1.0, 2.0, 3.0, 5.0, 8.0, 13.0, 21.0)
LONGEST_DELAY = 30.0


class EndlessDelays:
    """Pauses of a request that fails: growing, then the longest for ever, since giving up would end the process."""

    def __iter__(self) -> Iterator[float]:
        yield from DELAYS
        while True:
            yield LONGEST_DELAY


class NoMemory(kopf.DiffBaseStorage):
    """kopf compares each object with what it was when last handled, for handlers of changes. We have none, and the
    copies it makes for that were a third of the controller's work."""

    def build(self, **_: Any) -> kopf.BodyEssence:
        """Nothing of an object is compared."""
        return kopf.BodyEssence()

    def fetch(self, **_: Any) -> kopf.BodyEssence | None:
        """Nothing was kept."""
        return None

    def store(self, **_: Any) -> None:
        """Nothing is kept."""


class Intake:
    """Takes events in. ``watch_restarted`` is called with the kind when a watch had to begin anew with a list: what
    vanished in the gap is in no event."""

    def __init__(self, store: Store, seen: Callable[[], None], watch_restarted: Callable[[Kind], None]) -> None:
        self._store = store
        self._seen = seen
        self._watch_restarted = watch_restarted
        self._met: dict[Kind, set[str]] = {kind: set() for kind in KINDS}
        """UIDs that a watch has reported: if a list reports them once more, it is not the first list."""

    def take(self, kind: Kind, event: kopf.RawEvent) -> None:
        """One event of a watch, or one item of the list before it (type None)."""
        self._seen()
        raw: Raw = dict(event["object"])
        met = self._met[kind]
        uid: str = raw["metadata"]["uid"]
        if event["type"] == "DELETED":
            met.discard(uid)
            self._store.remove(kind, raw)
            return
        if event["type"] is None and uid in met:
            self._watch_restarted(kind)
        met.add(uid)
        self._store.put(kind, raw)


def registry(intake: Intake) -> kopf.OperatorRegistry:
    """One handler a kind, and the login."""
    chosen = kopf.OperatorRegistry()
    for resource in KINDS.values():
        kopf.on.event(
            group=resource.group, version=resource.version, plural=resource.plural, registry=chosen, id=resource.kind
        )(_handler(intake, resource.kind))

    @kopf.on.login(registry=chosen)
    async def login(**_: Any) -> kopf.ConnectionInfo:
        return await credentials.for_kopf()

    return chosen


def _handler(intake: Intake, kind: Kind) -> Callable[..., Any]:
    async def on_event(event: kopf.RawEvent, **_: Any) -> None:
        intake.take(kind, event)

    return on_event


def settings() -> kopf.OperatorSettings:
    """No Events, no peers, no scanning; endless patience with the network, little with a silent connection."""
    chosen = kopf.OperatorSettings()
    chosen.posting.enabled = False
    chosen.peering.standalone = True
    chosen.scanning.disabled = True
    chosen.persistence.diffbase_storage = NoMemory()
    chosen.networking.error_backoffs = EndlessDelays()
    chosen.networking.request_timeout = 30
    chosen.networking.connect_timeout = 10
    chosen.watching.server_timeout = 300
    chosen.watching.client_timeout = 330
    chosen.watching.connect_timeout = 10
    chosen.watching.inactivity_timeout = 70  # the API server sends a bookmark every minute
    chosen.watching.chunk_size = 500
    chosen.queueing.idle_timeout = 1  # a task an object lives this long after its last event
    for resource in KINDS.values():
        if resource.selector:
            chosen.watching.label_selectors[resource.group, resource.version, resource.plural] = resource.selector
    return chosen
