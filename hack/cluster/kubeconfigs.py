"""Kubeconfigs that carry their certificates in themselves, so that one file is all a client needs.

They are written as JSON, which is YAML too, since the standard library writes no YAML.
"""

import base64
import json
from pathlib import Path

from cluster import files


def write(target: Path, *, cluster: str, server: str, pki: Path, user: str) -> None:
    """A kubeconfig for the client certificate called `user`, readable by its owner only."""

    def inline(name: str) -> str:
        return base64.b64encode((pki / name).read_bytes()).decode()

    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": cluster,
        "clusters": [{"name": cluster, "cluster": {"server": server, "certificate-authority-data": inline("ca.crt")}}],
        "users": [
            {
                "name": user,
                "user": {
                    "client-certificate-data": inline(f"{user}.crt"),
                    "client-key-data": inline(f"{user}.key"),
                },
            }
        ],
        "contexts": [{"name": cluster, "context": {"cluster": cluster, "user": user}}],
    }
    files.write(target, json.dumps(content, indent=2) + "\n", secret=True)
