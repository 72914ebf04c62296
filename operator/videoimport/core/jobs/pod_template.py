"""The worker's pod template: one container, no credentials of the cluster, fit for Pod Security ``restricted``."""

from datetime import timedelta
from typing import Any

from videoimport.api.base import Model
from videoimport.api.labels import BULK_KIND, TASK, WORKER_CONTAINER
from videoimport.api.quantity import amount_of
from videoimport.api.tasks.import_task import TERMINATION_MESSAGE_PATH, Task, spec_hash
from videoimport.api.videoimport import VideoImport, VideoImportSpec
from videoimport.api.worker_options import WorkerOptions
from videoimport.core.jobs.volumes import TMP, TMP_SIZE, Volumes, build_import_volumes
from videoimport.core.settings import Settings

Manifest = dict[str, Any]
_USER = 65532
_GRACE_SECONDS = 30
_EPHEMERAL = "ephemeral-storage"
_ANYWHERE = ("cpu", "memory", _EPHEMERAL)
"""Resources that every node has: a pod that only looks at lists takes no graphics card."""


def build_task(video: VideoImport, run: int, settings: Settings) -> Task:
    """What the worker of this run is told."""
    meta = video.metadata
    return Task(
        uid=meta.uid,
        namespace=meta.namespace,
        name=meta.name,
        run=run,
        spec=_guard_headers(video),
        spec_hash=spec_hash(video.spec),
        allowed_networks=settings.allowed_networks,
        stall_seconds=settings.stall // timedelta(seconds=1),
        politeness=settings.politeness,
    )


def _guard_headers(video: VideoImport) -> VideoImportSpec:
    """Return the spec. A BulkImport's child that does not say where its Secret's headers go, because an earlier release
    made it or somebody edited it, sends them only to hosts that the Secret names."""
    source = video.spec.source
    is_child = any(owner.kind == BULK_KIND and owner.controller for owner in video.metadata.owner_references)
    if not is_child or source.url is None or source.header_origins is not None:
        return video.spec
    return video.spec.model_copy(update={"source": source.model_copy(update={"header_origins": ()})})


def build_pod_annotations(task: Model) -> dict[str, str]:
    """The task, where the downward API finds it."""
    return {TASK: task.model_dump_json(by_alias=True, exclude_none=True)}


def build_import_pod(video: VideoImport, settings: Settings) -> Manifest:
    """``template.spec`` of an import's Job."""
    return build_pod(
        video.spec.worker, build_import_volumes(video), compute_import_resources(video.spec, settings), settings
    )


def build_pod(options: WorkerOptions, mounted: Volumes, resources: Manifest, settings: Settings) -> Manifest:
    """A worker's pod. What the user may choose comes first, so that it never overrides what is ours."""
    return {
        **_build_placement(options),
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": _GRACE_SECONDS,
        "imagePullSecrets": [{"name": name} for name in settings.image_pull_secrets],
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": _USER,
            "runAsGroup": _USER,
            "fsGroup": _USER,
            "fsGroupChangePolicy": "OnRootMismatch",
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [_build_container(resources, settings, mounted)],
        "volumes": list(mounted.volumes),
    }


def _build_placement(options: WorkerOptions) -> Manifest:
    """Where and as whom the pod runs, as far as the user says so."""
    wishes: Manifest = {
        "nodeSelector": options.node_selector,
        "tolerations": [toleration.wire() for toleration in options.tolerations],
        "affinity": options.affinity,
        "priorityClassName": options.priority_class_name,
        "serviceAccountName": options.service_account_name,
    }
    return {key: value for key, value in wishes.items() if value}


def _build_container(resources: Manifest, settings: Settings, mounted: Volumes) -> Manifest:
    return {
        "name": WORKER_CONTAINER,
        "image": settings.worker_image,
        "imagePullPolicy": settings.image_pull_policy,
        "env": [{"name": "HOME", "value": TMP}],
        "resources": resources,
        "terminationMessagePath": TERMINATION_MESSAGE_PATH,
        "terminationMessagePolicy": "File",
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": list(mounted.mounts),
    }


def compute_import_resources(spec: VideoImportSpec, settings: Settings) -> Manifest:
    """The container's resources: the user's, and the default of each key that they left out, bent so that no request is
    above its limit (the API server refuses such a pod). A default never bends what the user wrote."""
    wish = spec.worker.resources
    asked, bounds = wish.requests or {}, wish.limits or {}
    limits = {
        key: max(value, asked.get(key, value), key=amount_of) for key, value in settings.default_limits.items()
    } | bounds
    requests = {
        key: min(value, limits.get(key, value), key=amount_of) for key, value in settings.default_requests.items()
    } | asked
    if _EPHEMERAL not in limits:
        on_node = spec.worker.scratch.storage_class_name is None
        requests.setdefault(_EPHEMERAL, spec.worker.scratch.size if on_node else TMP_SIZE)
    return {"requests": requests, "limits": limits}


def compute_task_resources(options: WorkerOptions, settings: Settings) -> Manifest:
    """Of a container that only looks at lists or sends a message: what is asked for by default, and not what the user
    asks for videos. Their limits hold for it too: a quota may demand one on everything. Its default limit of memory is
    lower: what it reads is bounded."""
    wished = options.resources.limits or {}
    limits = (
        settings.default_limits
        | settings.modest_limits
        | {key: value for key, value in wished.items() if key in _ANYWHERE}
    )
    asked = {_EPHEMERAL: TMP_SIZE} | settings.default_requests
    requests = {key: min(value, limits.get(key, value), key=amount_of) for key, value in asked.items()}
    return {"requests": requests, "limits": limits}
