"""Return the command lines of the node's processes, and import the images that the node needs before it can
run a pod."""

from dataclasses import dataclass
from pathlib import Path

from cluster import nodefiles, scratchimage
from cluster.addresses import Addresses
from cluster.commands import output, run
from cluster.folders import Folders
from cluster.nodefiles import NodeFiles
from cluster.processes import Daemon
from cluster.toolsets import COREDNS, PAUSE, Toolbox, ToolSet

SYSTEMD_RESOLVED = Path("/run/systemd/resolve/resolv.conf")


def image_of(tools: ToolSet, toolbox: Toolbox) -> str:
    """Return the reference of a tool's image. Its tag changes with the tool's pinned versions."""
    return f"videoimport.local/{tools.name}:{toolbox.key(tools)}"


@dataclass(frozen=True)
class Node:
    """The only node of a cluster. It has the name of the cluster."""

    folders: Folders
    addresses: Addresses
    toolbox: Toolbox

    @property
    def files(self) -> NodeFiles:
        """The node's configuration files."""
        return NodeFiles(self.folders, self.addresses, image_of(PAUSE, self.toolbox))

    def write_files(self) -> None:
        """Write the configuration files for this machine."""
        found = [file.read_text() for file in (Path("/etc/resolv.conf"), SYSTEMD_RESOLVED) if file.exists()]
        self.files.write(
            lowers_oom_score=nodefiles.can_lower_oom_score(Path("/proc/self/status").read_text()),
            resolv_conf=nodefiles.upstream_resolvers(found),
        )

    def containerd(self) -> Daemon:
        """Return the cluster's own containerd. It runs in the node's network namespace, like everything that
        it starts."""
        config = self.files.containerd_toml
        argv = ("containerd", f"--config={config}", "--log-level=warn")
        return Daemon("containerd", argv, reads=(config,), netns=self.folders.node_netns)

    def kubelet(self) -> Daemon:
        """Return the kubelet."""
        state, config, kubeconfig = self.folders.state, self.files.kubelet_yaml, self._kubeconfig("kubelet")
        flags = {
            "config": config,
            "kubeconfig": kubeconfig,
            "hostname-override": self.folders.name,
            "node-ip": self.addresses.node,
            "root-dir": state / "kubelet",
            "cert-dir": state / "serving-certificates" / "kubelet",
        }
        argv = (str(self.toolbox.path("kubelet")), *(f"--{flag}={value}" for flag, value in flags.items()))
        return Daemon("kubelet", argv, reads=(config, kubeconfig), netns=self.folders.node_netns)

    def proxy(self) -> Daemon:
        """Return kube-proxy, which writes its rules into the node's network namespace."""
        config, kubeconfig = self.files.proxy_yaml, self._kubeconfig("kube-proxy")
        argv = (str(self.toolbox.path("kube-proxy")), f"--config={config}")
        return Daemon("kube-proxy", argv, reads=(config, kubeconfig), netns=self.folders.node_netns)

    def ctr(self, *arguments: str) -> list[str]:
        """Return a command line for containerd's client, in the containerd namespace that the kubelet uses."""
        return ["ctr", f"--address={self.folders.containerd_socket}", "--namespace=k8s.io", *arguments]

    def images(self) -> list[str]:
        """Return the references of all images of the node."""
        return output(self.ctr("images", "list", "--quiet")).split()

    def images_with(self, config: str) -> list[str]:
        """Return the names of an image by the digest of its configuration. Empty if the node does not have the
        image."""
        if config not in self.images():
            return []
        target = _targets(output(self.ctr("images", "list")))
        return [name for name, digest in target.items() if digest == target[config]]

    def import_own_images(self, log: Path) -> str | None:
        """Import the pause image and the CoreDNS image, which are made directly from the built programs."""
        missing = [tools for tools in (PAUSE, COREDNS) if image_of(tools, self.toolbox) not in self.images()]
        for tools in missing:
            archive = self.folders.state / "images" / f"{tools.name}.tar"
            program = self.toolbox.path(tools.name)
            scratchimage.write(archive, reference=image_of(tools, self.toolbox), program=program)
            run(self.ctr("images", "import", str(archive)), log=log)
            archive.unlink()
        return None if missing else "there already"

    def _kubeconfig(self, component: str) -> Path:
        return self.folders.state / f"{component}.kubeconfig"


def _targets(table: str) -> dict[str, str]:
    """Return the digest of each image's manifest by the name of the image, from containerd's list of images."""
    rows = (line.split() for line in table.splitlines()[1:])
    return {row[0]: row[2] for row in rows}
