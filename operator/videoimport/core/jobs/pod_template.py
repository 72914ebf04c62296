"""Pod template of the worker: one container, no credentials of the cluster, valid for Pod Security ``restricted``.

If a Secret or ConfigMap is missing, the pod still starts, because both mounts are optional. The worker then reports
what is missing. If a PersistentVolumeClaim is missing, the pod does not start, and the status shows the cluster's
message.
"""

from dataclasses import dataclass
from datetime import timedelta

from videoimport.api.base import Model
from videoimport.api.field_types import SecretReference
from videoimport.api.labels import BULK_KIND, TASK, WORKER_CONTAINER
from videoimport.api.quantity import amount_of
from videoimport.api.tasks.import_task import (
    CA_BUNDLE_PATH,
    DESTINATION_CREDENTIALS_PATH,
    DESTINATION_VOLUME_PATH,
    SCRATCH_PATH,
    SOURCE_CREDENTIALS_PATH,
    SOURCE_VOLUME_PATH,
    TASK_PATH,
    TERMINATION_MESSAGE_PATH,
    Task,
)
from videoimport.api.videoimport import VideoImport, VideoImportSpec, spec_hash
from videoimport.api.worker_options import WorkerOptions
from videoimport.core.jobs.upload_task import build_upload_task
from videoimport.core.names_and_owners import build_scratch_name
from videoimport.core.plan import Manifest
from videoimport.core.settings import Settings

_USER = 65532
_GRACE_SECONDS = 30
_EPHEMERAL = "ephemeral-storage"
_ANYWHERE = ("cpu", "memory", _EPHEMERAL)
"""Resources that every node has. A pod that only reads lists requests no GPU."""
TMP = "/tmp"  # noqa: S108  (a volume of the pod's own, not a shared folder)
TMP_SIZE = "256Mi"
_READABLE_BY_GROUP = 0o440


@dataclass(frozen=True, slots=True)
class Volumes:
    """Volumes of a pod, and the mounts of its one container. A volume may be mounted twice."""

    volumes: tuple[Manifest, ...] = ()
    mounts: tuple[Manifest, ...] = ()

    def __add__(self, other: "Volumes") -> "Volumes":
        return Volumes(self.volumes + other.volumes, self.mounts + other.mounts)


def build_import_pod(video: VideoImport, settings: Settings) -> Manifest:
    """Return ``template.spec`` of an import's Job."""
    return build_pod(
        video.spec.worker, build_import_volumes(video), compute_import_resources(video.spec, settings), settings
    )


def build_pod(options: WorkerOptions, mounted: Volumes, resources: Manifest, settings: Settings) -> Manifest:
    """Return the pod of a worker. The controller's fields come after the user's fields and override them."""
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
    """Return the fields of the spec about where and as which user the pod runs."""
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
    """Return the container's resources: the user's values, and a default for each missing resource. Defaults are
    adjusted so that no request is above its limit, because the API server refuses such a pod. The user's values never
    change."""
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
    """Return the resources of a container that only reads lists or sends a message.

    The requests are the defaults, because the user's requests are for videos. The user's limits apply, because a quota
    may demand a limit for every pod. The default memory limit is lower than for imports, because the input is limited.
    """
    wished = options.resources.limits or {}
    limits = (
        settings.default_limits
        | settings.modest_limits
        | {key: value for key, value in wished.items() if key in _ANYWHERE}
    )
    asked = {_EPHEMERAL: TMP_SIZE} | settings.default_requests
    requests = {key: min(value, limits.get(key, value), key=amount_of) for key, value in asked.items()}
    return {"requests": requests, "limits": limits}


def build_task(video: VideoImport, run: int, settings: Settings) -> Task:
    """Return the task of the worker for this run."""
    meta = video.metadata
    return Task(
        uid=meta.uid,
        namespace=meta.namespace,
        name=meta.name,
        run=run,
        spec=_guard_headers(video),
        spec_hash=spec_hash(video.spec),
        allowed_networks=settings.allowed_networks,
        stall_seconds=_find_stall(video, settings) // timedelta(seconds=1),
        upload=build_upload_task(video, settings),
        politeness=settings.politeness,
    )


def _find_stall(video: VideoImport, settings: Settings) -> timedelta:
    """Return the time without progress after which a run is Stalled. An idle upload session ends before."""
    if video.spec.source.upload is None:
        return settings.stall
    return max(settings.stall, settings.upload_idle + timedelta(minutes=1))


def _guard_headers(video: VideoImport) -> VideoImportSpec:
    """Return the spec for the task. A BulkImport's child may lack the hosts for its Secret's headers, because an
    earlier release made the child or a user edited it. Such a child sends headers only to hosts that the Secret
    names."""
    source = video.spec.source
    is_child = any(owner.kind == BULK_KIND and owner.controller for owner in video.metadata.owner_references)
    if not is_child or source.url is None or source.header_origins is not None:
        return video.spec
    return video.spec.model_copy(update={"source": source.model_copy(update={"header_origins": ()})})


def build_pod_annotations(task: Model) -> dict[str, str]:
    """Return the annotation with the task, for the downward API."""
    return {TASK: task.model_dump_json(by_alias=True, exclude_none=True)}


def build_import_volumes(video: VideoImport) -> Volumes:
    """Return all volumes that this import's pods mount."""
    spec = video.spec
    return (
        _build_task_file()
        + _build_volume("scratch", SCRATCH_PATH, _build_scratch_source(video))
        + _build_tmp_volume()
        + _build_credential_volumes(spec)
        + _build_claim_volumes(spec)
        + _build_ca_bundle_volume(spec.worker)
    )


def build_task_volumes(options: WorkerOptions) -> Volumes:
    """Return the volumes of every pod that imports nothing: the task, a small /tmp and the CA certificates."""
    return _build_task_file() + _build_tmp_volume() + _build_ca_bundle_volume(options)


def build_node_scratch(size: str) -> Volumes:
    """Return the scratch volume on the node's disk. This volume is deleted with the pod."""
    return _build_volume("scratch", SCRATCH_PATH, {"emptyDir": {"sizeLimit": size}})


def build_secret_volume(volume: str, path: str, secret: SecretReference | None) -> Volumes:
    """Return the volume with a Secret's data as files. Without a Secret, the result has no volume."""
    return (
        Volumes() if secret is None else _build_volume(volume, path, _build_secret_source(secret.name), read_only=True)
    )


def build_config_map_volume(volume: str, path: str, name: str) -> Volumes:
    """Return the volume with a ConfigMap's data as files."""
    return _build_volume(volume, path, {"configMap": {"name": name, "optional": True}}, read_only=True)


def build_claim_volume(volume: str, path: str, name: str) -> Volumes:
    """Return the volume for a PersistentVolumeClaim that is mounted read-only. Only the mount is read-only, and not
    the volume, because a disk cannot be attached both read-only and writable."""
    return _build_volume(volume, path, _build_claim_source(name), read_only=True)


def _build_tmp_volume() -> Volumes:
    return _build_volume("tmp", TMP, {"emptyDir": {"sizeLimit": TMP_SIZE}})


def _build_volume(name: str, path: str, source: Manifest, *, read_only: bool = False) -> Volumes:
    return Volumes(({"name": name, **source},), (_build_mount(name, path, read_only=read_only),))


def _build_mount(name: str, path: str, *, read_only: bool = False) -> Manifest:
    return {"name": name, "mountPath": path} | ({"readOnly": True} if read_only else {})


def _build_task_file() -> Volumes:
    folder, _, file = TASK_PATH.rpartition("/")
    field = {"path": file, "fieldRef": {"fieldPath": f"metadata.annotations['{TASK}']"}}
    return _build_volume("task", folder, {"downwardAPI": {"items": [field]}}, read_only=True)


def _build_scratch_source(video: VideoImport) -> Manifest:
    scratch = video.spec.worker.scratch
    if scratch.storage_class_name is None:
        return {"emptyDir": {"sizeLimit": scratch.size}}
    return {"persistentVolumeClaim": {"claimName": build_scratch_name(video.metadata.name)}}


def _build_credential_volumes(spec: VideoImportSpec) -> Volumes:
    """Return the volumes of the credentials for the source and the destination. A source that is a volume or an
    upload, and a destination that is a volume, have no credentials, so that a pod never has a Secret without a use
    for it."""
    found = Volumes()
    source, destination = spec.source, spec.destination
    has_credentials = source.url is not None or source.s3 is not None
    if source.credentials_secret_ref is not None and has_credentials:
        secret = _build_secret_source(source.credentials_secret_ref.name)
        found += _build_volume("source-credentials", SOURCE_CREDENTIALS_PATH, secret, read_only=True)
    if destination.credentials_secret_ref is not None and destination.persistent_volume_claim is None:
        secret = _build_secret_source(destination.credentials_secret_ref.name)
        found += _build_volume("destination-credentials", DESTINATION_CREDENTIALS_PATH, secret, read_only=True)
    return found


def _build_secret_source(name: str) -> Manifest:
    return {"secret": {"secretName": name, "optional": True, "defaultMode": _READABLE_BY_GROUP}}


def _build_claim_volumes(spec: VideoImportSpec) -> Volumes:
    """Return the volumes of the source's and destination's claims. If both use the same claim, it is one volume with
    two mounts. Kubelets are known to wait without end if a claim is in two volumes of a pod."""
    source, destination = spec.source.persistent_volume_claim, spec.destination.persistent_volume_claim
    if source is not None and destination is not None and source.claim_name == destination.claim_name:
        shared = _build_volume("volume", DESTINATION_VOLUME_PATH, _build_claim_source(source.claim_name))
        return shared + Volumes(mounts=(_build_mount("volume", SOURCE_VOLUME_PATH, read_only=True),))
    found = Volumes()
    if source is not None:
        found += _build_volume(
            "source", SOURCE_VOLUME_PATH, _build_claim_source(source.claim_name, read_only=True), read_only=True
        )
    if destination is not None:
        found += _build_volume("destination", DESTINATION_VOLUME_PATH, _build_claim_source(destination.claim_name))
    return found


def _build_claim_source(name: str, *, read_only: bool = False) -> Manifest:
    return {"persistentVolumeClaim": {"claimName": name} | ({"readOnly": True} if read_only else {})}


def _build_ca_bundle_volume(options: WorkerOptions) -> Volumes:
    reference = options.ca_bundle_config_map_ref
    if reference is None:
        return Volumes()
    folder, _, file = CA_BUNDLE_PATH.rpartition("/")
    bundle = {"name": reference.name, "optional": True, "items": [{"key": file, "path": file}]}
    return _build_volume("ca-bundle", folder, {"configMap": bundle}, read_only=True)
