"""Stands for the scheduler and the kubelet of task Jobs, which list and deliver: it runs the real worker as a process,
with what the pod mounts."""

import base64
import os
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from support.controller.api_server import ApiServer, Raw, Refused
from support.controller.fake_kubelet import beside_a_sidecar, running, terminated
from support.controller.node_logs import NodeLogs
from support.loaded_process import LoadedProcess
from support.worker.worker_process import start_copy
from videoimport.api.labels import IMPORT, TASK

_FLAGS = {
    "manifest": "--manifest",
    "source-credentials": "--source-credentials",
    "destination-credentials": "--credentials",
    "webhook-secret": "--webhook-secret",
}
"""The worker's flag for what a pod mounts, by the volume's name."""


@dataclass
class TaskJobKubelet:
    """For one namespace. ``node`` is where pods are bound to; without one, a scheduler does that. ``hold`` keeps pods
    running while it is set, their workers ended or not."""

    api: ApiServer
    namespace: str
    logs: NodeLogs
    folder: Path
    node: str | None = None
    hold: threading.Event = field(default_factory=threading.Event)
    mesh: bool = False
    """True adds a container that never ends to what each pod reports."""
    _running: dict[str, LoadedProcess] = field(default_factory=dict)
    _threads: dict[str, threading.Thread] = field(default_factory=dict)

    def run(self, stopping: threading.Event) -> None:
        """Until stopping is set; what runs then is ended."""
        try:
            while not stopping.is_set():
                for event in self.api.watch("Pod", self.namespace, stopping, f"!{IMPORT}"):
                    self._see(event["object"], gone=event["type"] == "DELETED")
                    if stopping.is_set():
                        break
        finally:
            self.hold.clear()
            for process in list(self._running.values()):
                process.kill()
            for thread in self._threads.values():
                thread.join()

    def _see(self, pod: Raw, *, gone: bool) -> None:
        metadata = pod["metadata"]
        uid = metadata["uid"]
        if gone or "deletionTimestamp" in metadata:
            if uid in self._running:
                self._running[uid].terminate()
            if not gone:
                self._let_go(metadata["name"])
        elif self.node and "nodeName" not in pod["spec"]:
            self._bind(metadata["name"])
        elif "nodeName" in pod["spec"] and uid not in self._threads:
            self._threads[uid] = threading.Thread(target=self._worker, args=[pod], name=metadata["name"])
            self._threads[uid].start()

    def _bind(self, name: str) -> None:
        target = {"apiVersion": "v1", "kind": "Node", "name": self.node}
        binding = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": name}, "target": target}
        self._tried("POST", self.api.path("Pod", self.namespace, name, "binding"), binding)

    def _let_go(self, name: str) -> None:
        """As a kubelet does once the containers have ended."""
        self._tried("DELETE", self.api.path("Pod", self.namespace, name), {"gracePeriodSeconds": 0})

    def _tried(self, method: str, path: str, body: Raw) -> None:
        try:
            self.api.call(method, path, body)
        except Refused as refused:
            if refused.status not in (404, 409):  # it is gone, or somebody else was here first
                raise

    def _worker(self, pod: Raw) -> None:
        name, uid = pod["metadata"]["name"], pod["metadata"]["uid"]
        room = self.folder / uid
        for part in ("scratch", "home"):
            (room / part).mkdir(parents=True)
        (room / "task.json").write_text(pod["metadata"]["annotations"][TASK])
        self._status(name, running())
        message = room / "message"
        argv = ["--task", room / "task.json", "--scratch", room / "scratch",
                "--termination-message", message, *self._mounted(pod, room)]  # fmt: skip
        with self.logs.path(self.namespace, name).open("wb") as log:
            environment = {key: value for key, value in os.environ.items() if key in ("PATH", "PYTHONPATH")}
            process = start_copy(argv, {**environment, "HOME": str(room / "home")}, output=log)
            self._running[uid] = process
            code = process.wait()
        self._running.pop(uid, None)
        while self.hold.is_set():
            time.sleep(0.05)
        told = message.read_text() if message.exists() else ""
        ended = terminated(code if code >= 0 else 128 - code, told)
        self._status(name, beside_a_sidecar(ended) if self.mesh else ended)

    def _mounted(self, pod: Raw, room: Path) -> list[str | Path]:
        """Flags, and the folders they name filled with what the API server has; what is missing is an empty folder."""
        found: list[str | Path] = []
        for volume in pod["spec"].get("volumes", []):
            if flag := _FLAGS.get(volume["name"]):
                folder = room / volume["name"]
                folder.mkdir()
                for key, content in self._content(volume).items():
                    (folder / key).write_bytes(content)
                found += [flag, folder]
        return found

    def _content(self, volume: Raw) -> dict[str, bytes]:
        kind, name = ("secrets", volume["secret"]["secretName"]) if "secret" in volume else (
            "configmaps", volume["configMap"]["name"])  # fmt: skip
        try:
            found = self.api.call("GET", f"/api/v1/namespaces/{self.namespace}/{kind}/{name}")
        except Refused:
            return {}
        plain = {key: text.encode() for key, text in found.get("data", {}).items()}
        if kind == "configmaps":
            return plain | {key: base64.b64decode(text) for key, text in found.get("binaryData", {}).items()}
        return {key: base64.b64decode(text) for key, text in plain.items()}

    def _status(self, name: str, state: Raw) -> None:
        try:
            self.api.merge("Pod", self.namespace, name, {"status": state}, "status")
        except Refused as refused:
            if refused.status != 404:  # deleted under our hands, as pods are
                raise
