"""What a worker's pod mounts: its task, room to work in, and what the spec names of Secrets, claims and certificates.

A missing Secret or ConfigMap must not hold the pod up (both mounts are optional): the worker names what it misses. A
missing claim does hold it up, and then the cluster's words are shown.
"""

from dataclasses import dataclass
from typing import Any

from videoimport.api.labels import TASK
from videoimport.api.references import SecretReference
from videoimport.api.tasks.import_task import (
    CA_BUNDLE_PATH,
    DESTINATION_CREDENTIALS_PATH,
    DESTINATION_VOLUME_PATH,
    SCRATCH_PATH,
    SOURCE_CREDENTIALS_PATH,
    SOURCE_VOLUME_PATH,
    TASK_PATH,
)
from videoimport.api.videoimport import VideoImport, VideoImportSpec
from videoimport.api.worker_options import WorkerOptions
from videoimport.core.object_names import scratch_name

Manifest = dict[str, Any]
TMP = "/tmp"  # noqa: S108  (a volume of the pod's own, not a shared folder)
TMP_SIZE = "256Mi"
_READABLE_BY_GROUP = 0o440


@dataclass(frozen=True, slots=True)
class Volumes:
    """Of a pod and its one container. A volume may be mounted twice."""

    volumes: tuple[Manifest, ...] = ()
    mounts: tuple[Manifest, ...] = ()

    def __add__(self, other: "Volumes") -> "Volumes":
        return Volumes(self.volumes + other.volumes, self.mounts + other.mounts)


def volumes_of(video: VideoImport) -> Volumes:
    """All that this import's pods mount."""
    spec = video.spec
    return (
        _task()
        + _one("scratch", SCRATCH_PATH, _scratch(video))
        + _tmp()
        + _credentials(spec)
        + _claims(spec)
        + _certificates(spec.worker)
    )


def task_volumes(options: WorkerOptions) -> Volumes:
    """What every pod mounts that imports nothing: its task, a little room and the certificates."""
    return _task() + _tmp() + _certificates(options)


def some_scratch(size: str) -> Volumes:
    """Room of the node's, gone with the pod."""
    return _one("scratch", SCRATCH_PATH, {"emptyDir": {"sizeLimit": size}})


def secret_at(volume: str, path: str, secret: SecretReference | None) -> Volumes:
    """A Secret's keys as files; none without a reference."""
    return Volumes() if secret is None else _one(volume, path, _secret(secret.name), read_only=True)


def config_map_at(volume: str, path: str, name: str) -> Volumes:
    """A ConfigMap's keys as files."""
    return _one(volume, path, {"configMap": {"name": name, "optional": True}}, read_only=True)


def claim_at(volume: str, path: str, name: str) -> Volumes:
    """A claim for reading. Only the mount says so: a disk that another pod writes to may not be attached twice in two
    ways."""
    return _one(volume, path, _claim(name), read_only=True)


def _tmp() -> Volumes:
    return _one("tmp", TMP, {"emptyDir": {"sizeLimit": TMP_SIZE}})


def _one(name: str, path: str, source: Manifest, *, read_only: bool = False) -> Volumes:
    return Volumes(({"name": name, **source},), (_mount(name, path, read_only=read_only),))


def _mount(name: str, path: str, *, read_only: bool = False) -> Manifest:
    return {"name": name, "mountPath": path} | ({"readOnly": True} if read_only else {})


def _task() -> Volumes:
    folder, _, file = TASK_PATH.rpartition("/")
    field = {"path": file, "fieldRef": {"fieldPath": f"metadata.annotations['{TASK}']"}}
    return _one("task", folder, {"downwardAPI": {"items": [field]}}, read_only=True)


def _scratch(video: VideoImport) -> Manifest:
    scratch = video.spec.worker.scratch
    if scratch.storage_class_name is None:
        return {"emptyDir": {"sizeLimit": scratch.size}}
    return {"persistentVolumeClaim": {"claimName": scratch_name(video.metadata.name)}}


def _credentials(spec: VideoImportSpec) -> Volumes:
    """None beside a volume: a pod that has no use for a Secret does not see it."""
    found = Volumes()
    source, destination = spec.source, spec.destination
    if source.credentials_secret_ref is not None and source.persistent_volume_claim is None:
        secret = _secret(source.credentials_secret_ref.name)
        found += _one("source-credentials", SOURCE_CREDENTIALS_PATH, secret, read_only=True)
    if destination.credentials_secret_ref is not None and destination.persistent_volume_claim is None:
        secret = _secret(destination.credentials_secret_ref.name)
        found += _one("destination-credentials", DESTINATION_CREDENTIALS_PATH, secret, read_only=True)
    return found


def _secret(name: str) -> Manifest:
    return {"secret": {"secretName": name, "optional": True, "defaultMode": _READABLE_BY_GROUP}}


def _claims(spec: VideoImportSpec) -> Volumes:
    """One claim for both is one volume with two mounts: kubelets are known to wait for ever for a claim that stands in
    two volumes of a pod."""
    source, destination = spec.source.persistent_volume_claim, spec.destination.persistent_volume_claim
    if source is not None and destination is not None and source.claim_name == destination.claim_name:
        shared = _one("volume", DESTINATION_VOLUME_PATH, _claim(source.claim_name))
        return shared + Volumes(mounts=(_mount("volume", SOURCE_VOLUME_PATH, read_only=True),))
    found = Volumes()
    if source is not None:
        found += _one("source", SOURCE_VOLUME_PATH, _claim(source.claim_name, read_only=True), read_only=True)
    if destination is not None:
        found += _one("destination", DESTINATION_VOLUME_PATH, _claim(destination.claim_name))
    return found


def _claim(name: str, *, read_only: bool = False) -> Manifest:
    return {"persistentVolumeClaim": {"claimName": name} | ({"readOnly": True} if read_only else {})}


def _certificates(options: WorkerOptions) -> Volumes:
    reference = options.ca_bundle_config_map_ref
    if reference is None:
        return Volumes()
    folder, _, file = CA_BUNDLE_PATH.rpartition("/")
    bundle = {"name": reference.name, "optional": True, "items": [{"key": file, "path": file}]}
    return _one("ca-bundle", folder, {"configMap": bundle}, read_only=True)
