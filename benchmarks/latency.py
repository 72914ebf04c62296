"""Measure the time from the creation of a VideoImport to the creation of its Job, as a watch of the API shows it."""

import statistics
import threading
import time
from dataclasses import dataclass, field

from support.controller.api_server import ApiServer, await_until, background

COUNT = 100
PAUSE_SECONDS = 0.2


@dataclass
class JobArrivals:
    """The times at which the Job of each import was first seen, in seconds of the monotonic clock."""

    api: ApiServer
    namespace: str
    seen: dict[str, float] = field(default_factory=dict)

    def run(self, stopping: threading.Event) -> None:
        """Record new Jobs until ``stopping`` is set."""
        for event in self.api.watch("Job", self.namespace, stopping):
            self.seen.setdefault(event["object"]["metadata"]["name"].rpartition("-")[0], time.monotonic())


def to_job_seconds(api: ApiServer, namespace: str) -> tuple[float, float]:
    """Return the median and the 99th percentile in seconds for ``COUNT`` imports, created one after the other."""
    arrivals, created = JobArrivals(api, namespace), dict[str, float]()
    with background("job arrivals", arrivals.run):
        for number in range(COUNT):
            name = f"single-{number}"
            created[name] = time.monotonic()
            api.create(_video(namespace, name))
            time.sleep(PAUSE_SECONDS)
        await_until("the Jobs", lambda: created.keys() <= arrivals.seen.keys())
    took = sorted(arrivals.seen[name] - at for name, at in created.items())
    return statistics.median(took), took[int(0.99 * (len(took) - 1))]


def _video(namespace: str, name: str) -> dict[str, object]:
    return {
        "apiVersion": "videoimport.io/v1alpha1", "kind": "VideoImport",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {
            "source": {"url": f"https://media.example.com/{name}.mp4"},
            "destination": {"s3": {"endpoint": "https://s3.example.com", "bucket": "videos"}},
        },
    }  # fmt: skip
