"""The Job of one run: one pod, tried once; the controller alone decides on another run.

``podFailurePolicy`` changes nothing about that (``backoffLimit`` is 0). It records: the exit code then stands in the
Job's condition and outlives the pod.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from videoimport.api.base import Model
from videoimport.api.labels import COMPONENT, RUN, WORKER_CONTAINER
from videoimport.api.videoimport import ObjectMeta
from videoimport.api.worker_options import WorkerOptions
from videoimport.core.jobs.pod_template import pod_annotations
from videoimport.core.object_metadata import CALM, OUR_LABELS, WISH, not_ours, owned_by, queue_labels, without_sidecar
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
    identity: Mapping[str, str]
    """apiVersion and kind of the owner."""
    owner: ObjectMeta
    run: int
    labels: dict[str, str]
    """Of the Job and its pod, besides those of every Job."""
    wish: str
    """What the Job is made from, to be found again in ``JobView.wish``."""
    task: Model
    timeout: timedelta
    """The worker's own. It ends first and leaves a report; the Job's is a backstop."""
    options: WorkerOptions
    pod: Manifest
    """``template.spec``."""


def build_job(job: RunJob, settings: Settings) -> Manifest:
    """Return the Job as it is to be created. Its TTL is set later, once its result is recorded."""
    options = job.options
    own = OUR_LABELS | {COMPONENT: "worker", RUN: str(job.run)} | job.labels
    labels, queue = not_ours(options.labels) | own, queue_labels(options.labels) | queue_labels(job.owner.labels)
    annotations = not_ours(options.annotations) | CALM
    asked_labels, asked_annotations = without_sidecar(options.labels, options.annotations)
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": job.name,
            "namespace": job.owner.namespace,
            "labels": labels | queue,
            "annotations": annotations | {WISH: job.wish},
            "ownerReferences": owned_by(job.identity, job.owner),
        },
        "spec": {
            "backoffLimit": 0,
            "activeDeadlineSeconds": (job.timeout + settings.deadline_slack) // timedelta(seconds=1),
            "podFailurePolicy": _RECORD_ONLY,
            "template": {
                "metadata": {
                    "labels": asked_labels | {key: value for key, value in labels.items() if key not in queue},
                    "annotations": asked_annotations | annotations | pod_annotations(job.task),
                },
                "spec": job.pod,
            },
        },
    }
