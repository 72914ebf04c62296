"""What becomes of the controller's replicas while something else happens: restarts, probes, who leads."""

import contextlib
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from demo.kubectl import Kubectl

LABEL = "app.kubernetes.io/component=controller"
_LEASE = "videoimport-controller"
_POLL_SECONDS = 1.0


@dataclass
class Record:
    """All that was seen."""

    leaders: list[str] = field(default_factory=list)
    """Holders of the Lease, each change one entry; an empty holder (a Lease that was given back) is none."""
    longest_silence: float = 0.0
    """The greatest age of the Lease's last renewal, in seconds."""
    restarts: dict[str, int] = field(default_factory=dict)
    """By pod: by how much its container's restart count rose."""
    _first: dict[str, int] = field(default_factory=dict)
    _has_looked: bool = False

    def see_lease(self, lease: dict[str, Any], now: datetime) -> None:
        """Take up the Lease as it is now."""
        holder, renewed = lease["spec"].get("holderIdentity"), lease["spec"].get("renewTime")
        if holder and [holder] != self.leaders[-1:]:
            self.leaders.append(holder)
        if renewed:
            self.longest_silence = max(self.longest_silence, (now - datetime.fromisoformat(renewed)).total_seconds())

    def see_pods(self, pods: list[dict[str, Any]]) -> None:
        """Take up the replicas as they are now. A pod that is new started with no restart."""
        for pod in pods:
            name = pod["metadata"]["name"]
            count = sum(status["restartCount"] for status in pod["status"].get("containerStatuses", []))
            first = self._first.setdefault(name, 0 if self._has_looked else count)
            self.restarts[name] = max(self.restarts.get(name, 0), count - first)
        self._has_looked = True

    @property
    def changes(self) -> int:
        """How often another pod began to lead."""
        return max(0, len(self.leaders) - 1)


@contextlib.contextmanager
def recorded(kubectl: Kubectl) -> Iterator[Record]:
    """Look once a second while the block runs; what a busy API server does not answer is looked at again."""
    record, over = Record(), threading.Event()

    def look() -> None:
        while not over.is_set():
            with contextlib.suppress(subprocess.CalledProcessError):
                record.see_lease(kubectl.json("get", "lease", _LEASE), datetime.now(UTC))
                record.see_pods(kubectl.json("get", "pods", "--selector", LABEL)["items"])
            over.wait(_POLL_SECONDS)

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield record
    finally:
        over.set()
        thread.join()


def failed_probes(kubectl: Kubectl, since: datetime) -> list[str]:
    """Messages of the kubelet's Events about probes of the replicas and restarts for them, since a moment."""
    events = kubectl.json("get", "events")["items"]
    return [
        f"{event['message'].splitlines()[0][:120]} ({event.get('count') or 1} times)"
        for event in events
        if event["reason"] in ("Unhealthy", "Killing") and _time_of(event) >= since
    ]


def _time_of(event: dict[str, Any]) -> datetime:
    stamp = event.get("lastTimestamp") or event.get("eventTime") or event["metadata"]["creationTimestamp"]
    return datetime.fromisoformat(stamp)
