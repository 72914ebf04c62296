from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from videoimport.controller.cache.store import Comparison, Store
from videoimport.controller.client.cluster import Page
from videoimport.controller.client.resources import Key
from videoimport.core.observed import Owner

Raw = dict[str, Any]
Thing = Callable[..., Raw]
OWNER = Owner("ns", "videoimport.io", "VideoImport", "one", "one-uid")
VIDEO = ("VideoImport", "one", "one-uid")
ONE = Key("VideoImport", "ns", "one")


def store() -> tuple[Store, list[Key]]:
    told: list[Key] = []
    return Store(told.append), told


def compared(known: Store, page: Page, namespace: str | None = None) -> int:
    comparison = Comparison(known, "Job", namespace)
    comparison.take(page)
    return comparison.finish()


def test_the_newest_version_wins_whatever_came_last(thing: Thing) -> None:
    known, told = store()
    assert known.put("VideoImport", thing("VideoImport", "one", 10))
    assert not known.put("VideoImport", thing("VideoImport", "one", 9))
    assert not known.put("VideoImport", thing("VideoImport", "one", 10))
    entry = known.find("VideoImport", "ns", "one")
    assert entry is not None
    assert entry.version == 10
    assert told == [ONE]


def test_versions_are_numbers_and_not_words(thing: Thing) -> None:
    known, _ = store()
    known.put("Job", thing("Job", "one-1", 99))
    assert known.put("Job", thing("Job", "one-1", 100))


def test_a_late_list_does_not_bring_back_what_was_deleted(thing: Thing) -> None:
    known, told = store()
    known.put("Job", thing("Job", "one-1", 10, owner=VIDEO))
    known.remove("Job", thing("Job", "one-1", 15, owner=VIDEO))
    compared(known, Page([thing("Job", "one-1", 10, owner=VIDEO)], 12))
    assert known.find("Job", "ns", "one-1") is None
    assert told == [ONE, ONE]


def test_a_namesake_made_after_the_deletion_is_kept(thing: Thing) -> None:
    known, _ = store()
    known.remove("Job", thing("Job", "one-1", 15, owner=VIDEO))
    assert known.put("Job", thing("Job", "one-1", 16, uid="another", owner=VIDEO))


def test_what_a_list_lacks_is_gone_unless_it_is_younger(thing: Thing) -> None:
    known, told = store()
    known.put("Job", thing("Job", "old", 10, owner=VIDEO))
    known.put("Job", thing("Job", "young", 30, owner=VIDEO))
    told.clear()
    assert compared(known, Page([], 20)) == 1
    assert [entry.head["metadata"]["name"] for entry in known.objects("Job")] == ["young"]
    assert told == [ONE]


def test_a_list_of_one_namespace_says_nothing_of_others(thing: Thing) -> None:
    known, _ = store()
    known.put("Job", thing("Job", "here", 10))
    assert compared(known, Page([], 20), "elsewhere") == 0
    assert compared(known, Page([], 20), "ns") == 1


def test_a_list_that_breaks_off_buries_nothing(thing: Thing) -> None:
    known, _ = store()
    for name in ("a", "b"):
        known.put("Job", thing("Job", name, 10))
    comparison = Comparison(known, "Job", None)
    comparison.take(Page([thing("Job", "a", 10)], 20))
    assert len(known.objects("Job")) == 2
    comparison.take(Page([thing("Job", "b", 10)], 20))
    assert comparison.finish() == 0


def test_a_list_that_changes_nothing_tells_nobody(thing: Thing) -> None:
    known, told = store()
    known.put("Job", thing("Job", "one-1", 10, owner=VIDEO))
    told.clear()
    assert compared(known, Page([thing("Job", "one-1", 10, owner=VIDEO)], 20)) == 0
    assert told == []


def test_what_is_owned_is_found_by_its_owner_and_by_name(thing: Thing) -> None:
    known, _ = store()
    for name in ("b", "a"):
        known.put("Job", thing("Job", name, 10, owner=VIDEO))
    known.put("Job", thing("Job", "other", 10, owner=("VideoImport", "one", "an-earlier-uid")))
    assert [job.head["metadata"]["name"] for job in known.owned("Job", OWNER)] == ["a", "b"]
    known.remove("Job", thing("Job", "a", 20, owner=VIDEO))
    assert [job.head["metadata"]["name"] for job in known.owned("Job", OWNER)] == ["b"]


OTHERS = [
    {"apiVersion": "evil.example/v1"},
    {"kind": "BulkImport"},
    {"name": "another"},
    {"uid": "another"},
    {"controller": False},
]


@pytest.mark.parametrize("changes", OTHERS)
def test_what_differs_from_its_owner_in_one_part_is_not_owned(thing: Thing, changes: Raw) -> None:
    known, _ = store()
    raw = thing("Job", "one-1", 10, owner=VIDEO)
    raw["metadata"]["ownerReferences"][0] |= changes
    known.put("Job", raw)
    known.put("Job", thing("Job", "one-1", 11, owner=VIDEO, meta={"namespace": "other"}))
    assert known.owned("Job", OWNER) == []


RUN = {"labels": {"videoimport.io/run": "1"}}
SPEC = {"source": {"url": "https://video.example/one.mp4"}, "destination": {"s3": {"bucket": "videos"}}}


def test_a_job_takes_no_place_before_its_run_is_decided_or_without_its_import(thing: Thing) -> None:
    known, _ = store()
    known.put("Job", thing("Job", "one-1", 1, owner=VIDEO, meta=RUN))
    assert known.turns.slots.total == 0
    queued = {"phase": "Queued", "run": 0}
    known.put("VideoImport", thing("VideoImport", "one", 2, spec=SPEC | {"suspend": True}, status=queued))
    assert known.turns.slots.total == 0
    suspended = {"phase": "Suspended", "run": 1}
    known.put("VideoImport", thing("VideoImport", "one", 3, spec=SPEC | {"suspend": True}, status=suspended))
    assert known.turns.slots.total == 1
    known.remove("VideoImport", thing("VideoImport", "one", 4))
    assert known.turns.slots.total == 1, "it runs on until it has ended"
    known.remove("Job", thing("Job", "one-1", 5, owner=VIDEO, meta=RUN))
    assert known.turns.slots.total == 0


def test_only_the_very_object_vanishes(thing: Thing) -> None:
    known, _ = store()
    known.put("Job", thing("Job", "one-1", 10, uid="new"))
    known.vanished("Job", "ns", "one-1", "old")
    assert known.find("Job", "ns", "one-1") is not None
    known.vanished("Job", "ns", "one-1", "new")
    assert known.find("Job", "ns", "one-1") is None


def test_a_namesake_of_another_owner_tells_both(thing: Thing) -> None:
    known, told = store()
    known.put("Job", thing("Job", "j", 10, uid="1", owner=VIDEO))
    told.clear()
    known.put("Job", thing("Job", "j", 20, uid="2", owner=("VideoImport", "two", "two-uid")))
    assert told == [ONE, Key("VideoImport", "ns", "two")]


@pytest.mark.parametrize("kind", ["Job", "PersistentVolumeClaim"])
@pytest.mark.parametrize("later", [("VideoImport", "two", "two-uid"), None])
def test_an_object_that_gets_another_owner_or_none_tells_both(thing: Thing, kind: str, later: Any) -> None:
    known, told = store()
    known.put(kind, thing(kind, "j", 10, owner=VIDEO))
    told.clear()
    known.put(kind, thing(kind, "j", 20, owner=later))
    assert told[0] == ONE
    assert told[1:] == ([Key("VideoImport", "ns", "two")] if later else [])


def test_a_pod_that_loses_its_label_or_its_owner_still_tells_its_import(thing: Thing) -> None:
    known, told = store()
    named = {"labels": {"videoimport.io/import": "one"}}
    known.put("Pod", thing("Pod", "one-1-abcde", 1, owner=("Job", "one-1", "one-1-uid"), meta=named))
    told.clear()
    known.put("Pod", thing("Pod", "one-1-abcde", 2))
    assert told == [ONE]
    known.put("Job", thing("Job", "one-1", 3, owner=VIDEO))
    told.clear()
    known.put("Pod", thing("Pod", "one-1-abcde", 4, owner=("Job", "one-1", "one-1-uid")))
    assert told == [ONE], "its Job says whose it is"


def test_a_job_that_is_taken_from_its_import_takes_no_place_any_more(thing: Thing) -> None:
    known, _ = store()
    suspended = {"phase": "Suspended", "run": 1}
    known.put("VideoImport", thing("VideoImport", "one", 1, spec=SPEC | {"suspend": True}, status=suspended))
    known.put("Job", thing("Job", "one-1", 2, owner=VIDEO, meta=RUN))
    assert known.turns.slots.total == 1
    known.put("Job", thing("Job", "one-1", 3, meta=RUN))
    assert known.turns.slots.total == 0


def test_a_child_concerns_itself_and_its_bulk_and_a_pod_its_import(thing: Thing) -> None:
    known, told = store()
    known.put("VideoImport", thing("VideoImport", "child", 1, owner=("BulkImport", "many", "many-uid")))
    known.put("Pod", thing("Pod", "pod", 1, meta={"labels": {"videoimport.io/import": "child"}}))
    known.put("ConfigMap", thing("ConfigMap", "shard", 1, owner=("BulkImport", "many", "many-uid")))
    child, many = Key("VideoImport", "ns", "child"), Key("BulkImport", "ns", "many")
    assert told == [child, many, child, many]


def test_deletions_are_forgotten_in_the_end(thing: Thing, clock: Any) -> None:
    known = Store(lambda _: None, clock)
    known.remove("Job", thing("Job", "one-1", 15))
    clock.now += 601
    compared(known, Page([], 20))
    assert known.put("Job", thing("Job", "one-1", 14))


@given(st.lists(st.tuples(st.sampled_from(["put", "remove"]), st.integers(1, 20)), max_size=20), st.randoms())
def test_the_order_of_arrival_does_not_matter(history: list[tuple[str, int]], random: Any) -> None:
    """Each version is either an object or a deletion; whatever comes last, the newest one stands."""
    by_version = {version: what for what, version in history}
    events = list(by_version.items())
    random.shuffle(events)
    known, _ = store()
    for version, what in events:
        metadata = {"namespace": "ns", "name": "x", "uid": "u", "resourceVersion": str(version)}
        raw = {"apiVersion": "batch/v1", "kind": "Job", "metadata": metadata}
        known.put("Job", raw) if what == "put" else known.remove("Job", raw)
    entry = known.find("Job", "ns", "x")
    newest = max(by_version, default=0)
    assert (entry.version if entry else None) == (newest if by_version.get(newest) == "put" else None)
