"""What the controller stores in the cluster: Jobs with their tasks, children, claims, ConfigMaps, Events, and names."""

import hashlib
from dataclasses import asdict
from typing import Any

import pytest

from support import golden_files
from support.core import bulk_builders
from support.core.bulk_builders import bad, bulk, good
from support.core.discovery_builders import created, listed, look, noted, told
from support.core.discovery_builders import made as made_job
from support.core.video_builders import NOW, after, video
from videoimport.api import identity, labels
from videoimport.api.bulkimport_source import Item
from videoimport.api.destination import Destination
from videoimport.api.output_options import Output
from videoimport.api.videoimport import spec_hash, wish_hash
from videoimport.controller import settings
from videoimport.controller.client.resources import KINDS
from videoimport.controller.reconcile import apply as announcing
from videoimport.controller.reconcile.apply import event
from videoimport.core import names_and_owners
from videoimport.core.bulk.child_actions import create_child
from videoimport.core.discovery.pages import hash_listing, hash_listing_spec
from videoimport.core.jobs.run_lifecycle import build_import_job
from videoimport.core.list_item import EARLIER, FACTS, LINES, Listed, convert_inline_item
from videoimport.core.observed_parsers import parse_page, parse_shard
from videoimport.core.plan import Create, PlannedEvent, StoreListingPage
from videoimport.core.settings import Settings
from videoimport.core.video.start_run import build_claim_manifest
from videoimport.worker.storage import keys
from videoimport.worker.storage import video_index as index

SETTINGS = Settings(
    worker_image="registry.example/worker:1",
    image_pull_secrets=("pull",),
    allowed_networks=("10.0.0.0/8",),
)
WORKER: dict[str, Any] = {
    "resources": {"requests": {"cpu": "2"}, "limits": {"memory": "4Gi"}},
    "scratch": {"size": "20Gi", "storageClassName": "fast"},
    "nodeSelector": {"disk": "ssd"},
    "tolerations": [{"key": "video", "operator": "Exists"}],
    "priorityClassName": "low",
    "serviceAccountName": "videos",
    "labels": {"team": "films", "kueue.x-k8s.io/queue-name": "videos"},
    "annotations": {"note": "yes"},
    "caBundleConfigMapRef": {"name": "own-ca"},
    "proxy": "http://proxy.example:3128",
}
SECRETS: dict[str, Any] = {
    "source": {"url": "https://video.example/talk.mp4", "credentialsSecretRef": {"name": "login"}},
    "destination": {"s3": {"bucket": "media"}, "credentialsSecretRef": {"name": "keys"}},
}
CLAIMS: dict[str, Any] = {
    "source": {"persistentVolumeClaim": {"claimName": "tapes", "path": "talk.mp4"}},
    "destination": {"persistentVolumeClaim": {"claimName": "media", "path": "in"}},
}
LIST: dict[str, Any] = {
    "source": {"manifest": {"configMapKeyRef": {"name": "lists", "key": "all.txt"}},
               "credentialsSecretRef": {"name": "login"}},
    "template": {"destination": SECRETS["destination"], "worker": WORKER},
}  # fmt: skip
HOOK = {"url": "https://hooks.example/done", "secretRef": {"name": "hook-key"}}


def job_of(**spec: Any) -> Any:
    return build_import_job(video(**spec), 2, SETTINGS)


@pytest.mark.parametrize("name", ["plain", "options", "volumes"])
def test_job_of_an_import(name: str) -> None:
    specs: dict[str, dict[str, Any]] = {"plain": {}, "options": {**SECRETS, "worker": WORKER}, "volumes": CLAIMS}
    golden_files.check(f"job-import-{name}", job_of(**specs[name]))


def test_claim_of_an_import() -> None:
    golden_files.check("claim-scratch", build_claim_manifest(video(worker=WORKER)))


def test_job_of_a_listing() -> None:
    golden_files.check("job-listing", created(look(listed(**LIST), settings=SETTINGS)))


def test_job_of_a_webhook() -> None:
    wish = bulk_builders.written(bulk(2, webhook=HOOK))
    seen = (good(wish, 0), bad(wish, 1))
    found = bulk_builders.plan(wish, seen, bulk_builders.recorded(*seen), after(90))
    (manifest,) = [one.manifest for one in found.actions if isinstance(one, Create) and one.manifest["kind"] == "Job"]
    golden_files.check("job-webhook", manifest)


def test_child_of_a_bulk_import() -> None:
    source = {"items": [{"url": bulk_builders.url(0)}], "credentialsSecretRef": {"name": "login"}}
    wish = bulk(1, source=source, template={**LIST["template"], "metadata": {"year": 2026}})
    item = Item(url=bulk_builders.url(0), name="Opening talk", metadata={"speaker": "Ada"})
    golden_files.check("child-import", create_child(wish, convert_inline_item(item)).manifest)


def test_shard_of_results() -> None:
    wish = bulk(2)
    found = bulk_builders.plan(wish, (good(wish, 0), bad(wish, 1)), at=after(90))
    (manifest,) = _config_maps(found.actions)
    view = parse_shard(_stored(manifest))
    assert sorted(entry.success for entry in view.entries.values()) == [False, True]
    golden_files.check("configmap-results", manifest)


def test_page_of_a_list() -> None:
    wish = listed(**LIST)
    lines = '{"page":1,"found":{"id":"0123456789","url":"https://video.example/1.mp4"}}\n'
    first = look(wish, settings=SETTINGS)
    of = made_job(first)
    wish = noted(wish, first.status)
    digest = hashlib.sha256(lines.encode()).hexdigest()
    report = told(of, count=1, bytes=len(lines), sha256=digest, cursor="line 3", skipped={"blank": 1})
    (wanted,) = [one for one in look(wish, **report).actions if isinstance(one, StoreListingPage)]
    manifest = {**wanted.manifest, "data": {**wanted.manifest["data"], LINES: lines}}
    assert [item.url for item in parse_page(_stored(manifest)).items] == ["https://video.example/1.mp4"]
    golden_files.check("configmap-page", manifest)


def test_page_of_what_earlier_bulk_imports_left_failed() -> None:
    left = (Listed("0123456789", url="https://video.example/1.mp4", name="one"),)
    found = bulk_builders.plan(bulk(1, retryFailed=True), left_failed=left)
    (manifest,) = _config_maps(found.actions)
    golden_files.check("configmap-earlier", manifest)


def _config_maps(actions: Any) -> list[Any]:
    manifests = [one.manifest for one in actions if isinstance(one, Create)]
    return [manifest for manifest in manifests if manifest["kind"] == "ConfigMap"]


def _stored(manifest: Any) -> Any:
    return {**manifest, "metadata": manifest["metadata"] | {"uid": "stored"}}


def test_event() -> None:
    about = {
        "apiVersion": labels.API_VERSION,
        "kind": "VideoImport",
        "metadata": {"namespace": "films", "name": "talk", "uid": "import-uid", "resourceVersion": "7"},
    }
    golden_files.check("event", event(about, PlannedEvent("Normal", "Started", "Run 1 started."), NOW))


def test_labels_annotations_and_names_of_ours() -> None:
    found = {
        "group": labels.API_VERSION,
        "labels": [
            labels.IMPORT,
            labels.RUN,
            labels.BULK,
            labels.ITEM,
            labels.SHARD,
            labels.PAGE,
            labels.LISTING,
            labels.COMPONENT,
            labels.NAME,
            labels.MANAGED_BY,
        ],
        "labelsOfEveryObject": names_and_owners.OUR_LABELS,
        "annotations": {"task": labels.TASK, "wish": names_and_owners.WISH, "room": names_and_owners.ROOM},
        "annotationsOfEveryObject": names_and_owners.CALM,
        "noSidecar": [names_and_owners.NO_SIDECAR_LABELS, names_and_owners.NO_SIDECAR_ANNOTATIONS],
        "reservedPrefixes": labels.OUR_PREFIXES,
        "container": labels.WORKER_CONTAINER,
        "configMapKeys": [LINES, FACTS],
        "earlier": EARLIER,
        "eventComponent": announcing.COMPONENT,
        "lease": settings.LEASE,
        "watched": [asdict(resource) for resource in KINDS.values()],
    }
    golden_files.check("labels", found)


def test_derived_names() -> None:
    long, slug = "b" * 40, "a-talk-about-rabbits-and-other-animals"
    names = {
        "job": names_and_owners.build_job_name("talk", 2),
        "child": names_and_owners.build_child_object_name("talks", "opening", "0123456789"),
        "child, cut": names_and_owners.build_child_object_name(long, slug, "0123456789"),
        "child, without slug": names_and_owners.build_child_object_name("talks", "", "0123456789"),
        "shard": names_and_owners.build_shard_name("talks", 3),
        "scratch": names_and_owners.build_scratch_name("talk"),
        "listing job": names_and_owners.build_task_job_name("talks", "list", 2),
        "webhook job": names_and_owners.build_task_job_name("talks", "hook", 2),
        "page": names_and_owners.build_page_name("talks", "0a1b2c3d", 4),
    }
    golden_files.check("names", names)


def test_hashes() -> None:
    plain, full = video(), video(**SECRETS, worker=WORKER, requirements={}, output={"mode": "Encode"})
    destination, output = Destination(s3={"bucket": "media", "prefix": "in"}, folder="talks"), Output(mode="Encode")
    hashes = {
        "spec": [spec_hash(plain.spec), spec_hash(full.spec)],
        "wish": [wish_hash(plain.spec), wish_hash(full.spec)],
        "item": identity.item_identity("HTTPS://Video.Example:443/a%7Eb.mp4?x=1#part"),
        "source": identity.source_hash8("https://video.example/talk.mp4"),
        "video": [identity.video_id("a" * 64, Output(), None), identity.video_id("a" * 64, output, "talks")],
        "integration": [identity.integration(bulk(2).spec), identity.integration(listed(**LIST).spec)],
        "listing": [hash_listing(listed()), hash_listing(listed(**LIST))],
        "listing's wish": [hash_listing_spec(listed()), hash_listing_spec(listed(**LIST))],
        "keys": [
            keys.record_key(destination, "import-uid"),
            index.content_key(destination, "d" * 64),
            index.source_key(destination, "etag", output),
        ],
    }
    golden_files.check("hashes", hashes)
