"""Manifests as users write them."""

from typing import Any

Raw = dict[str, Any]
DESTINATION = {"s3": {"endpoint": "https://s3.example.com", "bucket": "videos"}}


def video(namespace: str, name: str = "one", url: str = "https://example.com/one.mp4", **spec: Any) -> Raw:
    """A VideoImport."""
    return _resource("VideoImport", namespace, name, {"source": {"url": url}, "destination": DESTINATION, **spec})


def bulk(namespace: str, urls: list[str], name: str = "many", **spec: Any) -> Raw:
    """A BulkImport."""
    items = [{"url": url} for url in urls]
    return _resource(
        "BulkImport", namespace, name, {"source": {"items": items}, "template": {"destination": DESTINATION}, **spec}
    )


SCRATCH = {"worker": {"scratch": {"size": "1Gi", "storageClassName": "nowhere"}}}
"""Room that outlives pods; no volume comes of it where there is no such class, and no fake kubelet minds."""
UPLOAD = {"upload": {"filename": "one.mp4", "size": 1000}}
"""A file that a client sends."""
SESSIONS = ["a" * 64, "b" * 64, "c" * 64]
"""Hashes of the tokens of clients."""
HOOK = {"url": "https://hooks.example.com/done", "secretRef": {"name": "hook-key"}}
"""Who is told."""
THREE = ["https://example.com/a.mp4", "https://example.com/gone.mp4", "https://example.com/c.mp4"]
"""Two that succeed and one that is not there."""


def _resource(kind: str, namespace: str, name: str, spec: Raw) -> Raw:
    return {
        "apiVersion": "videoimport.io/v1alpha1",
        "kind": kind,
        "metadata": {"name": name, "namespace": namespace},
        "spec": spec,
    }
