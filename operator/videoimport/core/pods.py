"""The worker's pod template: one container, no credentials of the cluster, fit for Pod Security ``restricted``."""

from decimal import Decimal
from typing import Any

from videoimport.api.labels import TASK, WORKER_CONTAINER
from videoimport.api.quantity import bytes_of
from videoimport.api.task import (
    DESTINATION_CREDENTIALS_PATH,
    SCRATCH_PATH,
    TASK_PATH,
    TERMINATION_MESSAGE_PATH,
    Task,
    spec_hash,
)
from videoimport.api.videoimport import VideoImport, VideoImportSpec
from videoimport.core.settings import Settings

Manifest = dict[str, Any]
_USER = 65532
_GRACE_SECONDS = 30
_TMP = "/tmp"  # noqa: S108  (a volume of the pod's own, not a shared folder)
_TMP_SIZE = "256Mi"
_EPHEMERAL = "ephemeral-storage"
_READABLE_BY_GROUP = 0o440


def task_of(video: VideoImport, run: int, settings: Settings) -> Task:
    """What the worker of this run is told."""
    meta = video.metadata
    return Task(
        uid=meta.uid,
        namespace=meta.namespace,
        name=meta.name,
        run=run,
        spec=video.spec,
        spec_hash=spec_hash(video.spec),
        allowed_networks=settings.allowed_networks,
    )


def pod_annotations(task: Task) -> dict[str, str]:
    """The task, where the downward API finds it."""
    return {TASK: task.model_dump_json(by_alias=True, exclude_none=True)}


def pod_spec(spec: VideoImportSpec, settings: Settings) -> Manifest:
    """``template.spec`` of the Job."""
    return {
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
        "containers": [_container(spec, settings)],
        "volumes": [volume for volume, _ in _mounted(spec)],
    }


def _container(spec: VideoImportSpec, settings: Settings) -> Manifest:
    return {
        "name": WORKER_CONTAINER,
        "image": settings.worker_image,
        "imagePullPolicy": settings.image_pull_policy,
        "env": [{"name": "HOME", "value": _TMP}],
        "resources": resources_of(spec, settings),
        "terminationMessagePath": TERMINATION_MESSAGE_PATH,
        "terminationMessagePolicy": "File",
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [mount for _, mount in _mounted(spec)],
    }


def _mounted(spec: VideoImportSpec) -> list[tuple[Manifest, Manifest]]:
    """Each volume with its mount. A missing Secret is a reason the worker names, so it must not hold the pod up."""
    task_folder, _, task_file = TASK_PATH.rpartition("/")
    field = {"path": task_file, "fieldRef": {"fieldPath": f"metadata.annotations['{TASK}']"}}
    mounted: list[tuple[Manifest, Manifest]] = [
        _volume("task", task_folder, {"downwardAPI": {"items": [field]}}, read_only=True),
        _volume("scratch", SCRATCH_PATH, {"emptyDir": {"sizeLimit": spec.worker.scratch.size}}),
        _volume("tmp", _TMP, {"emptyDir": {"sizeLimit": _TMP_SIZE}}),
    ]
    if spec.destination.credentials_secret_ref is not None:
        secret = {
            "secretName": spec.destination.credentials_secret_ref.name,
            "optional": True,
            "defaultMode": _READABLE_BY_GROUP,
        }
        mounted.append(_volume("destination", DESTINATION_CREDENTIALS_PATH, {"secret": secret}, read_only=True))
    return mounted


def _volume(name: str, path: str, source: Manifest, *, read_only: bool = False) -> tuple[Manifest, Manifest]:
    mount: Manifest = {"name": name, "mountPath": path}
    return {"name": name, **source}, mount | ({"readOnly": True} if read_only else {})


def resources_of(spec: VideoImportSpec, settings: Settings) -> Manifest:
    """The container's resources: the user's, and for a side they left out the defaults, bent so that no request is
    above its limit (the API server refuses such a pod)."""
    wish = spec.worker.resources
    requests, limits = dict(wish.requests or {}), dict(wish.limits or {})
    if wish.limits is None:
        limits = {
            key: max(value, requests.get(key, value), key=_amount) for key, value in settings.default_limits.items()
        }
    if wish.requests is None:
        requests = {
            key: min(value, limits.get(key, value), key=_amount) for key, value in settings.default_requests.items()
        }
    if _EPHEMERAL not in limits:
        requests.setdefault(_EPHEMERAL, spec.worker.scratch.size)
    return {"requests": requests, "limits": limits}


def _amount(quantity: str) -> Decimal:
    """A quantity of CPU, memory or storage as a number to compare with."""
    if quantity.endswith("m"):
        return Decimal(quantity[:-1]) / 1000
    return Decimal(quantity) if quantity[-1].isdigit() else Decimal(bytes_of(quantity))
