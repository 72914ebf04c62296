"""Paths of the cache, which all clusters share, and of the state folder of each cluster."""

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
    """Return VIDEOIMPORT_CACHE, or `videoimport` in the user's cache folder."""
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
        """The folder with the state of every cluster of this cache."""
        return self.cache / "clusters"

    @property
    def state(self) -> Path:
        """The folder with all files of this cluster except its sockets."""
        return self.clusters / self.name

    @property
    def run(self) -> Path:
        """The folder of sockets and namespaces. The path is short. A restart of the machine removes the folder."""
        return Path("/run/videoimport") / self.name

    @property
    def logs(self) -> Path:
        """The folder with a log file for each step and each component."""
        return self.state / "logs"

    @property
    def pids(self) -> Path:
        """The folder with one file for each started process."""
        return self.state / "pids"

    @property
    def pki(self) -> Path:
        """The folder of certificates and private keys."""
        return self.state / "pki"

    @property
    def addresses(self) -> Path:
        """The file with the chosen ports and networks."""
        return self.state / "addresses.json"

    @property
    def admin_kubeconfig(self) -> Path:
        """The administrator's kubeconfig, which `kubeconfig` prints."""
        return self.state / "kubeconfig"

    @property
    def interface(self) -> str:
        """The host's end of the veth pair to the node. The name has at most 15 characters and is different for each
        cluster."""
        plain = f"vi-{self.name}"
        return plain if len(plain) <= 15 else f"vi-{hashlib.sha256(self.name.encode()).hexdigest()[:12]}"

    @property
    def cgroup(self) -> str:
        """The control group of all processes that run on the node."""
        return f"videoimport-{self.name}"

    @property
    def node_netns(self) -> Path:
        """The node's network namespace."""
        return self.run / "netns"

    @property
    def containerd_socket(self) -> Path:
        """The address of the cluster's own containerd."""
        return self.run / "containerd.sock"
