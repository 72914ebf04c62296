"""What left our sight is asked for before it is taken for lost."""

from collections.abc import Callable
from typing import Any

import pytest

from videoimport.controller.cache.additional_state import Notes
from videoimport.controller.cache.store import Store
from videoimport.controller.client.errors import AlreadyExists, Conflict, Rejected, Unavailable
from videoimport.controller.client.resources import Key
from videoimport.controller.reconcile.apply import Writer
from videoimport.controller.reconcile.observe import LEAVING_SECONDS, LiveReads, collect_owned, list_owned, observe_bulk
from videoimport.core.plan import Create

Raw = dict[str, Any]
Thing = Callable[..., Raw]
KEY = Key("VideoImport", "ns", "one")
SPEC = {"source": {"url": "https://example.com/a.mp4"}, "destination": {"s3": {"bucket": "videos"}}}
RUNNING = {"phase": "Downloading", "run": 2, "job": {"name": "one-2", "uid": "job-uid"}}
OURS = {"app.kubernetes.io/name": "videoimport", "app.kubernetes.io/managed-by": "videoimport"}


def a_job(thing: Thing, version: int, **meta: Any) -> Raw:
    owner = ("VideoImport", "one", "one-uid")
    return thing("Job", "one-2", version, uid="job-uid", owner=owner, meta=meta)


async def looked_for(cluster: Any, thing: Thing, status: Raw, job: Raw | None = None) -> Store:
    store = Store(lambda _: None)
    store.put("VideoImport", thing("VideoImport", "one", 5, spec=SPEC, status=status))
    if job:
        store.put("Job", job)
    entry = store.find("VideoImport", "ns", "one")
    assert entry is not None
    await LiveReads(cluster, store).restore_lost_job(KEY, entry)
    return store


async def test_a_running_job_that_lost_our_label_gets_it_back_and_is_seen_again(cluster: Any, thing: Thing) -> None:
    cluster.objects["Job", "one-2"] = a_job(thing, 6)
    store = await looked_for(cluster, thing, RUNNING)
    [(kind, name, patch)] = cluster.called("patch")
    assert (kind, name, patch["metadata"]["uid"]) == ("Job", "one-2", "job-uid")
    assert OURS.items() <= patch["metadata"]["labels"].items()
    assert patch["metadata"]["labels"]["videoimport.io/run"] == "2"
    assert store.find("Job", "ns", "one-2") is not None


async def test_a_job_that_is_gone_is_lost(cluster: Any, thing: Thing) -> None:
    await looked_for(cluster, thing, RUNNING)
    assert (cluster.called("get"), cluster.called("patch")) == ([("Job", "one-2")], [])


async def test_a_namesake_of_a_lost_job_is_left_alone(cluster: Any, thing: Thing) -> None:
    cluster.objects["Job", "one-2"] = a_job(thing, 6) | {"metadata": a_job(thing, 6)["metadata"] | {"uid": "other"}}
    await looked_for(cluster, thing, RUNNING)
    assert cluster.called("patch") == []


async def test_without_an_answer_nothing_is_taken_for_lost(cluster: Any, thing: Thing) -> None:
    cluster.failures["get"] = [Unavailable("away")]
    with pytest.raises(Unavailable):
        await looked_for(cluster, thing, RUNNING)


@pytest.mark.parametrize(
    "status",
    [
        {},
        RUNNING | {"job": {"name": "one-2"}},
        RUNNING | {"phase": "Completed"},
        RUNNING | {"phase": "Suspended"},
        RUNNING | {"attempts": {"count": 1, "nextRetryTime": "2026-01-01T00:00:00Z"}},
    ],
)
async def test_a_job_that_need_not_be_there_is_not_asked_for(cluster: Any, thing: Thing, status: Raw) -> None:
    await looked_for(cluster, thing, status)
    assert cluster.calls == []


async def test_a_job_that_is_seen_is_not_asked_for(cluster: Any, thing: Thing) -> None:
    await looked_for(cluster, thing, RUNNING, a_job(thing, 6))
    assert cluster.calls == []


async def test_a_thing_that_is_there_without_our_labels_gets_them_back(cluster: Any, thing: Thing) -> None:
    wanted = a_job(thing, 1, labels=OURS)
    cluster.objects["Job", "one-2"] = a_job(thing, 6)
    cluster.failures["create"] = [AlreadyExists("taken")]
    await Writer(cluster, Store(lambda _: None)).act(Create(wanted))
    [(_, _, patch)] = cluster.called("patch")
    assert patch["metadata"] == {"uid": "job-uid", "labels": OURS}


async def test_a_page_that_lost_a_label_gets_it_back(cluster: Any, thing: Thing) -> None:
    cluster.objects["ConfigMap", "page"] = a_page(thing, {"items.jsonl": "a"}, labels=OURS)
    cluster.failures["create"] = [AlreadyExists("taken")]
    wanted = a_page(thing, {"items.jsonl": "a"}, labels=OURS | {"videoimport.io/page": "0"})
    await Writer(cluster, Store(lambda _: None)).act(Create(wanted))
    [(_, _, patch)] = cluster.called("patch")
    assert patch["metadata"] == {"uid": "page-uid", "labels": {"videoimport.io/page": "0"}}


async def test_a_page_with_another_content_is_replaced(cluster: Any, thing: Thing) -> None:
    cluster.objects["ConfigMap", "page"] = a_page(thing, {"items.jsonl": "forged"}, labels=OURS)
    cluster.failures["create"] = [AlreadyExists("taken")]
    with pytest.raises(Conflict):
        await Writer(cluster, Store(lambda _: None)).act(Create(a_page(thing, {"items.jsonl": "a"}, labels=OURS)))
    assert cluster.called("delete") == [("ConfigMap", "page", "page-uid")]


def a_page(thing: Thing, data: Raw, **meta: Any) -> Raw:
    return thing("ConfigMap", "page", 6, owner=("BulkImport", "many", "many-uid"), meta=meta, data=data, immutable=True)


@pytest.mark.parametrize("part", ["apiVersion", "kind", "name", "uid", "controller"])
async def test_what_has_another_owner_in_one_part_is_somebody_elses_and_stays(
    cluster: Any, thing: Thing, part: str
) -> None:
    there = a_job(thing, 6, labels=OURS)
    there["metadata"]["ownerReferences"][0] |= {part: False if part == "controller" else "another/v1"}
    cluster.objects["Job", "one-2"] = there
    cluster.failures["create"] = [AlreadyExists("taken")]
    with pytest.raises(Rejected, match="belongs to another"):
        await Writer(cluster, Store(lambda _: None)).act(Create(a_job(thing, 1, labels=OURS)))
    assert cluster.called("patch") == cluster.called("delete") == []


def test_a_child_that_cannot_be_read_is_known_to_be_there(thing: Thing) -> None:
    store, owner = Store(lambda _: None), ("BulkImport", "many", "many-uid")
    spec = {
        "source": {"items": [{"url": "https://example.com/a.mp4"}]},
        "template": {"destination": {"s3": {"bucket": "videos"}}},
    }
    store.put("BulkImport", thing("BulkImport", "many", 1, spec=spec))
    store.put("VideoImport", thing("VideoImport", "good", 2, owner=owner, spec=SPEC))
    store.put("VideoImport", thing("VideoImport", "newer", 3, owner=owner, spec=SPEC, status={"phase": "Dreaming"}))
    entry = store.find("BulkImport", "ns", "many")
    assert entry is not None
    observed = observe_bulk(entry, list_owned(entry, store), store, Notes("many-uid"))
    assert [child.metadata.name for child in observed.children] == ["good"]
    assert observed.unreadable == {"newer"}


@pytest.mark.parametrize(("kind", "name"), [("Job", "one-2"), ("PersistentVolumeClaim", "one-scratch")])
async def test_what_was_on_its_way_out_and_is_gone_unseen_is_found_out_within_seconds(
    cluster: Any, thing: Thing, kind: str, name: str
) -> None:
    store, notes = Store(lambda _: None), Notes("one-uid")
    store.put("VideoImport", thing("VideoImport", "one", 5, spec=SPEC))
    meta = {"deletionTimestamp": "now", "labels": {"videoimport.io/run": "2"}}
    leaving = thing(kind, name, 6, owner=("VideoImport", "one", "one-uid"), meta=meta)
    store.put(kind, leaving)
    entry = store.find("VideoImport", "ns", "one")
    assert entry is not None
    assert (await collect_owned(KEY, entry, cluster, store, notes, 100.0))[1] == LEAVING_SECONDS
    assert cluster.called("get") == []
    cluster.objects[kind, name] = leaving
    assert (await collect_owned(KEY, entry, cluster, store, notes, 106.0))[1] == LEAVING_SECONDS
    assert store.find(kind, "ns", name) is not None
    del cluster.objects[kind, name]
    await collect_owned(KEY, entry, cluster, store, notes, 112.0)
    assert store.find(kind, "ns", name) is None
    assert (await collect_owned(KEY, entry, cluster, store, notes, 118.0))[1] is None
