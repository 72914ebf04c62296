"""Completion of names from the cluster. Without a cluster, or after an error, the shell gets no completions."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from videoimport.api.labels import BULK_KIND, VIDEO_KIND
from videoimport.cli.errors import UnusableError

if TYPE_CHECKING:
    from videoimport.cli.kube_client import Kube

_SECONDS = 2.0
"""Timeout of a request in seconds. It is short, because the user waits at the prompt."""
_MOST = 500
"""Maximum number of names of one kind."""


def complete_resources(ctx: Any, incomplete: str) -> list[str]:
    """Return the names of VideoImports, and of BulkImports after bi/, that begin with ``incomplete``."""
    kinds = {"bi/": BULK_KIND, "bulkimport/": BULK_KIND, "vi/": VIDEO_KIND, "videoimport/": VIDEO_KIND}
    prefix = next((prefix for prefix in kinds if incomplete.startswith(prefix)), None)
    try:
        kube = _cluster_of(ctx)
        if prefix is not None:
            return _beginning(incomplete, (f"{prefix}{name}" for name in _names(kube, kinds[prefix])))
        bulks = (f"bi/{name}" for name in _names(kube, BULK_KIND))
        return _beginning(incomplete, (*_names(kube, VIDEO_KIND), *bulks))
    except UnusableError:
        return []


def complete_bulks(ctx: Any, incomplete: str) -> list[str]:
    """Return the names of BulkImports that begin with ``incomplete``."""
    try:
        return _beginning(incomplete, _names(_cluster_of(ctx), BULK_KIND))
    except UnusableError:
        return []


def complete_namespaces(ctx: Any, incomplete: str) -> list[str]:
    """Return the names of namespaces that begin with ``incomplete``."""
    try:
        found = _cluster_of(ctx).get("/api/v1/namespaces", {"limit": str(_MOST)})
        return _beginning(incomplete, (one["metadata"]["name"] for one in found["items"]))
    except UnusableError:
        return []


def complete_contexts(ctx: Any, incomplete: str) -> list[str]:
    """Return the names of the kubeconfig's contexts that begin with ``incomplete``."""
    from videoimport.cli.kube_client import context_names

    try:
        return _beginning(incomplete, context_names(_path(ctx)))
    except UnusableError:
        return []


def _names(kube: "Kube", kind: str) -> Iterator[str]:
    for one in kube.first_resources(kube.namespace, kind, _MOST):
        yield one["metadata"]["name"]


def _cluster_of(ctx: Any) -> "Kube":
    """Return the cluster that the options before the incomplete word select. Raises UnusableError."""
    from videoimport.cli.kube_client import Kube

    return Kube(_path(ctx), ctx.params.get("context"), ctx.params.get("namespace"), seconds=_SECONDS)


def _path(ctx: Any) -> Path | None:
    given = ctx.params.get("kubeconfig")
    return Path(os.fspath(given)).expanduser() if given else None


def _beginning(incomplete: str, names: Iterable[str]) -> list[str]:
    return [name for name in names if name.startswith(incomplete)]
