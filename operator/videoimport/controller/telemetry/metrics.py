"""Prometheus metrics of the controller.

Gauges are computed from the store at each scrape, so that they always match the present state. A counter increases when
the controller writes a status with the counted change. No label names a resource, a host or an item.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Histogram
from prometheus_client import Counter as Counting
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from videoimport.api.bulkimport import BulkImport
from videoimport.api.bulkimport_status import BulkImportStatus, BulkPhase
from videoimport.api.videoimport import VideoImport
from videoimport.api.videoimport_status import VideoPhase
from videoimport.controller.cache.entry import Entry, Unreadable
from videoimport.controller.cache.store import Store
from videoimport.controller.queue.workqueue import KeyedQueue
from videoimport.core.video_status import News

REGISTRY = CollectorRegistry()
RECONCILE_SECONDS = Histogram(
    "videoimport_reconcile_seconds",
    "Time to reconcile a key, including its writes.",
    ["kind"],
    registry=REGISTRY,
)
_STAGE_SECONDS = Histogram(
    "videoimport_stage_seconds",
    "Duration of each stage that a run finished.",
    ["stage"],
    buckets=(1, 5, 15, 60, 300, 900, 3600, 4 * 3600, 24 * 3600),
    registry=REGISTRY,
)
_FETCHED = Counting("videoimport_fetched_bytes", "Bytes that runs fetched from sources.", registry=REGISTRY)
_UPLOADED = Counting("videoimport_uploaded_bytes", "Bytes that runs uploaded to destinations.", registry=REGISTRY)
_RETRIES = Counting(
    "videoimport_retries", "Runs that are followed by another, by reason.", ["reason"], registry=REGISTRY
)
_ENDED = Counting(
    "videoimport_ended", "Imports that ended, by phase and reason.", ["phase", "reason"], registry=REGISTRY
)


def count(news: News) -> None:
    """Increase the counters by the changes in a status that was written."""
    if news.ended is not None:
        _ENDED.labels(*news.ended).inc()
    if news.retried is not None:
        _RETRIES.labels(news.retried).inc()
    _FETCHED.inc(news.bytes_in)
    _UPLOADED.inc(news.bytes_out)
    for stage, seconds in news.seconds:
        _STAGE_SECONDS.labels(stage).observe(seconds)


@dataclass(frozen=True, slots=True)
class Figures(Collector):
    """Gauges over a leader's store. A standby has no gauges."""

    store: Store
    queue: KeyedQueue

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield all gauges. The thread of the scrape calls this method."""
        videos = count_by(self.store.objects("VideoImport"), _phase_and_reason)
        yield _gauge("videoimport_imports", "VideoImports by phase and reason.", ("phase", "reason"), videos)
        bulks = self.store.objects("BulkImport")
        yield _gauge("videoimport_bulks", "BulkImports by phase.", ("phase",), count_by(bulks, _phase))
        yield _gauge("videoimport_bulk_items", "Items of BulkImports by state.", ("state",), count_items(bulks))
        yield _single(
            "videoimport_running",
            "Imports that count toward the limits of running imports.",
            self.store.turns.slots.total,
        )
        hosts = self.store.turns.hosts
        yield _single(
            "videoimport_hosts_backing_off",
            "Hosts whose circuit breaker is open or half-open, counted once in each namespace.",
            hosts.backing_off,
        )
        yield _single(
            "videoimport_waiting_for_hosts", "Imports that wait for the breaker of their host.", hosts.waiting
        )
        yield _single("videoimport_queue_depth", "Keys that wait to be reconciled now.", self.queue.depth)
        age = self.queue.head_age
        yield _single("videoimport_queue_age_seconds", "Age of the oldest key that waits or is reconciled.", age)


Labels = tuple[str, ...]


def _gauge(name: str, words: str, labels: Labels, values: Counter[Labels]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, words, labels=labels)
    for key, value in sorted(values.items()):
        family.add_metric(key, value)
    return family


def _single(name: str, words: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, words, value=value)


def count_by(entries: list[Entry], labels: Callable[[Entry], Labels]) -> Counter[Labels]:
    """Return the number of entries for each combination of labels."""
    return Counter(labels(entry) for entry in entries)


def count_items(bulks: list[Entry]) -> Counter[Labels]:
    """Return the number of items for each state, from the statuses of the BulkImports. Waiting items are listed but
    have not started."""
    items = Counter[Labels]()
    for bulk in bulks:
        if isinstance(bulk.view, BulkImport):
            for state, number in _states(bulk.view.status).items():
                items[(state,)] += number
    return items


def _states(status: BulkImportStatus) -> dict[str, int]:
    active, completed, failed = (number or 0 for number in (status.active, status.completed, status.failed))
    return {
        "waiting": max(0, (status.total or 0) - active - completed - failed),
        "active": active,
        "completed": completed - (status.skipped_duplicates or 0),
        "duplicate": status.skipped_duplicates or 0,
        "failed": failed,
        "rejected": status.rejected_count or 0,
    }


def _phase(bulk: Entry) -> Labels:
    """Return the phase of a BulkImport as labels. Without a status the phase is Processing."""
    if isinstance(bulk.view, Unreadable):
        return (bulk.view.raw.get("status", {}).get("phase", BulkPhase.PROCESSING),)
    return (bulk.of(BulkImport).status.phase or BulkPhase.PROCESSING,)


def _phase_and_reason(video: Entry) -> Labels:
    """Return the phase and reason of a VideoImport as labels. Without a status the phase is Pending."""
    if isinstance(video.view, Unreadable):
        written = video.view.raw.get("status", {})
        return written.get("phase", VideoPhase.PENDING), written.get("reason", "")
    status = video.of(VideoImport).status
    return status.phase or VideoPhase.PENDING, status.reason or ""
