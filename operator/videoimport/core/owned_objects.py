"""Which objects are a resource's own. One place for all kinds: the namespace, the kind, the derived name and the whole
owner reference must match. An object that only looks like one of the controller's has no meaning for any decision.

A user who may write in the same namespace can make objects that match. Objects with authority are checked further,
against the record in the status (``core.discovery.pages``, ``core.video.context``).
"""

import re
from collections.abc import Iterable
from typing import Literal, get_args

from videoimport.api.labels import GROUP, VIDEO_KIND
from videoimport.api.videoimport import ObjectMeta
from videoimport.core.object_metadata import Owner, build_job_owner, find_child_owner
from videoimport.core.object_names import (
    build_job_name,
    build_page_name,
    build_scratch_name,
    build_shard_name,
    build_task_job_name,
)
from videoimport.core.observed import ClaimView, JobView, PageView, PodView, ShardView

Word = Literal["list", "hook"]
"""The task's kind, as its Jobs' names have it."""
_IDENTITY = re.compile(r"[0-9a-f]{10}")
_MAX_POD_PREFIX = 58
"""Characters that the API server keeps of a Job's name and a hyphen, before it adds random ones (generateName)."""
_POD_SUFFIX = re.compile(r"[a-z0-9]{5}")


def is_job_of_video(job: JobView, video: Owner) -> bool:
    """Whether a Job is a run of this VideoImport."""
    return job.owner == video and job.name == build_job_name(video.name, job.run)


def is_job_of_bulk(job: JobView, bulk: Owner) -> bool:
    """Whether a Job is a run of one of this BulkImport's task Jobs."""
    return any(is_task_job_of(job, bulk, word) for word in get_args(Word))


def is_task_job_of(job: JobView, bulk: Owner, word: Word) -> bool:
    """Whether a Job is a run of this BulkImport's listing, or of its webhook."""
    return job.owner == bulk and job.name == build_task_job_name(bulk.name, word, job.run)


def is_job_of(job: JobView, owner: Owner) -> bool:
    """Whether a Job is a run of this VideoImport or BulkImport."""
    if owner.group != GROUP:
        return False
    return is_job_of_video(job, owner) if owner.kind == VIDEO_KIND else is_job_of_bulk(job, owner)


def is_pod_of(pod: PodView, job: JobView) -> bool:
    """Whether a pod is the one that the Job controller made for this Job."""
    prefix = f"{job.name}-"[:_MAX_POD_PREFIX]
    has_name = pod.name.startswith(prefix) and _POD_SUFFIX.fullmatch(pod.name, len(prefix)) is not None
    return has_name and pod.owner == build_job_owner(job.namespace, job.name, job.uid)


def find_pods(job: JobView, pods: Iterable[PodView]) -> tuple[PodView, ...]:
    """Return those of the pods that the Job controller made for this Job, the newest first."""
    own = [pod for pod in pods if is_pod_of(pod, job)]
    return tuple(sorted(own, key=lambda pod: (pod.created, pod.name), reverse=True))


def is_claim_of(claim: ClaimView, video: Owner) -> bool:
    """Whether a claim is the scratch of this VideoImport."""
    return claim.owner == video and claim.name == build_scratch_name(video.name)


def is_shard_of(shard: ShardView, bulk: Owner) -> bool:
    """Whether a ConfigMap holds results of this BulkImport."""
    return shard.owner == bulk and shard.name == build_shard_name(bulk.name, shard.number)


def is_page_of(page: PageView, bulk: Owner) -> bool:
    """Whether a ConfigMap has the name of a page of this BulkImport's list. Whether it is one, its digest decides."""
    return page.owner == bulk and page.name == build_page_name(bulk.name, page.listing, page.number)


def find_child_item(child: ObjectMeta, bulk: Owner) -> str | None:
    """Return the identity of the item that a VideoImport imports for this BulkImport; None if it is no child of it."""
    return parse_child_identity(bulk.name, child.name) if find_child_owner(child) == bulk else None


def find_quota_owner(video: ObjectMeta) -> str:
    """Return the UID that an import counts for in the limits: its BulkImport's, or its own."""
    owner = find_child_owner(video)
    return owner.uid if owner is not None and is_child(video) else video.uid


def is_child(video: ObjectMeta) -> bool:
    """Whether a VideoImport is named like a child of its owner, a BulkImport."""
    owner = find_child_owner(video)
    return owner is not None and parse_child_identity(owner.name, video.name) is not None


def parse_child_identity(bulk_name: str, name: str) -> str | None:
    """Return the identity of the item that the child of this name imports. It is the ten hex digits at the name's end,
    after the bulk's name and a hyphen. None for a name that no child has."""
    before, identity = name[:-10], name[-10:]
    has_prefix = before == f"{bulk_name}-" or (before.startswith(f"{bulk_name}-") and before.endswith("-"))
    return identity if has_prefix and _IDENTITY.fullmatch(identity) else None
