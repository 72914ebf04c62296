"""The cached kinds, their URL paths, the label selector of the controller's objects, and the keys to reconcile."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

from videoimport.api.labels import GROUP, MANAGED_BY, MANAGED_BY_VALUE, VERSION
from videoimport.core.plan import Kind

Raw = dict[str, Any]
"""An object as the API server returns it."""
Place = tuple[str, str]
"""Namespace and name."""

OURS = f"{MANAGED_BY}={MANAGED_BY_VALUE}"


class Key(NamedTuple):
    """Identity of a VideoImport or BulkImport to reconcile."""

    kind: Kind
    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind of objects, and its URL path at the API server."""

    kind: Kind
    group: str
    """API group. The text is empty for the core group."""
    version: str
    plural: str
    selector: str | None = None
    """Label selector of the controller's objects. None selects all objects of the kind."""

    @property
    def api_version(self) -> str:
        """The apiVersion as in a YAML file."""
        return f"{self.group}/{self.version}" if self.group else self.version

    def path(self, namespace: str | None, name: str | None = None, part: str | None = None) -> str:
        """Return the URL path of the kind or of one object. Without a namespace, the path stands for all namespaces.
        ``part`` is a subresource such as status."""
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
"""The cached kinds in the order in which lists must be read: a kind comes after the kinds that refer to it.

If a status names an object that a later list lacks, the object is deleted. The object cannot be newer than that list.
"""
