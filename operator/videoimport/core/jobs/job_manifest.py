"""The Job of one run: one pod, tried once; the controller alone decides on another run.

``podFailurePolicy`` changes nothing about that (``backoffLimit`` is 0). It records: the exit code then stands in the
Job's condition and outlives the pod.
"""

from dataclasses import dataclass, field
from datetime import timedelta

from videoimport.api.base import Model
from videoimport.api.bulkimport import IDENTITY as BULK_IDENTITY
from videoimport.api.bulkimport import BulkImport
from videoimport.api.labels import BULK, COMPONENT, IMPORT, RUN, WORKER_CONTAINER
from videoimport.api.videoimport import IDENTITY as VIDEO_IDENTITY
from videoimport.api.videoimport import VideoImport
from videoimport.core.jobs.pod_template import build_pod_annotations
from videoimport.core.object_metadata import (
    CALM,
    OUR_LABELS,
    WISH,
    build_owner_references,
    build_sidecar_opt_out,
    remove_own_prefixes,
    select_queue_labels,
)
from videoimport.core.plan import Manifest
from videoimport.core.settings import Settings

_RECORD_ONLY: Manifest = {
    "rules": [
        {"action": "FailJob", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
        {
            "action": "FailJob",
            "onExitCodes": {"containerName": WORKER_CONTAINER, "operator": "NotIn", "values": [0]},
        },
    ]
}


@dataclass(frozen=True, slots=True)
class RunJob:
    """What differs between the Jobs of imports, listings and webhooks."""

    name: str
    owner: VideoImport | BulkImport
    run: int
    wish: str
    """What the Job is made from, to be found again in ``JobView.wish``; at most 63 characters."""
    task: Model
    timeout: timedelta
    """The worker's own. It ends first and leaves a report; the Job's is a backstop."""
    pod: Manifest
    """``template.spec``."""
    labels: dict[str, str] = field(default_factory=dict)
    """Of the Job and its pod, besides those of every Job."""


def build_job(job: RunJob, settings: Settings) -> Manifest:
    """Return the Job as it is to be created. Its TTL is set later, once its result is recorded."""
    owner, meta = job.owner, job.owner.metadata
    if isinstance(owner, VideoImport):
        identity, label, options = VIDEO_IDENTITY, IMPORT, owner.spec.worker
    else:
        identity, label, options = BULK_IDENTITY, BULK, owner.spec.template.worker
    own = OUR_LABELS | {COMPONENT: "worker", label: meta.name, RUN: str(job.run)} | job.labels
    labels, queue = (
        remove_own_prefixes(options.labels) | own,
        select_queue_labels(options.labels) | select_queue_labels(meta.labels),
    )
    annotations = remove_own_prefixes(options.annotations) | CALM
    asked_labels, asked_annotations = build_sidecar_opt_out(options.labels, options.annotations)
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": job.name,
            "namespace": meta.namespace,
            "labels": labels | queue,
            "annotations": annotations | {WISH: job.wish},
            "ownerReferences": build_owner_references(identity, meta),
        },
        "spec": {
            "backoffLimit": 0,
            "activeDeadlineSeconds": (job.timeout + settings.deadline_slack) // timedelta(seconds=1),
            "podFailurePolicy": _RECORD_ONLY,
            "template": {
                "metadata": {
                    "labels": asked_labels | {key: value for key, value in labels.items() if key not in queue},
                    "annotations": asked_annotations | annotations | build_pod_annotations(job.task),
                },
                "spec": job.pod,
            },
        },
    }
