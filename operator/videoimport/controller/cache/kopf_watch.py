"""Event handlers of kopf: each handler puts the event into the store and does nothing else.

Because the handlers do no work, no handler needs the retries, progress records or finalizers of kopf. The library kopf
lists, watches, resumes watches, and detects a dead connection.
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
    """Seconds between the attempts of a failing request. The delays grow to a maximum. The sequence never ends, because
    kopf ends the process after the last delay."""

    def __iter__(self) -> Iterator[float]:
        yield from DELAYS
        while True:
            yield LONGEST_DELAY


class NoMemory(kopf.DiffBaseStorage):
    """A storage for kopf that stores nothing.

    If there are handlers of changes, kopf compares each object with the version that it last handled. The controller
    has no such handlers. The copies for the comparison took a third of the controller's work.
    """

    def build(self, **_: Any) -> kopf.BodyEssence:
        """Return an empty body. The controller has no handlers of changes, so kopf compares nothing with the body."""
        return kopf.BodyEssence()

    def fetch(self, **_: Any) -> kopf.BodyEssence | None:
        """Return None, because no version of an object is stored."""
        return None

    def store(self, **_: Any) -> None:
        """Store nothing."""


class Intake:
    """Puts watch events into the store.

    ``watch_restarted`` is called with the kind when a watch has restarted with a new list. Such a watch sends no events
    for objects that were deleted during the interruption.
    """

    def __init__(self, store: Store, seen: Callable[[], None], watch_restarted: Callable[[Kind], None]) -> None:
        self._store = store
        self._seen = seen
        self._watch_restarted = watch_restarted
        self._met: dict[Kind, set[str]] = {kind: set() for kind in KINDS}
        """UIDs that a watch has reported. A list that reports one of these UIDs again is not the first list."""

    def take(self, kind: Kind, event: kopf.RawEvent) -> None:
        """Put one event into the store. An event with the type None is an object of the list before the watch."""
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
    """Return kopf's registry with one event handler for each kind, and the login handler."""
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
    """Return the settings of kopf.

    The settings disable Events, peers and scanning. Failed requests are repeated without end. A connection without data
    is closed soon.
    """
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
    chosen.queueing.idle_timeout = 1  # kopf keeps a task for each object this many seconds after the last event
    for resource in KINDS.values():
        if resource.selector:
            chosen.watching.label_selectors[resource.group, resource.version, resource.plural] = resource.selector
    return chosen
