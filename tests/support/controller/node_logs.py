"""The log endpoint of a kubelet, as the API server asks it for ``kubectl logs``: files served over HTTPS.

It shows the API server's own certificate, which names 127.0.0.1 and is signed by the authority that the API server
trusts kubelets by.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path

from support.controller.api_server import MERGE, ApiServer, Raw
from support.local_server import QuietHandler, serving, tls_of

ADDRESS = "127.0.0.1"


@dataclass
class NodeLogs:
    """Serves the log of a pod's one container from ``path(namespace, pod)``, always whole; 404 when there is none."""

    api: ApiServer
    folder: Path
    shown: Callable[[str, bytes], bytes | None] = lambda _pod, content: content
    """What is answered instead of a pod's log; None for 404."""
    port: int = 0

    def path(self, namespace: str, pod: str) -> Path:
        """Where a pod's log is to be written."""
        return self.folder / f"{namespace}_{pod}.log"

    @contextmanager
    def serving(self) -> Iterator["NodeLogs"]:
        """While the block lasts."""
        pki = self.api.kubeconfig.parent / "pki"
        tls = tls_of(pki / "apiserver.crt", pki / "apiserver.key")
        with serving(self._handler(), ADDRESS, tls=tls) as self.port:
            yield self

    def node(self, name: str) -> Raw:
        """Make a node whose kubelet this is."""
        self.api.call("POST", "/api/v1/nodes", {"metadata": {"name": name}})
        return self.api.call("PATCH", f"/api/v1/nodes/{name}/status", {"status": self.status()}, headers=MERGE)

    def status(self) -> Raw:
        """Of such a node: ready, roomy, and here to be asked."""
        room = {"cpu": "1k", "memory": "1Ti", "ephemeral-storage": "100Ti", "pods": "1M"}
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        ready = {"type": "Ready", "status": "True", "reason": "Acting", "lastHeartbeatTime": now}
        return {
            "conditions": [ready],
            "addresses": [{"type": "InternalIP", "address": ADDRESS}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": self.port}},
            "capacity": room,
            "allocatable": room,
        }

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        logs = self

        class Handler(QuietHandler):
            def do_GET(self) -> None:
                what, *rest = self.path.partition("?")[0].strip("/").split("/")
                file = logs.path(rest[0], rest[1]) if what == "containerLogs" and len(rest) == 3 else None
                content = logs.shown(rest[1], file.read_bytes()) if file and file.exists() else None
                self.send_response(404 if content is None else 200)
                self.send_header("Content-Length", str(len(content or b"")))
                self.end_headers()
                self.wfile.write(content or b"")

        return Handler
