"""The provider for the user's own cluster, named by a context of their kubeconfig. This provider changes
nothing there."""

import hashlib
import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from cluster import files
from cluster.commands import output
from cluster.errors import ClusterError
from cluster.providers import UpOptions


@dataclass(frozen=True)
class Existing:
    """A context that the user named."""

    cache: Path
    context: str | None

    def up(self, options: UpOptions) -> None:
        """Check that the cluster answers."""
        if options.control_plane_only:
            raise ClusterError("--control-plane-only makes a cluster of its own: use --provider native")
        if not self.status():
            raise ClusterError(f"the cluster of context {self.context!r} has no node that is ready")

    def down(self) -> None:
        """Leave the cluster unchanged."""
        print("the cluster is yours: nothing was touched")

    def load_image(self, reference: str) -> None:
        """Raise ClusterError, because there is no common way to load an image into the nodes of a cluster."""
        raise ClusterError(
            f"{reference} cannot be put into a cluster of your own. "
            "Push it to a registry that the cluster can pull from, and set that name in the chart's values"
        )

    def kubeconfig(self) -> Path:
        """Return the path of a kubeconfig that contains only this context."""
        text = self._kubectl("config", "view", "--minify", "--flatten")
        target = self.cache / "existing" / f"{hashlib.sha256(str(self.context).encode()).hexdigest()[:12]}.kubeconfig"
        files.write(target, text, secret=True)
        return target

    def status(self) -> bool:
        """Print the state of the cluster. Return whether at least one node is ready."""
        version = json.loads(self._kubectl("version", "--output=json", "--request-timeout=10s"))
        nodes = json.loads(self._kubectl("get", "nodes", "--output=json", "--request-timeout=10s"))["items"]
        ready = [node["metadata"]["name"] for node in nodes if is_ready(node)]
        print(f"context {self.context}: Kubernetes {version['serverVersion']['gitVersion']}")
        print(f"nodes ready: {len(ready)} of {len(nodes)} ({', '.join(ready) or 'none'})")
        return bool(ready)

    def _kubectl(self, *arguments: str) -> str:
        if not self.context:
            raise ClusterError("--provider existing needs --context NAME; `kubectl config get-contexts` lists them")
        if shutil.which("kubectl") is None:
            raise ClusterError("--provider existing needs kubectl on the path")
        return output(["kubectl", f"--context={self.context}", *arguments])


def is_ready(node: dict[str, dict[str, list[dict[str, str]]]]) -> bool:
    """Return whether a node's Ready condition is true."""
    return any(said["type"] == "Ready" and said["status"] == "True" for said in node["status"].get("conditions", []))
