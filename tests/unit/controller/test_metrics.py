from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest

from videoimport.controller.metrics import Figures
from videoimport.controller.store import Entry


def entry(status: dict[str, Any]) -> Entry:
    return Entry({"metadata": {}, "status": status}, 1)


def test_imports_are_counted_by_phase_and_reason_at_every_scrape() -> None:
    videos = [entry({}), entry({"phase": "Failed", "reason": "NotVideo"}), entry({"phase": "Completed"})]
    registry = CollectorRegistry()
    registry.register(Figures(lambda: videos, lambda: 7))
    text = generate_latest(registry).decode()
    assert 'videoimport_imports{phase="Pending",reason=""} 1.0' in text
    assert 'videoimport_imports{phase="Failed",reason="NotVideo"} 1.0' in text
    assert "videoimport_queue_depth 7.0" in text
    videos.clear()
    assert "phase=" not in generate_latest(registry).decode()
