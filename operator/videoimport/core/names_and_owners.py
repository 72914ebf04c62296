"""Objects that belong to a VideoImport or BulkImport: their owners, derived names, labels and annotations.

A derived name is a name that this module computes from the resource. An object belongs to a resource only if its
namespace, kind, name and whole owner reference are the expected ones. A second creation of an object computes the same
name, so it fails.

A user who may write in the same namespace can create objects that match. So for objects that a user must not forge, the
controller also checks the record in the status (``core.discovery.page_digest``, ``core.video.context``).
"""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Literal, get_args

from videoimport.api.labels import BULK_KIND, GROUP, MANAGED_BY, MANAGED_BY_VALUE, NAME, OUR_PREFIXES, VIDEO_KIND
from videoimport.api.videoimport import MAX_NAME, ObjectMeta
from videoimport.core.observed import ClaimView, JobView, Owner, PageView, PodView, ShardView

Word = Literal["list", "hook"]
"""Kind of the task, as the names of its Jobs contain it."""
_IDENTITY = re.compile(r"[0-9a-f]{10}")
_MAX_POD_PREFIX = 58
"""Number of characters that the API server keeps of a Job's name and a hyphen. Random characters follow
(generateName)."""
_POD_SUFFIX = re.compile(r"[a-z0-9]{5}")
WISH = f"{GROUP}/spec-hash"
"""Annotation of a Job: the ``wish_hash`` of the spec from which the Job was made."""
ROOM = f"{GROUP}/room"
"""Annotation of a scratch claim: the requested size and storage class."""
QUEUE_PREFIX = "kueue.x-k8s.io/"
OUR_LABELS = {NAME: MANAGED_BY_VALUE, MANAGED_BY: MANAGED_BY_VALUE}
CALM = {"argocd.argoproj.io/ignore-resource-updates": "true"}
"""Annotation of the controller's objects. Without this annotation, Argo CD refreshes the whole application at every
change of an object."""
NO_SIDECAR_LABELS = {"sidecar.istio.io/inject": "false"}
NO_SIDECAR_ANNOTATIONS = {"sidecar.istio.io/inject": "false", "linkerd.io/inject": "disabled"}
"""Annotations that ask a service mesh to add no container to a worker's pod. Istio reads a label or, in older versions,
an annotation. Linkerd reads an annotation. KubeVirt's CDI sets the same annotations."""


def find_controller(metadata: Mapping[str, Any]) -> Owner | None:
    """Return the owner in the only reference with ``controller: true``. Return None if there is no such reference or
    more than one."""
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
    """Return the BulkImport that a VideoImport names as its controlling owner, or None if there is no such BulkImport.
    The function does not check whether a BulkImport with this UID exists."""
    controllers = [one for one in meta.owner_references if one.controller]
    if len(controllers) != 1:
        return None
    (one,) = controllers
    owner = Owner(meta.namespace, _parse_group(one.api_version), one.kind, one.name, one.uid)
    return owner if (owner.group, owner.kind) == (GROUP, BULK_KIND) else None


@lru_cache(64)
def _parse_group(api_version: str) -> str:
    return api_version.rpartition("/")[0]


def build_job_name(import_name: str, run: int) -> str:
    """Return the name of the Job of one run. An import's name has at most 52 characters, so ten digits still fit."""
    return f"{import_name}-{run}"


def build_task_job_name(bulk_name: str, word: str, run: int) -> str:
    """Return the name of the Job of one listing or webhook run. A BulkImport's name has at most 40 characters, so the
    rest of the name fits. No VideoImport's Job has such a name, because only digits follow the last hyphen there."""
    return f"{bulk_name}-{word}-r{run}"


def build_child_object_name(bulk_name: str, slug: str, identity: str) -> str:
    """Return the name of the VideoImport of one item: ``<bulk>-<slug>-<identity>`` in at most MAX_NAME characters. Only
    the identity identifies the item. The slug is for users and is cut to fit. If the name of the BulkImport leaves no
    space, there is no slug."""
    room = MAX_NAME - len(bulk_name) - len(identity) - 2
    short = slug[: max(room, 0)].strip("-")
    return f"{bulk_name}-{short}-{identity}" if short else f"{bulk_name}-{identity}"


def build_shard_name(bulk_name: str, number: int) -> str:
    """Return the name of the ConfigMap with one shard of a BulkImport's results."""
    return f"{bulk_name}-results-{number}"


def build_page_name(bulk_name: str, listing: str, number: int) -> str:
    """Return the name of the ConfigMap with one page of a BulkImport's list."""
    return f"{bulk_name}-{listing}-{number}"


def build_scratch_name(import_name: str) -> str:
    """Return the name of the PersistentVolumeClaim that keeps an import's scratch across runs. The name has at most
    60 characters."""
    return f"{import_name}-scratch"


def is_job_of(job: JobView, owner: Owner) -> bool:
    """Return whether a Job is a run of this VideoImport or BulkImport."""
    if owner.group != GROUP:
        return False
    return is_job_of_video(job, owner) if owner.kind == VIDEO_KIND else is_job_of_bulk(job, owner)


def is_job_of_video(job: JobView, video: Owner) -> bool:
    """Return whether a Job is a run of this VideoImport."""
    return job.owner == video and job.name == build_job_name(video.name, job.run)


def is_job_of_bulk(job: JobView, bulk: Owner) -> bool:
    """Return whether a Job is a listing or webhook run of this BulkImport."""
    return any(is_task_job_of(job, bulk, word) for word in get_args(Word))


def is_task_job_of(job: JobView, bulk: Owner, word: Word) -> bool:
    """Return whether a Job is a run of this BulkImport for the task ``word``, such as a listing."""
    return job.owner == bulk and job.name == build_task_job_name(bulk.name, word, job.run)


def is_pod_of(pod: PodView, job: JobView) -> bool:
    """Return whether the Job controller made this pod for this Job."""
    prefix = f"{job.name}-"[:_MAX_POD_PREFIX]
    has_name = pod.name.startswith(prefix) and _POD_SUFFIX.fullmatch(pod.name, len(prefix)) is not None
    return has_name and pod.owner == build_job_owner(job.namespace, job.name, job.uid)


def find_pods(job: JobView, pods: Iterable[PodView]) -> tuple[PodView, ...]:
    """Return the pods that the Job controller made for this Job, the newest first."""
    own = [pod for pod in pods if is_pod_of(pod, job)]
    return tuple(sorted(own, key=lambda pod: (pod.created, pod.name), reverse=True))


def is_claim_of(claim: ClaimView, video: Owner) -> bool:
    """Return whether a claim is the scratch of this VideoImport."""
    return claim.owner == video and claim.name == build_scratch_name(video.name)


def is_shard_of(shard: ShardView, bulk: Owner) -> bool:
    """Return whether a ConfigMap holds results of this BulkImport."""
    return shard.owner == bulk and shard.name == build_shard_name(bulk.name, shard.number)


def is_page_of(page: PageView, bulk: Owner) -> bool:
    """Return whether a ConfigMap has the name and owner of a page of this BulkImport's list. Only the digest of the
    ConfigMap shows that the ConfigMap really is such a page."""
    return page.owner == bulk and page.name == build_page_name(bulk.name, page.listing, page.number)


def find_child_item(child: ObjectMeta, bulk: Owner) -> str | None:
    """Return the identity of the item that a VideoImport imports for this BulkImport, or None if the VideoImport is no
    child of the BulkImport."""
    return parse_child_identity(bulk.name, child.name) if find_child_owner(child) == bulk else None


def find_quota_owner(video: ObjectMeta) -> str:
    """Return the UID under which an import counts in the limits. This is the UID of its BulkImport. If the import
    has no BulkImport, it is the import's own UID."""
    owner = find_child_owner(video)
    return owner.uid if owner is not None and is_child(video) else video.uid


def is_child(video: ObjectMeta) -> bool:
    """Return whether a VideoImport's owner is a BulkImport, and its name has the form of a child of that BulkImport."""
    owner = find_child_owner(video)
    return owner is not None and parse_child_identity(owner.name, video.name) is not None


def parse_child_identity(bulk_name: str, name: str) -> str | None:
    """Return the identity of the item that the child with this name imports, or None if no child has such a name. The
    identity is the ten hex digits at the end of the name. The name begins with the BulkImport's name and a hyphen."""
    before, identity = name[:-10], name[-10:]
    has_prefix = before == f"{bulk_name}-" or (before.startswith(f"{bulk_name}-") and before.endswith("-"))
    return identity if has_prefix and _IDENTITY.fullmatch(identity) else None


def build_owner_references(identity: Mapping[str, str], owner: ObjectMeta) -> list[dict[str, Any]]:
    """Return ``metadata.ownerReferences`` with the one controlling owner."""
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
    """Return only the labels that belong to Kueue.

    A Job gets Kueue's labels from its owner, but the pod of the Job does not get them. The queue admits Jobs, and would
    treat a pod with these labels as another workload.
    """
    return {key: value for key, value in (labels or {}).items() if key.startswith(QUEUE_PREFIX)}


def build_sidecar_opt_out(
    labels: Mapping[str, str] | None, annotations: Mapping[str, str] | None
) -> tuple[dict[str, str], dict[str, str]]:
    """Return the labels and annotations that ask a service mesh not to add a sidecar.

    If the user set one of these keys as a label or as an annotation, both results lack the key. A mesh that reads
    labels and annotations must not find two values.
    """
    chosen = {*(labels or {}), *(annotations or {})}
    defaults = (NO_SIDECAR_LABELS, NO_SIDECAR_ANNOTATIONS)
    kept = [{key: value for key, value in pairs.items() if key not in chosen} for pairs in defaults]
    return kept[0], kept[1]


def remove_own_prefixes(pairs: Mapping[str, str] | None) -> dict[str, str]:
    """Return a user's labels or annotations without the keys that have this project's prefixes."""
    return {key: value for key, value in (pairs or {}).items() if not key.startswith(OUR_PREFIXES)}
