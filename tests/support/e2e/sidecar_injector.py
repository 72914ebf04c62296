"""Stands for a service mesh: a mutating webhook that adds a container which never ends to the pods of a namespace.

It is configured as Istio's is: by a label of the namespace, and not for pods whose label asks for none. It fails open,
so that its end stops no pod. The API server runs on this machine, and so reaches it on loopback.
"""

import base64
import contextlib
import json
import ssl
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

SIDECAR = "mesh-proxy"
INJECT = "sidecar.istio.io/inject"
injected: list[tuple[str, str]] = []
"""The labels of the pods that got a sidecar, one after the other."""


@contextlib.contextmanager
def serving(folder: Path) -> Iterator[dict[str, Any]]:
    """While the block lasts; yields the ``clientConfig`` by which the API server reaches it."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    words = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"]
    words += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(["openssl", *words], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Injector)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        bundle = base64.b64encode(certificate.read_bytes()).decode()
        yield {"url": f"https://127.0.0.1:{server.server_port}/inject", "caBundle": bundle}
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def configuration(namespace: str, client: dict[str, Any]) -> dict[str, Any]:
    """The MutatingWebhookConfiguration for pods of this namespace alone."""
    webhook = {
        "name": "inject.mesh.example",
        "clientConfig": client,
        "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}],
        "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
        "objectSelector": {"matchExpressions": [{"key": INJECT, "operator": "NotIn", "values": ["false"]}]},
        "failurePolicy": "Ignore",
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
        "timeoutSeconds": 5,
    }
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "MutatingWebhookConfiguration",
        "metadata": {"name": namespace},
        "webhooks": [webhook],
    }


class _Injector(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["request"]
        injected.extend(request["object"]["metadata"]["labels"].items())
        image = request["object"]["spec"]["containers"][0]["image"]
        sidecar = {"name": SIDECAR, "image": image, "command": ["sleep", "3600"]}
        patch = [{"op": "add", "path": "/spec/containers/0", "value": sidecar}]
        answer = {
            "uid": request["uid"],
            "allowed": True,
            "patchType": "JSONPatch",
            "patch": base64.b64encode(json.dumps(patch).encode()).decode(),
        }
        review = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": answer}
        body = json.dumps(review).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass
