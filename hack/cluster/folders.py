"""The folders: one cache for what is built once, one folder of state a cluster."""

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cluster.errors import ClusterError

# Linux limits the path of a Unix socket to 108 bytes; the kubelet's longest below its own folder has about 40.
LONGEST_STATE_PATH = 68


def cache_folder(env: Mapping[str, str] = os.environ) -> Path:
    """VIDEOIMPORT_CACHE, else `videoimport` in the user's cache folder."""
    if chosen := env.get("VIDEOIMPORT_CACHE"):
        return Path(chosen).absolute()
    base = env.get("XDG_CACHE_HOME") or str(Path(env.get("HOME", "/root")) / ".cache")
    return Path(base).absolute() / "videoimport"


@dataclass(frozen=True)
class Folders:
    """The folders of one cluster."""

    cache: Path
    name: str

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z]([a-z0-9-]{0,18}[a-z0-9])?", self.name):
            raise ClusterError(f"{self.name!r} cannot name a cluster: use up to 20 of a-z, 0-9 and '-'")
        if len(str(self.state)) > LONGEST_STATE_PATH:
            raise ClusterError(
                f"{self.state} is too long a path for the sockets in it: set VIDEOIMPORT_CACHE to a shorter"
            )

    @property
    def clusters(self) -> Path:
        """The state of every cluster of this cache."""
        return self.cache / "clusters"

    @property
    def state(self) -> Path:
        """Everything of this cluster but its sockets."""
        return self.clusters / self.name

    @property
    def run(self) -> Path:
        """Sockets and namespaces: short, and gone after a restart of the machine."""
        return Path("/run/videoimport") / self.name

    @property
    def logs(self) -> Path:
        """A log file for each step and each component."""
        return self.state / "logs"

    @property
    def pids(self) -> Path:
        """One file for each process that was started."""
        return self.state / "pids"

    @property
    def pki(self) -> Path:
        """Certificates and keys."""
        return self.state / "pki"

    @property
    def addresses(self) -> Path:
        """The ports and networks that were chosen."""
        return self.state / "addresses.json"

    @property
    def admin_kubeconfig(self) -> Path:
        """What `kubeconfig` prints."""
        return self.state / "kubeconfig"

    @property
    def interface(self) -> str:
        """The host's end of the veth pair to the node: at most 15 characters, distinct for each name."""
        plain = f"vi-{self.name}"
        return plain if len(plain) <= 15 else f"vi-{hashlib.sha256(self.name.encode()).hexdigest()[:12]}"

    @property
    def cgroup(self) -> str:
        """The control group above everything that runs on the node."""
        return f"videoimport-{self.name}"

    @property
    def node_netns(self) -> Path:
        """The node's network namespace."""
        return self.run / "netns"

    @property
    def containerd_socket(self) -> Path:
        """The address of the cluster's own containerd."""
        return self.run / "containerd.sock"
