"""The kinds we keep: where the API server has them, which of them are ours, and whom a change of one concerns."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple

from videoimport.api.labels import BULK, BULK_KIND, GROUP, IMPORT, MANAGED_BY, MANAGED_BY_VALUE, VERSION, VIDEO_KIND
from videoimport.core.observed import Owner
from videoimport.core.owned_objects import find_controller
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
    """Of the objects that are ours; None where all are."""

    @property
    def api_version(self) -> str:
        """As it stands in a manifest."""
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

_NAMED_BY: tuple[tuple[Kind, str], ...] = (("VideoImport", IMPORT), ("BulkImport", BULK))
"""The labels of a Job and its pod that name whose it is."""
KINDS: Mapping[Kind, Resource] = MappingProxyType(_BY_KIND)
"""In the order in which they are to be listed: what is referred to comes after what refers to it, so that a thing that
a status names and a later list lacks is gone, and not just younger than the list."""


def controller_of(raw: Raw) -> Owner | None:
    """Return the controlling owner, which can only be in the object's own namespace."""
    return find_controller(raw["metadata"])


def keys_of(kind: Kind, raw: Raw) -> list[Key]:
    """Whom a change of this object concerns: itself, when it is one of our resources, and its owner. Always keys of the
    object's own namespace. Whether it really is its owner's is for the decision about that to know."""
    metadata = raw["metadata"]
    namespace: str = metadata["namespace"]
    keys = [Key(kind, namespace, metadata["name"])] if kind in (VIDEO_KIND, BULK_KIND) else []
    if kind == "Pod":  # its owner is the Job, whose owner the label names, even when the Job is gone
        labels = metadata.get("labels", {})
        return [Key(owner, namespace, labels[label]) for owner, label in _NAMED_BY if labels.get(label)]
    owner = controller_of(raw)
    if owner and (owner.group, owner.kind) == (GROUP, VIDEO_KIND):
        keys.append(Key("VideoImport", namespace, owner.name))
    if owner and (owner.group, owner.kind) == (GROUP, BULK_KIND):
        keys.append(Key("BulkImport", namespace, owner.name))
    return keys
