"""What is there is counted at every scrape; what happened is counted once, as it is written."""

from collections.abc import Callable
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest

from videoimport.controller.cache.store import Store
from videoimport.controller.client.resources import Key
from videoimport.controller.queue.workqueue import KeyedQueue
from videoimport.controller.telemetry import metrics
from videoimport.controller.telemetry.metrics import REGISTRY, Figures
from videoimport.core.video_status import News

Raw = dict[str, Any]
Thing = Callable[..., Any]
DESTINATION = {"s3": {"bucket": "videos"}}
SPEC = {"source": {"url": "https://secret.example/a.mp4"}, "destination": DESTINATION}
LIST = {"source": {"items": [{"url": "https://secret.example/a.mp4"}]}, "template": {"destination": DESTINATION}}
TOLD = {
    "phase": "Pending",
    "reason": "RateLimited",
    "attempts": {"nextRetryTime": "2026-01-01T00:05:00Z"},
    "hostBackoff": {
        "host": "secret.example",
        "failures": 1,
        "time": "2026-01-01T00:00:00Z",
        "until": "2026-01-01T00:05:00Z",
    },
}


def shown(store: Store, queue: KeyedQueue | None = None) -> str:
    registry = CollectorRegistry()
    registry.register(Figures(store, queue or KeyedQueue()))
    return generate_latest(registry).decode()


def test_imports_are_counted_by_phase_and_reason_at_every_scrape(thing: Thing) -> None:
    store = Store(lambda _: None)
    statuses = [{}, {"phase": "Failed", "reason": "NotVideo"}, {"phase": "Completed"}, TOLD]
    for number, status in enumerate(statuses):
        store.put("VideoImport", thing("VideoImport", f"v{number}", number + 1, spec=SPEC, status=status))
    unreadable = {"phase": "Failed", "reason": "InvalidSpec"}
    store.put("VideoImport", thing("VideoImport", "u", 9, spec={}, status=unreadable))
    text = shown(store)
    assert 'videoimport_imports{phase="Pending",reason=""} 1.0' in text
    assert 'videoimport_imports{phase="Failed",reason="NotVideo"} 1.0' in text
    assert 'videoimport_imports{phase="Failed",reason="InvalidSpec"} 1.0' in text
    assert "videoimport_hosts_backing_off 1.0" in text
    assert "videoimport_waiting_for_hosts 1.0" in text
    assert "secret" not in text
    store.remove("VideoImport", thing("VideoImport", "v3", 10))
    assert "videoimport_hosts_backing_off 0.0" in shown(store)


def test_items_are_counted_by_state_over_all_bulks(thing: Thing) -> None:
    store = Store(lambda _: None)
    counts = {"total": 10, "active": 2, "completed": 5, "failed": 1, "skippedDuplicates": 3, "rejectedCount": 4}
    for name in ("one", "two"):
        status = {"phase": "Processing", **counts}
        store.put("BulkImport", thing("BulkImport", name, 5, spec=LIST, status=status))
    text = shown(store)
    wanted = {"waiting": 4, "active": 4, "completed": 4, "duplicate": 6, "failed": 2, "rejected": 8}
    for state, number in wanted.items():
        assert f'videoimport_bulk_items{{state="{state}"}} {number}.0' in text
    assert 'videoimport_bulks{phase="Processing"} 2.0' in text


def test_running_imports_and_the_queue_are_shown(thing: Thing, clock: Any) -> None:
    store, queue = Store(lambda _: None), KeyedQueue(clock=clock)
    status = {"phase": "Downloading", "run": 1, "job": {"name": "v-1"}}
    store.put("VideoImport", thing("VideoImport", "v", 1, spec=SPEC, status=status))
    queue.add(Key("VideoImport", "ns", "v"))
    clock.now += 7
    text = shown(store, queue)
    for line in ("videoimport_running 1.0", "videoimport_queue_depth 1.0", "videoimport_queue_age_seconds 7.0"):
        assert line in text


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def test_what_a_written_status_tells_is_added_up() -> None:
    names = ("videoimport_fetched_bytes_total", "videoimport_uploaded_bytes_total")
    before = [value(name) for name in names]
    ended, retried = (
        value("videoimport_ended_total", phase="Failed", reason="NotVideo"),
        value("videoimport_retries_total", reason="Stalled"),
    )
    told = News(("Failed", "NotVideo"), "Stalled", 11, 5, (("Download", 20),))
    stages = value("videoimport_stage_seconds_sum", stage="Download")
    metrics.count(told)
    assert [value(name) for name in names] == [before[0] + 11, before[1] + 5]
    assert value("videoimport_ended_total", phase="Failed", reason="NotVideo") == ended + 1
    assert value("videoimport_retries_total", reason="Stalled") == retried + 1
    assert value("videoimport_stage_seconds_sum", stage="Download") == stages + 20
