"""The marks of the controller's objects: owner, labels, and the annotation that prevents refreshes of GitOps tools."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from videoimport.api.labels import BULK_KIND, GROUP, MANAGED_BY, MANAGED_BY_VALUE, NAME, OUR_PREFIXES, VIDEO_KIND
from videoimport.api.videoimport import ObjectMeta

WISH = f"{GROUP}/spec-hash"
"""Annotation of a Job: the ``wish_hash`` of the spec that it was made from."""
ROOM = f"{GROUP}/room"
"""Annotation of a scratch claim: the size and class that were asked for."""
QUEUE_PREFIX = "kueue.x-k8s.io/"
OUR_LABELS = {NAME: MANAGED_BY_VALUE, MANAGED_BY: MANAGED_BY_VALUE}
CALM = {"argocd.argoproj.io/ignore-resource-updates": "true"}
"""Argo CD refreshes the whole application at every change of an object without this."""

NO_SIDECAR_LABELS = {"sidecar.istio.io/inject": "false"}
NO_SIDECAR_ANNOTATIONS = {"sidecar.istio.io/inject": "false", "linkerd.io/inject": "disabled"}
"""Ask a service mesh to add no container to a worker's pod. Istio reads a label or, in older versions, an annotation;
Linkerd reads an annotation. KubeVirt's CDI asks for the same."""


class Owner(NamedTuple):
    """Identity of a controlling owner. Two are equal only if all five fields are. A UID alone proves nothing: every
    user who may read an object knows it and may write it into an owner reference in another namespace."""

    namespace: str
    """Of the owner. An owner reference names none: it holds within the namespace of the object that has it."""
    group: str
    """API group; empty for the core group. The version is left out: an upgrade of the API does not change owners."""
    kind: str
    name: str
    uid: str


def find_controller(metadata: Mapping[str, Any]) -> Owner | None:
    """Return the owner of the one reference with ``controller: true``; None without one, or with several."""
    controllers = [one for one in metadata.get("ownerReferences") or () if one.get("controller") is True]
    if len(controllers) != 1:
        return None
    (one,) = controllers
    group, kind = _parse_group(one.get("apiVersion", "")), one.get("kind", "")
    return Owner(metadata.get("namespace", ""), group, kind, one.get("name", ""), one.get("uid", ""))


def build_video_owner(meta: ObjectMeta) -> Owner:
    """Return a VideoImport as the owner of its objects."""
    return Owner(meta.namespace, GROUP, VIDEO_KIND, meta.name, meta.uid)


def build_bulk_owner(meta: ObjectMeta) -> Owner:
    """Return a BulkImport as the owner of its objects."""
    return Owner(meta.namespace, GROUP, BULK_KIND, meta.name, meta.uid)


def build_job_owner(namespace: str, name: str, uid: str) -> Owner:
    """Return a Job as the owner of its pod."""
    return Owner(namespace, "batch", "Job", name, uid)


def find_child_owner(meta: ObjectMeta) -> Owner | None:
    """Return the BulkImport that a VideoImport names as its controlling owner; None for all others. Whether that
    BulkImport exists and is of this UID is not known here."""
    controllers = [one for one in meta.owner_references if one.controller]
    if len(controllers) != 1:
        return None
    (one,) = controllers
    owner = Owner(meta.namespace, _parse_group(one.api_version), one.kind, one.name, one.uid)
    return owner if (owner.group, owner.kind) == (GROUP, BULK_KIND) else None


@lru_cache(64)
def _parse_group(api_version: str) -> str:
    return api_version.rpartition("/")[0]


def build_owner_references(identity: Mapping[str, str], owner: ObjectMeta) -> list[dict[str, Any]]:
    """``metadata.ownerReferences`` with the one controlling owner."""
    return [
        {
            **identity,
            "name": owner.name,
            "uid": owner.uid,
            "controller": True,
            "blockOwnerDeletion": True,
        }
    ]


def select_queue_labels(labels: Mapping[str, str] | None) -> dict[str, str]:
    """Kueue's among these labels. An object's Job inherits them and its pod does not: the queue admits Jobs, and would
    otherwise take the pod for another workload."""
    return {key: value for key, value in (labels or {}).items() if key.startswith(QUEUE_PREFIX)}


def build_sidecar_opt_out(
    labels: Mapping[str, str] | None, annotations: Mapping[str, str] | None
) -> tuple[dict[str, str], dict[str, str]]:
    """Return the labels and annotations that ask for no sidecar, without each key that the user set as either. A mesh
    that reads both must not find two answers."""
    chosen = {*(labels or {}), *(annotations or {})}
    defaults = (NO_SIDECAR_LABELS, NO_SIDECAR_ANNOTATIONS)
    kept = [{key: value for key, value in pairs.items() if key not in chosen} for pairs in defaults]
    return kept[0], kept[1]


def remove_own_prefixes(pairs: Mapping[str, str] | None) -> dict[str, str]:
    """A user's labels or annotations without those under our prefixes."""
    return {key: value for key, value in (pairs or {}).items() if not key.startswith(OUR_PREFIXES)}
