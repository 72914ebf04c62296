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
from videoimport.core.object_names import build_scratch_name

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


def build_import_volumes(video: VideoImport) -> Volumes:
    """All that this import's pods mount."""
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
    """What every pod mounts that imports nothing: its task, a little room and the certificates."""
    return _build_task_file() + _build_tmp_volume() + _build_ca_bundle_volume(options)


def build_node_scratch(size: str) -> Volumes:
    """Room of the node's, gone with the pod."""
    return _build_volume("scratch", SCRATCH_PATH, {"emptyDir": {"sizeLimit": size}})


def build_secret_volume(volume: str, path: str, secret: SecretReference | None) -> Volumes:
    """A Secret's keys as files; none without a reference."""
    return (
        Volumes() if secret is None else _build_volume(volume, path, _build_secret_source(secret.name), read_only=True)
    )


def build_config_map_volume(volume: str, path: str, name: str) -> Volumes:
    """A ConfigMap's keys as files."""
    return _build_volume(volume, path, {"configMap": {"name": name, "optional": True}}, read_only=True)


def build_claim_volume(volume: str, path: str, name: str) -> Volumes:
    """A claim for reading. Only the mount says so: a disk that another pod writes to may not be attached twice in two
    ways."""
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
    """None beside a volume: a pod that has no use for a Secret does not see it."""
    found = Volumes()
    source, destination = spec.source, spec.destination
    if source.credentials_secret_ref is not None and source.persistent_volume_claim is None:
        secret = _build_secret_source(source.credentials_secret_ref.name)
        found += _build_volume("source-credentials", SOURCE_CREDENTIALS_PATH, secret, read_only=True)
    if destination.credentials_secret_ref is not None and destination.persistent_volume_claim is None:
        secret = _build_secret_source(destination.credentials_secret_ref.name)
        found += _build_volume("destination-credentials", DESTINATION_CREDENTIALS_PATH, secret, read_only=True)
    return found


def _build_secret_source(name: str) -> Manifest:
    return {"secret": {"secretName": name, "optional": True, "defaultMode": _READABLE_BY_GROUP}}


def _build_claim_volumes(spec: VideoImportSpec) -> Volumes:
    """One claim for both is one volume with two mounts: kubelets are known to wait for ever for a claim that stands in
    two volumes of a pod."""
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
