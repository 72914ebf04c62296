"""An API server with the VideoImports and pods of one namespace, for the client of uploads.

It forwards the port of a pod to a port of this machine, as an API server and a kubelet do.
"""

import json
import select
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml
from websockets.frames import CloseCode, Frame, Opcode
from websockets.protocol import OPEN, SERVER, Protocol
from websockets.utils import accept_key

from support.local_server import QuietHandler, serving
from videoimport.api.labels import IMPORT, RUN, UPLOAD_SESSION

Raw = dict[str, Any]
NAMESPACE = "films"
_NUMBER = b"\x91\x1f"
"""The number of the port, as the first frame of a channel has it."""
_MOST = 2**20


class UploadCluster:
    """The state of the cluster. A test changes it while the server runs."""

    def __init__(self, folder: Path) -> None:
        self.videos: dict[str, Raw] = {}
        self.pods: list[Raw] = []
        self.ports: dict[str, int] = {}
        """Ports of this machine by the name of the pod. A pod without one gets no response to its port-forward."""
        self.forward_status = 0
        """The status that refuses each port-forward. 0 accepts it."""
        self.forwarded: list[str] = []
        """Names of the pods whose port was asked for."""
        self.refused: set[str] = set()
        """Kinds for which the user has no right."""
        self.before_create: Callable[[Raw], object] = lambda _: None
        self.before_forward: Callable[[str], object] = lambda _: None
        self.kubeconfig = folder / "kubeconfig"
        self.lock = threading.Lock()

    def serve_run(self, name: str, run: int, port: int) -> None:
        """Add a pod that the Job of a run controls, and let the status show the run."""
        found = self.videos[name]
        token = found["metadata"]["annotations"][UPLOAD_SESSION]
        job = {"name": f"{name}-{run}", "uid": f"job-{name}-{run}"}
        found["status"] = {"phase": "Downloading", "run": run, "job": job, "uploadSession": {"tokenSha256": token}}
        self.pods.append(build_pod(name, run, owner=job))
        self.ports[self.pods[-1]["metadata"]["name"]] = port

    def create(self, manifest: Raw) -> Raw | None:
        """Add a VideoImport. Return None if there is one of this name."""
        name = manifest["metadata"]["name"]
        with self.lock:
            if name in self.videos:
                return None
            facts = {"uid": f"uid-{name}", "namespace": NAMESPACE, "generation": 1}
            self.videos[name] = manifest | {"metadata": manifest["metadata"] | facts}
            return self.videos[name]


def build_pod(name: str, run: int, owner: Raw | None, called: str = "") -> Raw:
    """Return a running pod with the labels of a worker. ``owner`` is the Job that controls the pod, if one does."""
    called = called or f"{name}-{run}-abcde"
    controller = {"apiVersion": "batch/v1", "kind": "Job", "controller": True}
    return {
        "metadata": {
            "name": called,
            "uid": f"uid-{called}",
            "labels": {IMPORT: name, RUN: str(run)},
            "creationTimestamp": "2026-01-01T00:00:00Z",
            "ownerReferences": [controller | owner] if owner else [],
        },
        "status": {"phase": "Running", "containerStatuses": [{"name": "worker", "state": {"running": {}}}]},
    }


def write_kubeconfig(path: Path, port: int, **cluster: Any) -> None:
    """Write the kubeconfig of an API server at a port of this machine. Its context is ``one``. ``cluster`` has more
    fields of the cluster."""
    given = {"server": f"http://127.0.0.1:{port}"} | cluster
    config = {
        "current-context": "one",
        "contexts": [{"name": "one", "context": {"cluster": "c", "user": "u", "namespace": NAMESPACE}}],
        "clusters": [{"name": "c", "cluster": given}],
        "users": [{"name": "u", "user": {"token": "very-secret"}}],
    }
    path.write_text(yaml.safe_dump(config))


@contextmanager
def upload_cluster(folder: Path) -> Iterator[UploadCluster]:
    """Serve a cluster inside the ``with`` block. Its kubeconfig lies in the folder."""
    cluster = UploadCluster(folder)
    handler = type("Handler", (_Handler,), {"cluster": cluster})
    with serving(handler) as port:
        write_kubeconfig(cluster.kubeconfig, port)
        yield cluster


class _Handler(QuietHandler):
    cluster: UploadCluster
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        *_, kind, name = urlsplit(self.path).path.split("/")
        if {kind, name} & self.cluster.refused:
            self._answer(403, {"message": f"{kind} is forbidden"})
        elif name == "portforward":
            self._forward(kind)
        elif name == "pods":
            self._answer(200, {"items": self.cluster.pods})
        elif kind == "videoimports" and name in self.cluster.videos:
            self._answer(200, self.cluster.videos[name])
        else:
            self._answer(404, {"message": f"{kind} {name} not found", "details": {"name": name}})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path.endswith("/selfsubjectaccessreviews"):
            asked = body["spec"]["resourceAttributes"]
            self._answer(201, {"status": {"allowed": asked["resource"] not in self.cluster.refused}})
        elif "dryRun=All" in self.path:
            self._answer(201, body)
        else:
            self.cluster.before_create(body)
            created = self.cluster.create(body)
            exists = {"message": "the import exists", "reason": "AlreadyExists"}
            self._answer(201 if created else 409, created or exists)

    def do_PATCH(self) -> None:
        metadata = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["metadata"]
        found = self.cluster.videos[self.path.rpartition("/")[2]]
        found["metadata"].setdefault("annotations", {}).update(metadata["annotations"])
        self._answer(200, found)

    def _answer(self, status: int, body: Raw) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _forward(self, pod: str) -> None:
        self.cluster.before_forward(pod)
        self.cluster.forwarded.append(pod)
        self.close_connection = True
        if self.cluster.forward_status:
            self._answer(self.cluster.forward_status, {})
            return
        if pod not in self.cluster.ports:
            self.connection.recv(1)  # until the client gives up
            return
        self.send_response(101)
        self.send_header("Upgrade", "websocket")
        self.send_header("Connection", "Upgrade")
        self.send_header("Sec-WebSocket-Accept", accept_key(self.headers["Sec-WebSocket-Key"]))
        self.send_header("Sec-WebSocket-Protocol", "v4.channel.k8s.io")
        self.end_headers()
        with socket.create_connection(("127.0.0.1", self.cluster.ports[pod])) as target:
            _pump(self.connection, target)


def _pump(client: socket.socket, target: socket.socket) -> None:
    """Carry bytes between the frames of channel 0 and a port, until one of both ends."""
    protocol = Protocol(SERVER, state=OPEN, max_size=None)
    for channel in (b"\x00", b"\x01"):
        protocol.send_binary(channel + _NUMBER)
    while protocol.state is OPEN:
        for data in protocol.data_to_send():
            client.sendall(data)
        readable, _, _ = select.select([client, target], (), ())
        if target in readable:
            answer = target.recv(_MOST)
            protocol.send_binary(b"\x00" + answer) if answer else protocol.send_close(CloseCode.NORMAL_CLOSURE)
        if client in readable:
            data = client.recv(_MOST)
            protocol.receive_data(data) if data else protocol.receive_eof()
            for frame in protocol.events_received():
                if isinstance(frame, Frame) and frame.opcode is Opcode.BINARY and frame.data[0] == 0:
                    target.sendall(frame.data[1:])
            if not data:
                return
    for data in protocol.data_to_send():
        client.sendall(data)
