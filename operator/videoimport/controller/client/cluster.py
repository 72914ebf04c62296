"""The cluster as the controller uses it. ``api_client`` has the implementation for an API server.

The embedded mode of the command line has another implementation, with objects in memory.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

from videoimport.controller.client.resources import Raw
from videoimport.core.plan import Kind


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list."""

    items: list[Raw]
    version: int
    """The resourceVersion of the list. All items show the cluster's state at this version."""


class Cluster(Protocol):
    """Requests for objects as plain dictionaries. Every method raises ClusterError if its request fails."""

    def pages(self, kind: Kind, namespace: str | None, selector: str | None = None) -> AsyncIterator[Page]:
        """Yield all managed objects of a kind, in one namespace or in all, as of the same version."""

    async def get(self, kind: Kind, namespace: str, name: str) -> Raw:
        """Return one object."""

    async def create(self, manifest: Raw) -> Raw:
        """Create an object and return the created object. Raises AlreadyExists if the name is taken."""

    async def replace_status(self, kind: Kind, raw: Raw) -> Raw:
        """Write ``raw["status"]``. Raises Conflict unless ``raw`` has the newest version."""

    async def patch(self, kind: Kind, namespace: str, name: str, patch: Raw) -> Raw:
        """Apply a JSON merge patch. With a ``metadata.uid`` in the patch, raises Conflict for another object."""

    async def delete(self, kind: Kind, namespace: str, name: str, uid: str) -> Raw:
        """Delete the object with this UID, after its dependents. Raises Conflict for another object of the same name.

        Return the object that is being deleted, or a Status if the object is already gone.
        """

    async def log_tail(self, namespace: str, pod: str, container: str, lines: int, limit_bytes: int) -> str:
        """Return the last lines of a container's log. The text is empty if there is no log yet."""

    async def log(self, namespace: str, pod: str, container: str, limit_bytes: int) -> str:
        """Return the log of a container. If the log is longer than ``limit_bytes`` bytes, return only its beginning."""

    async def events_about(self, namespace: str, uid: str) -> list[Raw]:
        """Return the cluster's Events about an object."""

    async def post_event(self, event: Raw) -> None:
        """Post an Event for users."""
