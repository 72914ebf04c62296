"""Write kubeconfigs that contain their certificates, so that a client needs only one file.

The files are JSON, which is also YAML, because the standard library writes no YAML.
"""

import base64
import json
from pathlib import Path

from cluster import files


def write(target: Path, *, cluster: str, server: str, pki: Path, user: str) -> None:
    """Write a kubeconfig for the client certificate of `user`. Only the owner of the file can read it."""

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
