"""From a pod's log to a page's ConfigMap."""

import asyncio
import hashlib
import json

import pytest

from videoimport.api.tasks.listing_log import packed
from videoimport.api.tasks.listing_task import MAX_PAGE_BYTES
from videoimport.controller.cache.additional_state import Notes
from videoimport.controller.cache.store import Store
from videoimport.controller.client.errors import AlreadyExists, Conflict, NotFound, Rejected, Unavailable
from videoimport.controller.reconcile.apply import Writer
from videoimport.controller.reconcile.store_page import PATIENCE, Collector
from videoimport.core.plan import StoreListingPage

LINES = ['{"page":1,"found":{"id":"0123456789","url":"https://video.example/a b.mp4"}}\n', '{"page":1,"x":2}\n']
LOG = f'{{"event":"listing"}}\n{packed("".join(LINES))}{{"event":"a hint of page:"}}\nbye'
OWNER = {"apiVersion": "v", "kind": "BulkImport", "name": "many", "uid": "bulk-uid", "controller": True}


def wanted(lines=LINES, **changes):
    labels = {
        "app.kubernetes.io/name": "videoimport",
        "app.kubernetes.io/managed-by": "videoimport",
        "videoimport.io/page": "0",
        "videoimport.io/listing": "0a1b2c3d",
    }
    metadata = {"name": "many-0a1b2c3d-0", "namespace": "ns", "labels": labels, "ownerReferences": [OWNER]}
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"page.json": '{"done":true}'}}
    digest = hashlib.sha256("".join(lines).encode()).hexdigest()
    fields = {"namespace": "ns", "pod": "p", "job": "job-uid", "count": len(lines), "sha256": digest}
    return StoreListingPage(**fields | {"manifest": manifest} | changes)


@pytest.fixture
def notes():
    return Notes("bulk-uid")


@pytest.fixture
def keep(cluster, notes):
    store = Store(lambda key: None)

    def run(wish=None):
        return asyncio.run(Collector(cluster, Writer(cluster, store)).keep(wish or wanted(), notes))

    run.store = store
    return run


def test_the_reported_lines_are_kept_and_nothing_else(cluster, keep, notes):
    cluster.logs["p"] = LOG
    assert keep() is None
    (made,) = cluster.called("create")
    assert made["data"] == {"page.json": '{"done":true}', "items.jsonl": "".join(LINES)}
    assert notes.unkept == set()
    assert keep.store.find("ConfigMap", "ns", "many-0a1b2c3d-0").view.items[0].identity == "0123456789"


def test_only_a_newline_ends_a_line(cluster, keep):
    odd = ['{"page":1,"url":"https://video.example/\u2028\x85\x0c\r.mp4"}\n'] * 2
    cluster.logs["p"] = packed("".join(odd))
    assert keep(wanted(odd)) is None
    (made,) = cluster.called("create")
    assert made["data"]["items.jsonl"] == "".join(odd)


@pytest.mark.parametrize(
    "log",
    ["", packed(LINES[0]), packed("".join(LINES).replace("mp4", "mp3")), f"{LOG}\n{packed(LINES[0])}", "page:é",
     LOG[: LOG.index("page:") + 40], "".join(LINES), packed("x" * (MAX_PAGE_BYTES + 1))],
)  # fmt: skip
def test_a_log_that_is_not_what_was_reported_is_noted(cluster, keep, notes, log):
    cluster.logs["p"] = log
    assert keep() == 0
    assert notes.unkept == {"job-uid"}
    assert cluster.called("create") == []


@pytest.mark.parametrize("gone", [NotFound("no such pod"), Rejected("no such container")])
def test_a_log_that_is_gone_is_noted(cluster, keep, notes, gone):
    cluster.failures["log"] = [gone]
    assert keep() == 0
    assert notes.unkept == {"job-uid"}


def test_a_page_that_is_known_to_be_lost_is_not_asked_for_again(cluster, keep, notes):
    notes.unkept.add("job-uid")
    assert keep() is None
    assert cluster.called("log") == []


def test_a_kubelet_that_is_away_is_asked_later_and_later_and_not_for_ever(cluster, keep, notes):
    cluster.failures["log"] = [Unavailable("no route") for _ in range(PATIENCE)]
    pauses = [keep() for _ in range(PATIENCE)]
    assert pauses == [*sorted(pauses[:-1]), 0]
    assert len(set(pauses)) == PATIENCE
    assert notes.unkept == {"job-uid"}


def test_a_kubelet_that_comes_back_loses_nothing(cluster, keep, notes):
    cluster.logs["p"] = LOG
    cluster.failures["log"] = [Unavailable("no route")]
    assert keep() > 0
    assert keep() is None
    assert (notes.unkept, notes.unread) == (set(), {})
    assert len(cluster.called("create")) == 1


def test_a_name_that_is_taken_is_said(cluster, keep):
    cluster.logs["p"] = LOG
    cluster.failures["create"] = [AlreadyExists("it is there")]
    theirs = {"namespace": "ns", "name": "many-0a1b2c3d-0", "uid": "u", "resourceVersion": "7"}
    cluster.objects["ConfigMap", "many-0a1b2c3d-0"] = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": theirs}
    with pytest.raises(Rejected, match="belongs to another"):
        keep()


def test_a_page_that_is_there_already_is_ours(cluster, keep):
    cluster.logs["p"] = LOG
    cluster.failures["create"] = [AlreadyExists("it is there")]
    wish = wanted()
    there = json.loads(json.dumps(wish.manifest))
    there["metadata"] |= {"uid": "u", "resourceVersion": "7"}
    cluster.objects["ConfigMap", "many-0a1b2c3d-0"] = there
    assert keep(wish) is None
    assert keep.store.find("ConfigMap", "ns", "many-0a1b2c3d-0") is not None


def test_a_page_that_is_on_its_way_out_is_waited_for(cluster, keep):
    cluster.logs["p"] = LOG
    cluster.failures["create"] = [AlreadyExists("it is there")]
    wish = wanted()
    there = json.loads(json.dumps(wish.manifest))
    there["metadata"] |= {"uid": "u", "resourceVersion": "7", "deletionTimestamp": "2026-01-01T00:00:00Z"}
    cluster.objects["ConfigMap", "many-0a1b2c3d-0"] = there
    with pytest.raises(Conflict):
        keep(wish)
