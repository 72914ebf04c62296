"""Three metrics. The imports are counted when somebody asks, from the store, so that they cannot drift."""

from collections import Counter
from collections.abc import Callable, Iterator

from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from videoimport.api.status import VideoPhase
from videoimport.api.videoimport import VideoImport
from videoimport.controller.reading import Entry, Unreadable

REGISTRY = CollectorRegistry()
RECONCILE_SECONDS = Histogram(
    "videoimport_reconcile_seconds",
    "Time from taking a key to being through with it, its writes included.",
    ["kind"],
    registry=REGISTRY,
)


class Figures(Collector):
    """Gauges over what a leader knows; a standby shows none."""

    def __init__(self, videos: Callable[[], list[Entry]], depth: Callable[[], int]) -> None:
        self._videos = videos
        self._depth = depth

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Called at every scrape, from the scraper's thread."""
        imports = GaugeMetricFamily(
            "videoimport_imports", "VideoImports by phase and reason.", labels=["phase", "reason"]
        )
        for (phase, reason), count in sorted(count_imports(self._videos()).items()):
            imports.add_metric([phase, reason], count)
        yield imports
        yield GaugeMetricFamily("videoimport_queue_depth", "Keys that wait to be reconciled now.", value=self._depth())


def count_imports(videos: list[Entry]) -> Counter[tuple[str, str]]:
    """How many are in each phase for each reason; without a status they are pending."""
    return Counter(_phase_and_reason(video) for video in videos)


def _phase_and_reason(video: Entry) -> tuple[str, str]:
    if isinstance(video.view, Unreadable):
        written = video.view.raw.get("status", {})
        return written.get("phase", VideoPhase.PENDING), written.get("reason", "")
    status = video.of(VideoImport).status
    return status.phase or VideoPhase.PENDING, status.reason or ""
