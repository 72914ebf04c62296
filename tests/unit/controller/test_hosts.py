"""The store knows which hosts told an import to come back later."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from videoimport.api.videoimport import VideoImport
from videoimport.controller.store import Store

Raw = dict[str, Any]
Thing = Callable[..., Raw]
DESTINATION = {"s3": {"bucket": "videos"}}


def spec(host: str) -> Raw:
    return {"source": {"url": f"https://{host}/a.mp4"}, "destination": DESTINATION}


def told(until: str | None) -> Raw:
    attempts = {"count": 1, "reasons": ["RateLimited"]} | ({"nextRetryTime": until} if until else {})
    return {"phase": "Pending", "run": 1, "attempts": attempts}


def until(store: Store, name: str) -> datetime | None:
    entry = store.find("VideoImport", "ns", name)
    assert entry is not None
    return store.rests.until(entry.of(VideoImport))


def test_a_rest_concerns_the_other_imports_of_the_host_for_as_long_as_it_stands(thing: Thing) -> None:
    store = Store(lambda _: None)
    store.put("VideoImport", thing("VideoImport", "same", 1, spec=spec("a.example")))
    store.put("VideoImport", thing("VideoImport", "other", 2, spec=spec("b.example")))
    store.put(
        "VideoImport", thing("VideoImport", "told", 3, spec=spec("a.example"), status=told("2026-01-01T00:05:00Z"))
    )
    assert until(store, "same") == datetime(2026, 1, 1, 0, 5, tzinfo=UTC)
    assert until(store, "other") is None
    assert until(store, "told") is None

    store.put("VideoImport", thing("VideoImport", "told", 4, spec=spec("a.example"), status=told(None)))
    assert until(store, "same") is None


def test_the_longest_rest_counts_and_a_deleted_import_is_no_witness(thing: Thing) -> None:
    store = Store(lambda _: None)
    store.put("VideoImport", thing("VideoImport", "same", 1, spec=spec("www.a.example")))
    for name, minute, version in (("one", 5, 2), ("two", 9, 3)):
        status = told(f"2026-01-01T00:0{minute}:00Z")
        store.put("VideoImport", thing("VideoImport", name, version, spec=spec("a.example"), status=status))
    assert until(store, "same") == datetime(2026, 1, 1, 0, 9, tzinfo=UTC)
    store.remove("VideoImport", thing("VideoImport", "two", 4))
    assert until(store, "same") == datetime(2026, 1, 1, 0, 5, tzinfo=UTC)


def test_a_mended_source_takes_the_witness_from_its_old_host(thing: Thing) -> None:
    store = Store(lambda _: None)
    store.put("VideoImport", thing("VideoImport", "same", 1, spec=spec("a.example")))
    for version, host in ((2, "a.example"), (3, "b.example")):
        status = told("2026-01-01T00:05:00Z")
        store.put("VideoImport", thing("VideoImport", "told", version, spec=spec(host), status=status))
    assert until(store, "same") is None
