"""A tenant with the role ``edit`` in her own namespace reaches nothing of another namespace's imports, whatever she
plants. Run with ``-s`` to see what was planted and what happened."""

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.controller.api_server import ApiServer, Raw, await_until, background, holds
from support.controller.api_server_proxy import ApiServerProxy
from support.controller.controller_process import Controller, through
from support.controller.fake_kubelet import FakeKubelet
from support.controller.fake_listing_worker import FakeListingWorker
from support.controller.manifests import HOOK, SCRATCH, THREE, bulk, video
from support.controller.namespace_state import JobRecord, finished, its_worker_runs
from support.controller.tenants import (
    ANCHOR,
    EVIL,
    Mallory,
    forged_job,
    forged_page,
    forged_pod,
    forged_shard,
    owner,
    seen_by_the_controller,
    unmarked,
)
from videoimport.api.bulkimport import BulkImport
from videoimport.api.identity import item_identity
from videoimport.api.labels import BULK, PAGE
from videoimport.core.discovery.pages import hash_listing
from videoimport.core.names_and_owners import build_child_object_name

SECRET = "key-of-the-victim"


@dataclass
class Tenants:
    """Both, and the controller of their cluster. Mallory's namespace comes first wherever names are sorted, unless a
    test asks for last."""

    api: ApiServer
    victim: str
    mallory: Mallory
    kubelet: FakeKubelet
    controller: Controller

    def get(self, kind: str, name: str) -> Raw:
        """Of the victim's."""
        return self.api.get(kind, self.victim, name)

    def settle(self) -> None:
        """The controller knows what was planted, and nothing of it reached the victim."""
        seen_by_the_controller(self.api, self.mallory, f"hers-{uuid.uuid4().hex[:4]}")
        unmarked(self.api, self.victim)

    def end(self, kind: str, name: str) -> Raw:
        """The victim's resource once it has ended."""
        status: Raw = finished(self.api, kind, self.victim, name)["status"]
        print(f"happened: {kind} {name}: {json.dumps({key: status.get(key) for key in _TOLD})}")
        unmarked(self.api, self.victim)
        return status


_TOLD = ("phase", "reason", "message", "run", "total", "completed", "failed")


@pytest.fixture
def tenants(request: pytest.FixtureRequest, api: ApiServer, proxy: ApiServerProxy, tmp_path: Path) -> Iterator[Tenants]:
    tag, first = uuid.uuid4().hex[:8], getattr(request, "param", "first") == "first"
    with api.namespace(f"{'a' if first else 'z'}-mallory-{tag}") as hers, api.namespace(f"victim-{tag}") as victim:
        mallory, kubelet = Mallory(api, hers), FakeKubelet(api, victim)
        mallory.admit()
        controller = Controller(
            kubeconfig=through(proxy.port, tmp_path / "kubeconfig"),
            log=tmp_path / "controller.log",
            environment={"VIDEOIMPORT_WATCH_NAMESPACES": json.dumps([hers, victim])},
        )
        with (
            background("victim's kubelet", kubelet.run),
            background("Mallory's kubelet", FakeKubelet(api, hers).run),
            controller,
        ):
            controller.ready()
            yield Tenants(api, victim, mallory, kubelet, controller)


def test_a_forged_job_with_a_forged_report_ends_no_import_of_another_namespace(tenants: Tenants) -> None:
    tenants.kubelet.hold.set()
    tenants.api.create(video(tenants.victim))
    await_until("the worker", lambda: its_worker_runs(tenants.api, tenants.victim), explain=tenants.controller.tail)
    one, jobs = tenants.get("VideoImport", "one"), JobRecord(tenants.api, tenants.victim)
    with background("job record", jobs.run):
        for name, run in (("one-1", 1), ("one-2", 2), ("one-99", 99)):
            tenants.mallory.plant(forged_job(one, name, run, owner(one)))
        hers = tenants.mallory.namespace
        await_until("the ends of her Jobs", lambda: all(map(_is_over, tenants.api.all_of("Job", hers))))
        tenants.settle()
        assert tenants.get("VideoImport", "one")["status"]["phase"] != "Completed"
        tenants.kubelet.finish_all()
        status = tenants.end("VideoImport", "one")
    assert (status["phase"], status["run"], status["outputs"]["video"]["uri"]) == (
        "Completed",
        1,
        "s3://videos/one/video.mp4",
    )
    assert {name: len(uids) for name, uids in jobs.uids.items()} == {"one-1": 1}, "its Job was made once"


def _is_over(job: Raw) -> bool:
    return holds(job, "Complete")


def test_a_forged_page_brings_no_child_and_no_secret_to_another_host(tenants: Tenants) -> None:
    lister = FakeListingWorker(tenants.api, tenants.victim, pages=((THREE[0],), (THREE[2],)), held={0, 1})
    source = {"playlist": {"url": "https://example.com/list"}, "credentialsSecretRef": {"name": SECRET}}
    with background("lister", lister.run):
        tenants.api.create(bulk(tenants.victim, [], source=source))
        await_until("the listing's Job", lambda: tenants.api.all_of("Job", tenants.victim))
        many = tenants.get("BulkImport", "many")
        listing = hash_listing(BulkImport.parse(many))
        for number in range(2):
            tenants.mallory.plant(forged_page(many, f"many-{listing}-{number}", listing, number))
        tenants.mallory.plant(forged_page(many, "many-earlier-0", "earlier"))
        tenants.settle()
        tenants.api.merge("BulkImport", tenants.victim, "many", {"spec": {"childHistoryLimit": 50}})
        lister.held.clear()
        status = tenants.end("BulkImport", "many")
    assert (status["phase"], status["total"], status["completed"]) == ("Completed", 2, 2)
    urls = [child["spec"]["source"]["url"] for child in tenants.api.all_of("VideoImport", tenants.victim)]
    assert sorted(urls) == sorted([THREE[0], THREE[2]])
    pages = tenants.api.all_of("ConfigMap", tenants.victim, PAGE)
    assert len(pages) == len(status["discovery"]["pageDigests"]) == 2


@pytest.mark.parametrize("tenants", ["first", "last"], indirect=True)
def test_a_forged_child_holds_up_no_bulk_of_another_namespace(tenants: Tenants) -> None:
    tenants.kubelet.hold.set()
    tenants.api.create(bulk(tenants.victim, THREE))
    await_until("its children", lambda: len(tenants.api.all_of("VideoImport", tenants.victim)) == len(THREE))
    many = tenants.get("BulkImport", "many")
    for url in (THREE[0], EVIL):
        identity = item_identity(url)
        meta = {"name": build_child_object_name("many", "", identity), "labels": {BULK: "many"}}
        child = video("", url=EVIL, suspend=True, destination={"s3": {"bucket": "mallory"}})
        child["metadata"] = meta | {"ownerReferences": [owner(many), ANCHOR]}
        tenants.mallory.plant(child)
    tenants.settle()
    tenants.kubelet.finish_all()
    status = tenants.end("BulkImport", "many")
    assert (status["phase"], status["total"], status["completed"], status["failed"]) == ("Completed", 3, 2, 1)
    for url in (THREE[0], EVIL):
        hers = tenants.api.get(
            "VideoImport", tenants.mallory.namespace, build_child_object_name("many", "", item_identity(url))
        )
        assert (hers["spec"]["suspend"], hers["metadata"]["generation"]) == (True, 1), "it is no child to be told"


def test_nothing_else_that_names_the_victim_counts(tenants: Tenants) -> None:
    """Shards, scratch, pods of its Job, task Jobs, and owner references that are wrong in one part."""
    tenants.kubelet.hold.set()
    tenants.api.create(video(tenants.victim, **SCRATCH))
    tenants.api.create(bulk(tenants.victim, THREE, webhook=HOOK))
    await_until("the worker", lambda: _is_running(tenants, "one"), explain=tenants.controller.tail)
    one, many, job = tenants.get("VideoImport", "one"), tenants.get("BulkImport", "many"), tenants.get("Job", "one-1")
    right, plant = owner(one), tenants.mallory.plant
    plant(forged_shard(many, "many-results-0", THREE))
    plant(_claim(one))
    plant(forged_pod(forged_job(one, "one-1", 1, owner(job)), "one-1-x7k2p"))
    for name in ("many-hook-r1", "many-list-r1"):
        plant(forged_job(one, name, 1, owner(many), **{BULK: "many"}))
    for run, changes in enumerate(WRONG, 10):
        plant(forged_job(one, f"one-{run}", run, right | changes))
    plant(forged_job(one, "one-100", 1, right, owner(many)))
    tenants.settle()
    assert tenants.get("VideoImport", "one")["status"]["phase"] != "Completed"
    assert not tenants.get("BulkImport", "many")["status"].get("completed")
    tenants.kubelet.finish_all()
    assert tenants.end("VideoImport", "one")["outputs"]["video"]["uri"] == "s3://videos/one/video.mp4"
    status = tenants.end("BulkImport", "many")
    assert (status["phase"], status["completed"], status["failed"]) == ("Completed", 2, 1)


WRONG = ({"kind": "BulkImport"}, {"apiVersion": "evil.example/v1"}, {"name": "another"}, {"controller": False})


def _claim(one: Raw) -> Raw:
    meta = {"name": "one-scratch", "labels": {"app.kubernetes.io/managed-by": "videoimport"}}
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "9Gi"}}, "storageClassName": "x"}
    meta |= {"ownerReferences": [owner(one), ANCHOR]}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": meta, "spec": spec}


def _is_running(tenants: Tenants, name: str) -> bool:
    status = tenants.get("VideoImport", name).get("status", {})
    pods = [
        pod for pod in tenants.api.all_of("Pod", tenants.victim) if pod["metadata"]["name"].startswith(f"{name}-1-")
    ]
    return "uid" in status.get("job", {}) and [pod["status"].get("phase") for pod in pods] == ["Running"]
