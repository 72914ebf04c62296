"""Bulks that share source and destination: who goes first, who is told, and what earlier ones left."""

import json
from typing import Any

from videoimport.api.identity import item_identity
from videoimport.controller.cache.additional_state import Notes
from videoimport.controller.cache.store import Store
from videoimport.controller.client.resources import Key
from videoimport.controller.reconcile.observe import list_owned, observe_bulk
from videoimport.core.discovery.page_digest import hash_page_data
from videoimport.core.list_item import EARLIER

Raw = dict[str, Any]
LIST = {"playlist": {"url": "https://videos.example/list"}}
URLS = [f"https://videos.example/{number}" for number in range(3)]


class Known:
    """A store, and who was told by it."""

    def __init__(self) -> None:
        self.told: list[Key] = []
        self.store = Store(self.told.append)
        self.version = 0

    def put(self, kind: str, raw: Raw) -> None:
        self.version += 1
        raw["metadata"]["resourceVersion"] = str(self.version)
        self.store.put(kind, raw)  # type: ignore[arg-type]

    def bulk(self, name: str, minute: int, status: Raw | None = None, **spec: Any) -> None:
        meta = {"name": name, "namespace": "films", "uid": f"{name}-uid", "generation": self.version + 1}
        template = {"destination": {"s3": {"bucket": "media"}}}
        made = {"creationTimestamp": f"2026-05-04T12:{minute:02}:00Z"}
        wish = {"source": LIST, "template": template} | spec
        head = {"apiVersion": "videoimport.io/v1alpha1", "kind": "BulkImport", "metadata": meta | made}
        self.put("BulkImport", head | {"spec": wish, "status": status or {}})

    def ahead(self, name: str) -> int:
        found: int = self.seen(name).ahead
        return found

    def seen(self, name: str) -> Any:
        entry = self.store.find("BulkImport", "films", name)
        assert entry is not None
        return observe_bulk(entry, list_owned(entry, self.store), self.store, Notes(entry.uid))

    def told_since(self) -> set[str]:
        names = {key.name for key in self.told}
        self.told.clear()
        return names


def three() -> Known:
    known = Known()
    for minute, name in enumerate(("old", "middle", "young")):
        known.bulk(name, minute)
    known.told_since()
    return known


def test_older_ones_go_first() -> None:
    known = three()
    assert [known.ahead(name) for name in ("old", "middle", "young")] == [0, 1, 2]


def test_of_the_same_second_one_goes_first_all_the_same() -> None:
    known = Known()
    known.bulk("one", 0)
    known.bulk("two", 0)
    assert sorted(known.ahead(name) for name in ("one", "two")) == [0, 1]


def test_of_the_same_second_the_one_that_has_begun_goes_on() -> None:
    for begun, waits in (("one", "two"), ("two", "one")):
        known = Known()
        known.bulk(begun, 0, status={"phase": "Processing"})
        known.bulk(waits, 0)
        assert (known.ahead(begun), known.ahead(waits)) == (0, 1)


def test_ended_suspended_dry_and_vanishing_ones_hold_nobody_up() -> None:
    known = three()
    known.bulk("old", 0, status={"phase": "Completed"})
    assert (known.ahead("middle"), known.ahead("young")) == (0, 1)
    known.bulk("middle", 1, suspend=True)
    assert known.ahead("young") == 0
    known.bulk("middle", 1)
    assert known.ahead("young") == 1
    known.bulk("middle", 1, dryRun=True)
    assert known.ahead("young") == 0


def test_another_source_destination_or_namespace_is_in_nobodys_way() -> None:
    known = three()
    known.bulk("old", 0, source={"playlist": {"url": "https://videos.example/other"}})
    known.bulk("middle", 1, template={"destination": {"s3": {"bucket": "elsewhere"}}})
    assert known.ahead("young") == 0


def test_those_whose_turn_may_have_come_are_told() -> None:
    known = three()
    known.bulk("old", 0, status={"phase": "Processing"})
    known.told_since()
    known.bulk("old", 0, status={"phase": "Processing", "active": 3})
    assert known.told_since() == {"old"}
    known.bulk("old", 0, status={"phase": "Failed"})
    assert known.told_since() == {"old", "middle", "young"}
    known.bulk("middle", 1, suspend=True)
    assert known.told_since() == {"middle", "young"}


def test_deleted_one_tells_the_others() -> None:
    known = three()
    known.store.vanished("BulkImport", "films", "old", "old-uid")
    assert known.told_since() == {"old", "middle", "young"}
    assert known.ahead("middle") == 0


def shard(of: str, **results: bool) -> Raw:
    data = {
        item_identity(URLS[int(item[1:])]): json.dumps({"url": "u", "success": good}) for item, good in results.items()
    }
    return config_map(of, "results-0", {"videoimport.io/shard": "0"}, data)


def config_map(of: str, name: str, labels: Raw, data: Raw) -> Raw:
    owner = {
        "apiVersion": "videoimport.io/v1alpha1",
        "kind": "BulkImport",
        "name": of,
        "uid": f"{of}-uid",
        "controller": True,
    }
    meta = {"name": f"{of}-{name}", "namespace": "films", "uid": f"{of}-{name}", "labels": labels}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta | {"ownerReferences": [owner]}, "data": data}


ITEMS = {"items": [{"url": url} for url in URLS]}
DONE = {"phase": "Completed", "completionTime": "2026-05-04T12:30:00Z"}


def failing() -> Known:
    """Two that have ended: the first failed with items 0 and 1, of which the second brought 0 and failed with 2."""
    known = Known()
    known.bulk("first", 0, source=ITEMS, status=DONE)
    known.put("ConfigMap", shard("first", i0=False, i1=False, i2=True))
    known.bulk("second", 1, source=ITEMS, status=DONE)
    known.put("ConfigMap", shard("second", i0=True, i2=False))
    return known


def test_what_earlier_ones_left_failed_and_no_later_one_brought_is_seen() -> None:
    known = failing()
    known.bulk("third", 2, source=ITEMS, retryFailed=True)
    assert [item.url for item in known.seen("third").left_failed] == [URLS[1], URLS[2]]


def test_one_that_has_ended_asks_once_it_is_told_to_and_those_before_it_have_ended() -> None:
    known = failing()
    known.bulk("third", 2, source=ITEMS, status=DONE, retryFailed=True)
    known.bulk("second", 1, source=ITEMS, status={"phase": "Processing"})
    assert known.seen("third").left_failed is None
    known.told_since()
    known.bulk("second", 1, source=ITEMS, status=DONE)
    assert "third" in known.told_since()
    seen = known.seen("third")
    assert seen.left_failed is not None
    observed_since = {"observedGeneration": seen.bulk.metadata.generation}
    known.bulk("third", 2, source=ITEMS, status=DONE | observed_since, retryFailed=True)
    assert known.seen("third").left_failed == seen.left_failed


def test_nobody_asks_without_retry_failed_or_without_earlier_ones_or_once_it_is_settled() -> None:
    known = failing()
    known.bulk("third", 2, source=ITEMS)
    assert known.seen("third").left_failed is None
    known.bulk("first", 0, source=ITEMS, status=DONE, retryFailed=True)
    assert known.seen("first").left_failed is None
    data = {"page.json": json.dumps({"done": True, "integration": "items"}), "items.jsonl": ""}
    known.bulk("third", 2, source=ITEMS, retryFailed=True, status={"earlierDigests": {"0": hash_page_data(data)}})
    labels = {"videoimport.io/listing": EARLIER, "videoimport.io/page": "0"}
    known.put("ConfigMap", config_map("third", "earlier-0", labels, data))
    assert known.seen("third").left_failed is None
