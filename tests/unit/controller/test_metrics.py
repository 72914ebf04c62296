from collections.abc import Callable
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest

from videoimport.controller.metrics import Figures
from videoimport.controller.reading import read

SPEC = {"source": {"url": "https://example.com/a.mp4"}, "destination": {"s3": {"bucket": "videos"}}}


def test_imports_are_counted_by_phase_and_reason_at_every_scrape(thing: Callable[..., Any]) -> None:
    statuses = [{}, {"phase": "Failed", "reason": "NotVideo"}, {"phase": "Completed"}]
    videos = [read("VideoImport", thing("VideoImport", "v", 1, spec=SPEC, status=status), 1) for status in statuses]
    unreadable = {"phase": "Failed", "reason": "InvalidSpec"}
    videos.append(read("VideoImport", thing("VideoImport", "v", 1, spec={}, status=unreadable), 1))
    registry = CollectorRegistry()
    registry.register(Figures(lambda: videos, lambda: 7))
    text = generate_latest(registry).decode()
    assert 'videoimport_imports{phase="Pending",reason=""} 1.0' in text
    assert 'videoimport_imports{phase="Failed",reason="NotVideo"} 1.0' in text
    assert 'videoimport_imports{phase="Failed",reason="InvalidSpec"} 1.0' in text
    assert "videoimport_queue_depth 7.0" in text
    videos.clear()
    assert "phase=" not in generate_latest(registry).decode()
