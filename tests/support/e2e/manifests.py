"""Manifests of the end-to-end tests."""

from typing import Any

Manifest = dict[str, Any]
SITE = "http://site.e2e.svc.cluster.local"
STORE = {"endpoint": "http://s3.e2e.svc.cluster.local:7070"}


def destination(folder: str, **changes: Any) -> Manifest:
    """The bucket of this cluster's store."""
    store = STORE | {"bucket": "videos", "prefix": "e2e"}
    return {"s3": store, "credentialsSecretRef": {"name": "bucket-keys"}, "folder": folder} | changes


def video(name: str, url: str, **spec: Any) -> Manifest:
    """A VideoImport into a folder of its own."""
    wish = {"source": {"url": url}, "destination": destination(name), "requirements": {}} | spec
    return {"apiVersion": "videoimport.io/v1alpha1", "kind": "VideoImport", "metadata": {"name": name}, "spec": wish}


def bulk(name: str, urls: list[str], parallelism: int = 2, **spec: Any) -> Manifest:
    """A BulkImport of these URLs."""
    template = {"destination": destination(name), "requirements": {}}
    wish = {
        "source": {"items": [{"url": url} for url in urls]},
        "template": template,
        "parallelism": parallelism,
    } | spec
    return {"apiVersion": "videoimport.io/v1alpha1", "kind": "BulkImport", "metadata": {"name": name}, "spec": wish}
