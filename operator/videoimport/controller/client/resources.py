"""The cached kinds: their paths at the API server, the selector of the controller's objects, and the keys that a change
concerns."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

from videoimport.api.labels import GROUP, MANAGED_BY, MANAGED_BY_VALUE, VERSION
from videoimport.core.plan import Kind

Raw = dict[str, Any]
"""An object as the API server gives it."""
Place = tuple[str, str]
"""Namespace and name."""

OURS = f"{MANAGED_BY}={MANAGED_BY_VALUE}"


class Key(NamedTuple):
    """What is reconciled: a VideoImport or a BulkImport."""

    kind: Kind
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class Resource:
    """Where a kind lives."""

    kind: Kind
    group: str
    """Empty for the core group."""
    version: str
    plural: str
    selector: str | None = None
    """Label selector of the controller's objects; None where all objects of the kind are."""

    @property
    def api_version(self) -> str:
        """As a manifest has it."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str | None, name: str | None = None, part: str | None = None) -> str:
        """The URL's path; without a namespace, all of them; ``part`` is a subresource such as status."""
        root = f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"
        pieces = [root, *(["namespaces", namespace] if namespace else []), self.plural, *filter(None, (name, part))]
        return "/".join(pieces)


_BY_KIND: dict[Kind, Resource] = {
    resource.kind: resource
    for resource in (
        Resource("BulkImport", GROUP, VERSION, "bulkimports"),
        Resource("VideoImport", GROUP, VERSION, "videoimports"),
        Resource("ConfigMap", "", "v1", "configmaps", OURS),
        Resource("PersistentVolumeClaim", "", "v1", "persistentvolumeclaims", OURS),
        Resource("Job", "batch", "v1", "jobs", OURS),
        Resource("Pod", "", "v1", "pods", OURS),
    )
}

KINDS: Mapping[Kind, Resource] = MappingProxyType(_BY_KIND)
"""In the order in which they are to be listed: a referenced kind comes after the kinds that refer to it. So an object
that a status names and a later list lacks is gone, and not just younger than the list."""
