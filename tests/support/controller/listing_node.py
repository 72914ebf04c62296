"""A node on which lists are looked through for real, and the lists."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from support.controller.api_server import ApiServer, Raw, await_until, background
from support.controller.node_logs import NodeLogs
from support.controller.task_job_kubelet import TaskJobKubelet

PER_PAGE = 2000
"""Lines that make a page full."""


@contextmanager
def listing_node(api: ApiServer, namespace: str, folder: Path, *, mesh: bool = False) -> Iterator[None]:
    """While the block lasts, with a name of its own: nodes are the whole cluster's."""
    node = f"node-{uuid.uuid4().hex[:8]}"
    with NodeLogs(api, folder).serving() as logs:
        logs.node(node)
        acting = TaskJobKubelet(api, namespace, logs, folder, node=node, mesh=mesh)
        try:
            with background("task kubelet", acting.run):
                yield
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
