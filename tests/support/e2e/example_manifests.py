"""The manifests of examples/ with their places moved into this cluster: what is asked for stays as it is written."""

from pathlib import Path
from typing import Any

import yaml

from support.e2e.local_volumes import CLASS
from support.e2e.manifests import SITE, STORE, Manifest

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
KEYS = {"name": "bucket-keys"}


def videos() -> dict[str, Manifest]:
    """Every VideoImport of the examples, by file and name; uploads need a client, and have tests of their own."""
    return {
        f"{path.stem}-{document['metadata']['name']}": document
        for path in sorted(EXAMPLES.glob("*.yaml"))
        for document in yaml.safe_load_all(path.read_text())
        if document and document["kind"] == "VideoImport" and "upload" not in document["spec"]["source"]
    }


def moved(manifest: Manifest, folder: str, checksum: str) -> Manifest:
    """The same wish, from this cluster's site, bucket or volume into its bucket or volume."""
    spec = manifest["spec"]
    moved_spec = spec | {
        "source": _source(spec["source"], checksum),
        "destination": _destination(spec["destination"], folder),
    }
    if "worker" in spec:
        moved_spec["worker"] = _worker(spec["worker"])
    metadata = {"name": folder[:52].strip("-"), "labels": manifest["metadata"].get("labels", {})}
    return {key: manifest[key] for key in ("apiVersion", "kind")} | {"metadata": metadata, "spec": moved_spec}


def _source(source: dict[str, Any], checksum: str) -> dict[str, Any]:
    changed = dict(source)
    if "url" in changed:
        is_file = changed["url"].rpartition("/")[2].endswith((".mp4", ".mov", ".mkv", ".webm"))
        changed["url"] = f"{SITE}/clips/3.mp4" if is_file else f"{SITE}/talk.html"
        if "credentialsSecretRef" in changed:
            changed["credentialsSecretRef"] = {"name": "site-login"}
    if "s3" in changed:
        changed["s3"] = STORE | {"bucket": "videos", "key": "incoming/example.mp4"}
        changed["credentialsSecretRef"] = KEYS
    if "persistentVolumeClaim" in changed:
        changed["persistentVolumeClaim"] = {"claimName": "example-shelf", "path": "in/example.mp4"}
    if "checksum" in changed:
        changed["checksum"] = f"sha256:{checksum}"
    return changed


def _destination(destination: dict[str, Any], folder: str) -> dict[str, Any]:
    changed = destination | {"folder": folder}
    if "s3" in changed:
        place = STORE | {"bucket": "videos", "prefix": "e2e/examples"}
        kept = {key: value for key, value in changed["s3"].items() if key not in ("endpoint", "region", *place)}
        changed["s3"], changed["credentialsSecretRef"] = kept | place, KEYS
    if "persistentVolumeClaim" in changed:
        changed["persistentVolumeClaim"] = {"claimName": "example-shelf", "path": "out"}
    return changed


def _worker(worker: dict[str, Any]) -> dict[str, Any]:
    """There is no proxy here, and one small node has to hold them all at once."""
    changed = {key: value for key, value in worker.items() if key not in ("proxy", "resources")}
    if "storageClassName" in changed.get("scratch", {}):
        changed["scratch"] = {"size": "900Mi", "storageClassName": CLASS}
    return changed


def node_labels(manifests: list[Manifest]) -> dict[str, str]:
    """What a node must be labelled with to hold them all."""
    return {
        key: value
        for manifest in manifests
        for key, value in manifest["spec"].get("worker", {}).get("nodeSelector", {}).items()
    }


def named(manifests: list[Manifest], field: str) -> set[str]:
    """What ``spec.worker`` names under a field: priority classes, service accounts."""
    found = (manifest["spec"].get("worker", {}).get(field) for manifest in manifests)
    return {name for name in found if name}
