"""Two tenants on a real API server: a victim, and Mallory, who has the ClusterRole ``edit`` in a namespace of her own
and knows every name, UID and hash of the victim's. What she plants, and what came of it, is printed."""

import json
from dataclasses import dataclass
from typing import Any

from support.controller.api_server import ApiServer, Raw, Refused, await_until
from support.controller.namespace_state import finished
from videoimport.api.identity import item_identity
from videoimport.api.labels import BULK, IMPORT, LISTING, MANAGED_BY, MANAGED_BY_VALUE, NAME, PAGE, RUN, SHARD, TASK
from videoimport.api.tasks.import_task import Task
from videoimport.api.tasks.listing_task import FoundItem, PageFacts, PageLine
from videoimport.api.videoimport import VideoImport, spec_hash

RBAC = "/apis/rbac.authorization.k8s.io/v1"
USER = "mallory"
EVIL = "https://mallory.example/evil.mp4"
OURS = {NAME: MANAGED_BY_VALUE, MANAGED_BY: MANAGED_BY_VALUE}
ANCHOR = {"apiVersion": "mallory.example/v1", "kind": "Anchor", "name": "anchor", "uid": "anchor"}
"""One more owner, of an unknown kind: the garbage collector deletes what has an owner in another namespace, but leaves
an object alone while it cannot look one of its owners up."""
KINDS = ("VideoImport", "BulkImport", "Job", "Pod", "ConfigMap", "PersistentVolumeClaim")


@dataclass
class Mallory:
    """A user of one namespace."""

    api: ApiServer
    namespace: str

    def admit(self) -> None:
        """Give her the built-in role ``edit`` and what the chart aggregates to it, in her namespace only."""
        rule = {"apiGroups": ["videoimport.io"], "resources": ["videoimports", "bulkimports"]}
        verbs = ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"]
        roles = f"{RBAC}/namespaces/{self.namespace}/roles"
        self.api.call("POST", roles, {"metadata": {"name": "ours"}, "rules": [rule | {"verbs": verbs}]})
        for kind, name in (("ClusterRole", "edit"), ("Role", "ours")):
            binding = {
                "metadata": {"name": f"mallory-{name}"},
                "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name},
                "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": USER}],
            }
            self.api.call("POST", f"{RBAC}/namespaces/{self.namespace}/rolebindings", binding)
        for kind in KINDS:
            await_until(f"her right to make a {kind}", lambda kind=kind: self._may_list(kind))

    def _may_list(self, kind: str) -> bool:
        try:
            self.call("GET", self.api.path(kind, self.namespace))
        except Refused as refused:
            if refused.status != 403:
                raise
            return False
        return True

    def call(self, method: str, path: str, body: Raw | None = None) -> Raw:
        """As the API server answers her."""
        return self.api.call(method, path, body, headers={"Impersonate-User": USER})

    def plant(self, manifest: Raw) -> Raw | None:
        """Make an object; None where the API server refuses it."""
        metadata = manifest["metadata"] | {"namespace": self.namespace}
        shown = f"{manifest['kind']} {metadata['name']}, owners {json.dumps(metadata.get('ownerReferences'))}"
        try:
            made = self.call("POST", self.api.path(manifest["kind"], self.namespace), manifest | {"metadata": metadata})
        except Refused as refused:
            print(f"refused: {shown}: {refused}")
            return None
        print(f"planted: {shown}")
        return made


def owner(raw: Raw, **changes: Any) -> Raw:
    """A reference to this object as the controlling owner."""
    meta = raw["metadata"]
    named = {"apiVersion": raw["apiVersion"], "kind": raw["kind"], "name": meta["name"], "uid": meta["uid"]}
    return named | {"controller": True} | changes


def forged_job(victim: Raw, name: str, run: int, *owners: Raw, **labels: str) -> Raw:
    """A Job whose pod leaves a report of success for the victim's import."""
    wish = VideoImport.parse(victim)
    evil = wish.spec.destination.model_copy(
        update={"s3": wish.spec.destination.s3.model_copy(update={"bucket": "mallory"})}
    )
    task = Task(
        uid=wish.metadata.uid, namespace=wish.metadata.namespace, name=wish.metadata.name, run=run,
        spec=wish.spec.model_copy(update={"destination": evil}), spec_hash=spec_hash(wish.spec),
    )  # fmt: skip
    own = OURS | {IMPORT: wish.metadata.name, RUN: str(run)} | labels
    template = {
        "metadata": {"labels": own, "annotations": {TASK: task.model_dump_json(by_alias=True, exclude_none=True)}},
        "spec": {"restartPolicy": "Never", "containers": [{"name": "worker", "image": "mallory"}]},
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "labels": own, "ownerReferences": [*owners, ANCHOR]},
        "spec": {"backoffLimit": 0, "template": template},
    }


def forged_pod(job: Raw, name: str) -> Raw:
    """The pod of a forged Job, that names the victim's own Job as its owner."""
    template = job["spec"]["template"]
    meta = template["metadata"] | {"name": name, "ownerReferences": job["metadata"]["ownerReferences"]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": template["spec"]}


def forged_page(bulk: Raw, name: str, listing: str, number: int = 0, **labels: str) -> Raw:
    """A page with one item: an address of Mallory's."""
    line = PageLine(found=FoundItem(id=item_identity(EVIL), url=EVIL)).model_dump_json(by_alias=True, exclude_none=True)
    facts = PageFacts(done=True, integration="items").model_dump_json(by_alias=True, exclude_none=True)
    known = OURS | {BULK: bulk["metadata"]["name"], PAGE: str(number), LISTING: listing} | labels
    return config_map(bulk, name, known, {"page.json": facts, "items.jsonl": f"{line}\n"})


def forged_shard(bulk: Raw, name: str, urls: list[str]) -> Raw:
    """Results of all items, of Mallory's making."""
    entry = json.dumps({"url": EVIL, "success": True, "uri": "s3://mallory/evil.mp4"})
    known = OURS | {BULK: bulk["metadata"]["name"], SHARD: "0"}
    return config_map(bulk, name, known, {item_identity(url): entry for url in urls})


def config_map(bulk: Raw, name: str, labels: Raw, data: Raw) -> Raw:
    meta = {"name": name, "labels": labels, "ownerReferences": [owner(bulk), ANCHOR]}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}


def unmarked(api: ApiServer, namespace: str) -> None:
    """Nothing of Mallory's stands in the victim's namespace."""
    for kind in KINDS:
        for found in api.all_of(kind, namespace):
            assert "mallory" not in json.dumps(found).lower(), f"{kind}: {json.dumps(found)}"


def seen_by_the_controller(api: ApiServer, mallory: Mallory, name: str) -> None:
    """What was planted before is known to the controller: an import of hers, made after it, has come to its end."""
    spec = {"source": {"url": "https://example.com/hers.mp4"}, "destination": {"s3": {"bucket": "hers"}}}
    made = mallory.plant(
        {"apiVersion": "videoimport.io/v1alpha1", "kind": "VideoImport", "metadata": {"name": name}, "spec": spec}
    )
    assert made is not None
    finished(api, "VideoImport", mallory.namespace, name)
