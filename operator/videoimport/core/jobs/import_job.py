"""The Job of one run: one pod, tried once; the controller alone decides on another run.

``podFailurePolicy`` changes nothing about that (``backoffLimit`` is 0). It records: the exit code then stands in the
Job's condition and outlives the pod.
"""

from datetime import timedelta

from videoimport.api.labels import COMPONENT, IMPORT, RUN, WORKER_CONTAINER
from videoimport.api.tasks.import_task import wish_hash
from videoimport.api.videoimport import IDENTITY, VideoImport
from videoimport.core.jobs.pod_template import pod_annotations, pod_spec, task_of
from videoimport.core.object_metadata import CALM, OUR_LABELS, WISH, not_ours, owned_by, queue_labels, without_sidecar
from videoimport.core.object_names import job_name
from videoimport.core.plan import Manifest
from videoimport.core.settings import Settings

RECORD_ONLY: Manifest = {
    "rules": [
        {"action": "FailJob", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]},
        {
            "action": "FailJob",
            "onExitCodes": {"containerName": WORKER_CONTAINER, "operator": "NotIn", "values": [0]},
        },
    ]
}


def job_manifest(video: VideoImport, run: int, settings: Settings) -> Manifest:
    """The Job of this run, as it is to be created. Its TTL is set later, once its result is recorded."""
    meta, options = video.metadata, video.spec.worker
    own = OUR_LABELS | {COMPONENT: "worker", IMPORT: meta.name, RUN: str(run)}
    labels, queue = not_ours(options.labels) | own, queue_labels(options.labels) | queue_labels(meta.labels)
    annotations = not_ours(options.annotations) | CALM
    asked_labels, asked_annotations = without_sidecar(options.labels, options.annotations)
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": job_name(meta.name, run),
            "namespace": meta.namespace,
            "labels": labels | queue,
            "annotations": annotations | {WISH: wish_hash(video.spec)},
            "ownerReferences": owned_by(IDENTITY, meta),
        },
        "spec": {
            "backoffLimit": 0,
            "activeDeadlineSeconds": _deadline(video, settings) // timedelta(seconds=1),
            "podFailurePolicy": RECORD_ONLY,
            "template": {
                "metadata": {
                    "labels": asked_labels | {key: value for key, value in labels.items() if key not in queue},
                    "annotations": asked_annotations | annotations | pod_annotations(task_of(video, run, settings)),
                },
                "spec": pod_spec(video, settings),
            },
        },
    }


def _deadline(video: VideoImport, settings: Settings) -> timedelta:
    """A backstop: the worker's own timeout strikes first and leaves a report."""
    return timedelta(seconds=video.spec.timeout_seconds) + settings.deadline_slack
