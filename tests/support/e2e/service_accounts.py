"""Kubeconfigs of service accounts, as a person would give them to others."""

import subprocess
from pathlib import Path

import yaml

from demo.kubectl import Kubectl
from support.e2e.cluster_state import apply

_RBAC = "rbac.authorization.k8s.io"


def write_kubeconfig(kubectl: Kubectl, name: str, role: str, path: Path) -> Path:
    """A kubeconfig whose user has one ClusterRole in the namespace, and nothing else."""
    subject = {"kind": "ServiceAccount", "name": name, "namespace": kubectl.namespace}
    apply(kubectl, {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}})
    binding = {"apiVersion": f"{_RBAC}/v1", "kind": "RoleBinding", "metadata": {"name": name}, "subjects": [subject]}
    apply(kubectl, binding | {"roleRef": {"apiGroup": _RBAC, "kind": "ClusterRole", "name": role}})
    words = kubectl.argv("create", "token", name, "--duration", "2h")
    token = subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()
    config = yaml.safe_load(Path(kubectl.kubeconfig).read_text())
    [cluster] = [one for one in config["clusters"] if one["name"] == _context(config)["cluster"]]
    context = {"cluster": cluster["name"], "user": name, "namespace": kubectl.namespace}
    whole = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": name,
        "clusters": [cluster],
        "users": [{"name": name, "user": {"token": token}}],
        "contexts": [{"name": name, "context": context}],
    }
    path.write_text(yaml.safe_dump(whole))
    path.chmod(0o600)
    return path


def _context(config: dict[str, list[dict[str, dict[str, str]]]]) -> dict[str, str]:
    return next(one["context"] for one in config["contexts"] if one["name"] == config["current-context"])
