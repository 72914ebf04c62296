"""Volumes of this machine's own disk, as the administrator of a small cluster would make them by hand."""

from pathlib import Path

from demo.kubectl import Kubectl
from support.e2e.cluster_state import apply
from support.e2e.manifests import Manifest

CLASS = "by-hand"
"""No provisioner makes volumes of this class; a claim binds to one that is there."""


def offer(kubectl: Kubectl, name: str, folder: Path, claim: str | None = None) -> None:
    """A PersistentVolume over a folder that any user may write to; for one claim, or for whoever asks."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o777)
    wanted = {"claimRef": {"namespace": kubectl.namespace, "name": claim}} if claim else {}
    apply(kubectl, {
        "apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name},
        "spec": {
            "capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], "storageClassName": CLASS,
            "persistentVolumeReclaimPolicy": "Delete" if claim is None else "Retain",
            "hostPath": {"path": str(folder), "type": "Directory"}, **wanted,
        },
    })  # fmt: skip


def claimed(kubectl: Kubectl, name: str, folder: Path) -> str:
    """A PersistentVolumeClaim that is bound to a folder; its name."""
    offer(kubectl, f"e2e-{name}", folder, claim=name)
    apply(kubectl, claim_of(name, f"e2e-{name}"))
    return name


def claim_of(name: str, volume: str) -> Manifest:
    return {
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name},
        "spec": {
            "accessModes": ["ReadWriteOnce"], "storageClassName": CLASS, "volumeName": volume,
            "resources": {"requests": {"storage": "1Gi"}},
        },
    }  # fmt: skip
