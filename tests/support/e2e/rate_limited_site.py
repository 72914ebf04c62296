"""A site that answers 429: rate_limited_server.py in a pod of the worker's image, which has a Python."""

import re
import subprocess
from pathlib import Path

from demo.kubectl import Kubectl
from demo.places import image_tag
from support.e2e.cluster_state import apply
from support.e2e.manifests import SITE, Manifest
from support.e2e.rate_limited_server import TAKES

__all__ = ["TAKES", "URL", "answers", "put_up"]

NAME = "limited"
URL = f"http://{NAME}.e2e.svc.cluster.local"
_SERVER = Path(__file__).resolve().with_name("rate_limited_server.py")
_LINE = re.compile(r"^(\d+\.\d+) (\d{3}) /\S*$", re.MULTILINE)


def put_up(kubectl: Kubectl) -> None:
    """The site, ready, with one small clip under every address."""
    for manifest in _manifests():
        apply(kubectl, manifest)
    words = kubectl.argv("rollout", "status", f"deployment/{NAME}", "--timeout", "60s")
    subprocess.run(words, check=True, capture_output=True)


def _manifests() -> list[Manifest]:
    labels = {"app": NAME}
    return [
        {
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": NAME},
            "data": {_SERVER.name: _SERVER.read_text()},
        },
        {
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": NAME},
            "spec": {
                "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels}, "spec": _pod()},
            },
        },
        {
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": NAME},
            "spec": {"selector": labels, "ports": [{"port": 80, "targetPort": 8080}]},
        },
    ]  # fmt: skip


def _pod() -> Manifest:
    container = {
        "name": "site",
        "image": f"videoimport-worker:{image_tag('worker')}",
        "command": ["/opt/videoimport/bin/python", f"/site/{_SERVER.name}", f"{SITE}/clips/1.mp4", "8080"],
        "readinessProbe": {"tcpSocket": {"port": 8080}, "periodSeconds": 1},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [{"name": "site", "mountPath": "/site"}],
    }
    return {
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 1,
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container],
        "volumes": [{"name": "site", "configMap": {"name": NAME}}],
    }


def answers(kubectl: Kubectl) -> list[tuple[float, int]]:
    """When each request came, in seconds since 1970, and the status it was answered with, in order."""
    said = subprocess.run(kubectl.argv("logs", f"deployment/{NAME}"), check=True, capture_output=True, text=True).stdout
    return sorted((float(at), int(status)) for at, status in _LINE.findall(said))
