"""The cluster of the embedded mode. It answers the controller's requests from objects in memory and from the logs of
processes."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

from videoimport.cli.embedded.object_store import ObjectStore
from videoimport.controller.client.cluster import Page
from videoimport.controller.client.errors import NotFound
from videoimport.controller.client.resources import Raw
from videoimport.core.plan import Kind


@dataclass(frozen=True, slots=True)
class EmbeddedCluster:
    """A ``controller.client.cluster.Cluster`` on an object store. The log of a pod is a file in ``logs``."""

    store: ObjectStore
    logs: Path
    events: list[Raw] = field(default_factory=list)
    """Events for users, the oldest first."""

    async def pages(self, kind: Kind, namespace: str | None, selector: str | None = None) -> AsyncIterator[Page]:  # noqa: ARG002
        """Yield all objects of a kind on one page. Label selectors are ignored, because all objects belong to the
        controller."""
        found = self.store.list(kind)
        yield Page([raw for raw in found if namespace in (None, raw["metadata"]["namespace"])], self.store.version)

    async def get(self, kind: Kind, namespace: str, name: str) -> Raw:
        """Return one object."""
        return self.store.get(kind, namespace, name)

    async def create(self, manifest: Raw) -> Raw:
        """Create an object."""
        return self.store.create(manifest)

    async def replace_status(self, kind: Kind, raw: Raw) -> Raw:
        """Write ``raw["status"]``."""
        return self.store.replace_status(kind, raw)

    async def patch(self, kind: Kind, namespace: str, name: str, patch: Raw) -> Raw:
        """Apply a JSON merge patch."""
        return self.store.patch(kind, namespace, name, patch)

    async def delete(self, kind: Kind, namespace: str, name: str, uid: str) -> Raw:
        """Delete an object after its dependents."""
        return self.store.delete(kind, namespace, name, uid)

    async def log_tail(self, namespace: str, pod: str, container: str, lines: int, limit_bytes: int) -> str:  # noqa: ARG002
        """Read at most the last ``limit_bytes`` bytes of a pod's log. Return the last ``lines`` lines of these
        bytes."""
        path = self.log_path(namespace, pod)
        if not path.exists():
            return ""
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - limit_bytes))
            text = file.read(limit_bytes).decode(errors="replace")
        return "\n".join(text.splitlines()[-lines:])

    async def log(self, namespace: str, pod: str, container: str, limit_bytes: int) -> str:  # noqa: ARG002
        """Return the beginning of a pod's log. Raises NotFound if the log is gone."""
        try:
            with self.log_path(namespace, pod).open("rb") as file:
                return file.read(limit_bytes).decode(errors="replace")
        except FileNotFoundError:
            raise NotFound(f"the log of {namespace}/{pod} is gone") from None

    def log_path(self, namespace: str, pod: str) -> Path:
        """Return the file with a pod's log."""
        return self.logs / f"{namespace}.{pod}.log"

    async def events_about(self, namespace: str, uid: str) -> list[Raw]:  # noqa: ARG002
        """Return no Event, because no other controller posts Events here."""
        return []

    async def post_event(self, event: Raw) -> None:
        """Keep an Event for the display."""
        self.events.append(event)
