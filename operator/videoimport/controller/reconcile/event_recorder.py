"""Events for people, the last and least step of a sync: one that cannot be posted is logged and dropped, and so is one
too many. Each is a write; the status has it all."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

import structlog

from videoimport.api.redaction import shown_text
from videoimport.controller.client.api_client import Cluster
from videoimport.controller.client.errors import ClusterError, Terminating
from videoimport.controller.client.resources import Raw
from videoimport.controller.queue.workqueue import Clock
from videoimport.core.plan import PlannedEvent

COMPONENT = "videoimport-controller"
BURST = 200
"""Events of a kind of resource that may come at once in a namespace."""
PER_SECOND = 2.0
"""Events of a kind that may come all the time in a namespace: ten thousand imports that fail for one reason tell it
once for all."""
_MESSAGE_LIMIT = 1024
"""Bytes the API server takes."""
_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Allowance:
    """How many Events may still be posted; grows with time."""

    clock: Clock
    left: float = BURST
    at: float = 0.0

    def take(self) -> bool:
        """Whether one more is fine."""
        now = self.clock()
        self.left = min(BURST, self.left + PER_SECOND * (now - self.at))
        self.at = now
        if self.left < 1:
            return False
        self.left -= 1
        return True


@dataclass(slots=True)
class EventRecorder:
    """Posts Events; those about one kind of resource, or in one namespace, leave room for those about another."""

    cluster: Cluster
    clock: Clock = time.monotonic
    _allowances: dict[tuple[str, str], Allowance] = field(default_factory=dict)

    async def announce(self, about: Raw, planned_events: Iterable[PlannedEvent], now: datetime) -> None:
        """Post an Event each."""
        place = (about["metadata"]["namespace"], about["kind"])
        for planned_event in planned_events:
            if not self._allowances.setdefault(place, Allowance(self.clock, at=self.clock())).take():
                _log.debug("an Event too many", reason=planned_event.reason)
                continue
            try:
                await self.cluster.post_event(event(about, planned_event, now))
            except Terminating as problem:
                _log.debug("an Event was not posted", reason=planned_event.reason, problem=str(problem))
            except ClusterError as problem:
                _log.warning("an Event was not posted", reason=planned_event.reason, problem=str(problem))


def event(about: Raw, planned_event: PlannedEvent, now: datetime) -> Raw:
    """A core/v1 Event about an object, as ``kubectl describe`` shows it."""
    metadata, moment = about["metadata"], now.strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"namespace": metadata["namespace"], "generateName": f"{metadata['name']}."},
        "involvedObject": {
            "apiVersion": about["apiVersion"],
            "kind": about["kind"],
            "namespace": metadata["namespace"],
            "name": metadata["name"],
            "uid": metadata["uid"],
            "resourceVersion": metadata["resourceVersion"],
        },
        "type": planned_event.type,
        "reason": planned_event.reason,
        "message": shown_text(planned_event.message).encode()[:_MESSAGE_LIMIT].decode(errors="ignore"),
        "source": {"component": COMPONENT},
        "firstTimestamp": moment,
        "lastTimestamp": moment,
        "count": 1,
    }
