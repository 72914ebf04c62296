"""Watch the controller's replicas while something else runs: restarts, failed probes and changes of the leader."""

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
    """The facts about the replicas and their Lease."""

    leaders: list[str] = field(default_factory=list)
    """The holders of the Lease, with one entry for each change. A Lease without a holder adds no entry."""
    longest_silence: float = 0.0
    """The greatest age of the Lease's last renewal, in seconds."""
    restarts: dict[str, int] = field(default_factory=dict)
    """The increase of the container's restart count, by pod."""
    _first: dict[str, int] = field(default_factory=dict)
    _has_looked: bool = False

    def see_lease(self, lease: dict[str, Any], now: datetime) -> None:
        """Add the current state of the Lease."""
        holder, renewed = lease["spec"].get("holderIdentity"), lease["spec"].get("renewTime")
        if holder and [holder] != self.leaders[-1:]:
            self.leaders.append(holder)
        if renewed:
            self.longest_silence = max(self.longest_silence, (now - datetime.fromisoformat(renewed)).total_seconds())

    def see_pods(self, pods: list[dict[str, Any]]) -> None:
        """Add the current state of the replicas. All restarts of a pod that is new are included."""
        for pod in pods:
            name = pod["metadata"]["name"]
            count = sum(status["restartCount"] for status in pod["status"].get("containerStatuses", []))
            first = self._first.setdefault(name, 0 if self._has_looked else count)
            self.restarts[name] = max(self.restarts.get(name, 0), count - first)
        self._has_looked = True

    @property
    def changes(self) -> int:
        """The number of times that another pod became the leader."""
        return max(0, len(self.leaders) - 1)


@contextlib.contextmanager
def recorded(kubectl: Kubectl) -> Iterator[Record]:
    """Read the Lease and the replicas once a second while the block runs. If the API server does not answer, try again
    a second later."""
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
    """Return the messages of the kubelet's Events since a time: failed probes of the replicas, and the restarts after
    them."""
    events = kubectl.json("get", "events")["items"]
    return [
        f"{event['message'].splitlines()[0][:120]} ({event.get('count') or 1} times)"
        for event in events
        if event["reason"] in ("Unhealthy", "Killing") and _time_of(event) >= since
    ]


def _time_of(event: dict[str, Any]) -> datetime:
    stamp = event.get("lastTimestamp") or event.get("eventTime") or event["metadata"]["creationTimestamp"]
    return datetime.fromisoformat(stamp)
