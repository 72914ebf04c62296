"""Stands for a node and its workers where pods list: quick, and always the same pages."""

import hashlib
import tempfile
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from support.controller.api_server import ApiServer, Raw, Refused
from support.controller.fake_kubelet import running, terminated
from support.controller.node_logs import NodeLogs
from videoimport.api.identity import item_identity
from videoimport.api.labels import IMPORT, PAGE, TASK
from videoimport.api.tasks.listing_log import packed
from videoimport.api.tasks.listing_task import FoundItem, ListingTask, PageLine, PageReport


@dataclass
class FakeListingWorker:
    """For one namespace. ``pages`` are the addresses of each; ``spoil`` makes of a run's log what is left of it, if
    anything. Pages that are ``held`` are not begun."""

    api: ApiServer
    namespace: str
    pages: tuple[tuple[str, ...], ...]
    spoil: Callable[[int, str], str | None] = lambda _run, text: text
    held: set[int] = field(default_factory=set)
    _node: str = field(default_factory=lambda: f"lister-{uuid.uuid4().hex[:8]}")

    def run(self, stopping: threading.Event) -> None:
        """Until stopping is set."""
        with tempfile.TemporaryDirectory() as folder, NodeLogs(self.api, Path(folder)).serving() as logs:
            logs.node(self._node)
            try:
                while not stopping.wait(0.1):
                    for pod in self.api.all_of("Pod", self.namespace):
                        if IMPORT not in pod["metadata"]["labels"]:
                            self._advance(pod, logs)
            finally:
                self.api.call("DELETE", f"/api/v1/nodes/{self._node}")

    def _advance(self, pod: Raw, logs: NodeLogs) -> None:
        metadata, phase = pod["metadata"], pod.get("status", {}).get("phase", "Pending")
        if int(metadata["labels"][PAGE]) in self.held and "deletionTimestamp" not in metadata:
            return
        path = self.api.path("Pod", self.namespace, metadata["name"])
        try:
            if "deletionTimestamp" in metadata:
                self.api.call("DELETE", path, {"gracePeriodSeconds": 0})
            elif "nodeName" not in pod["spec"]:
                target = {"apiVersion": "v1", "kind": "Node", "name": self._node}
                binding = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": metadata["name"]}}
                self.api.call("POST", f"{path}/binding", {**binding, "target": target})
            elif phase in ("Pending", "Running"):
                state = running() if phase == "Pending" else self._listed(pod, logs)
                self.api.merge("Pod", self.namespace, metadata["name"], {"status": state}, "status")
        except Refused as refused:
            if refused.status not in (404, 409):  # deleted under our hands, as pods are
                raise

    def _listed(self, pod: Raw, logs: NodeLogs) -> Raw:
        task = ListingTask.model_validate_json(pod["metadata"]["annotations"][TASK])
        assert task.cursor == (str(task.page) if task.page else None), "a page that begins where none ended"
        urls, done = self.pages[task.page], task.page + 1 == len(self.pages)
        lines = [PageLine(found=FoundItem(id=item_identity(url), url=url)) for url in urls]
        text = "".join(f"{line.model_dump_json(by_alias=True, exclude_none=True)}\n" for line in lines)
        left = self.spoil(task.run, packed(text))
        if left is not None:
            logs.path(self.namespace, pod["metadata"]["name"]).write_text(left)
        report = PageReport(
            uid=task.uid,
            run=task.run,
            page=task.page,
            cursor=None if done else str(task.page + 1),
            done=done,
            count=len(urls),
            bytes=len(text.encode()),
            sha256=hashlib.sha256(text.encode()).hexdigest(),
        )
        return terminated(0, report.model_dump_json(by_alias=True, exclude_none=True))
