"""A node on which lists are looked through for real, and where that can be disturbed."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from acting_errands import ActingErrands
from acting_kubelet import running
from apiserver import ApiServer, Raw, await_until, background
from node_logs import NodeLogs

from videoimport.api.labels import PAGE

PER_PAGE = 2000
"""Lines that make a page full."""


@dataclass
class Errands(ActingErrands):
    """``held`` has the pages whose workers do not start; ``spoil`` may do something to a log between the worker's end
    and its being heard of, given the number of logs before it."""

    held: set[int] = field(default_factory=set)
    spoil: Callable[[Path, int], None] = lambda _log, _before: None
    ended: int = 0

    def _worker(self, pod: Raw) -> None:
        name, labels = pod["metadata"]["name"], pod["metadata"]["labels"]
        while int(labels.get(PAGE, -1)) in self.held:
            if not self.api.exists(self.api.path("Pod", self.namespace, name)):
                return
        super()._worker(pod)

    def _status(self, name: str, state: Raw) -> None:
        if state["phase"] != running()["phase"]:
            self.spoil(self.logs.path(self.namespace, name), self.ended)
            self.ended += 1
        super()._status(name, state)


@contextmanager
def listing_node(api: ApiServer, namespace: str, folder: Path) -> Iterator[Errands]:
    """While the block lasts, with a name of its own: nodes are the whole cluster's."""
    node = f"node-{uuid.uuid4().hex[:8]}"
    with NodeLogs(api, folder).serving() as logs:
        logs.node(node)
        acting = Errands(api, namespace, logs, folder, node=node)
        try:
            with background("errands", acting.run):
                try:
                    yield acting
                finally:
                    acting.held.clear()
        finally:
            api.call("DELETE", f"/api/v1/nodes/{node}")


def manifest(namespace: str, lines: list[str], name: str = "list") -> Raw:
    """A ConfigMap with a list."""
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": namespace},
        "data": {"urls.txt": "".join(f"{line}\n" for line in lines)},
    }


def in_manifest(name: str = "list") -> Raw:
    """The source of a BulkImport."""
    return {"manifest": {"configMapKeyRef": {"name": name, "key": "urls.txt"}}}


def urls(count: int, host: str = "video.example") -> list[str]:
    """So many addresses."""
    return [f"https://{host}/{number}.mp4" for number in range(count)]


def await_discovery(
    api: ApiServer, namespace: str, what: str, holds: Callable[[Raw], object], name: str = "many"
) -> Raw:
    """The part of a bulk's status once it is as wanted."""

    def discovery() -> Raw:
        found: Raw = api.get("BulkImport", namespace, name).get("status", {}).get("discovery", {})
        return found

    await_until(what, lambda: holds(discovery()), explain=lambda: str(discovery()))
    return discovery()
