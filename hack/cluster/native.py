"""The native provider: etcd, the Kubernetes programs and a separate containerd run as processes of this machine."""

import os
import platform
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from cluster import cgroups, estimate, images, packages, processes, report
from cluster.errors import ClusterError
from cluster.folders import Folders
from cluster.kubectl import needed_tools
from cluster.locks import alone
from cluster.native_down import NativeDown
from cluster.native_up import NativeUp
from cluster.providers import UpOptions
from cluster.steps import Step, run_steps
from cluster.toolsets import COREDNS, ETCD, KUBERNETES, PAUSE, Toolbox


@dataclass(frozen=True)
class Native:
    """The provider of a cluster with a single node on this machine."""

    folders: Folders

    @property
    def toolbox(self) -> Toolbox:
        """The tools, which all clusters of the cache share."""
        return Toolbox(self.folders.cache)

    def up(self, options: UpOptions) -> None:
        """Start the cluster. Parts that already run stay."""
        only_plane = options.control_plane_only
        _check_machine(needs_root=not only_plane)
        wanted = packages.CONTROL_PLANE if only_plane else packages.NODE
        tool_sets = (ETCD, KUBERNETES, *(() if only_plane else (*needed_tools(), COREDNS, PAUSE)))
        estimate.confirm(wanted, tool_sets, self.toolbox)
        going_up = NativeUp(self.folders, self.toolbox, options.flags)
        with self._alone():
            times = os.environ.get("VIDEOIMPORT_STEP_TIMES")
            run_steps(
                [
                    *going_up.preparation(wanted, tool_sets),
                    *going_up.control_plane(),
                    *(() if only_plane else going_up.whole_node()),
                ],
                times=Path(times) if times else None,
            )

    def down(self) -> None:
        """Remove the cluster, also if only parts of it exist."""
        is_root = os.geteuid() == 0
        if self.folders.run.exists() and not is_root:
            raise ClusterError("this cluster has a node: taking it down needs root")
        if not (self.folders.state.exists() or self.folders.run.exists()):
            raise ClusterError(f"there is no cluster {self.folders.name!r}")
        with self._alone():
            run_steps(NativeDown(self.folders).steps(root=is_root))

    def load_image(self, reference: str) -> None:
        """Copy an image from the builder's storage to the cluster's containerd."""
        _check_machine(needs_root=True)
        node = NativeUp(self.folders, self.toolbox).node
        if not processes.running(self.folders.pids, "containerd"):
            raise ClusterError(f"the cluster {self.folders.name!r} has no node that is up: run `up` first")
        step = Step(
            f"load {reference}", self.folders.logs / "load-image.log", lambda log: images.load(node, reference, log)
        )
        run_steps([step])

    def kubeconfig(self) -> Path:
        """Return the path of the administrator's kubeconfig."""
        if not processes.running(self.folders.pids, "kube-apiserver"):
            raise ClusterError(f"the cluster {self.folders.name!r} is not up: run `up`")
        return self.folders.admin_kubeconfig

    def status(self) -> bool:
        """Print a table of the components."""
        return report.show(self.folders)

    def _alone(self) -> AbstractContextManager[None]:
        """Run only one `up` or `down` at a time for a cluster. The lock is beside the state folder, which `down`
        removes."""
        return alone(self.folders.clusters / f".{self.folders.name}.lock")


def _check_machine(*, needs_root: bool) -> None:
    """Raise ClusterError at once if the machine cannot run the cluster."""
    if platform.system() != "Linux":
        raise ClusterError("the native provider needs Linux; use --provider existing with a cluster of your own")
    if needs_root and os.geteuid() != 0:
        raise ClusterError(
            "a node needs root: run it with sudo, use `up --control-plane-only`, or --provider existing --context NAME"
        )
    if needs_root and not cgroups.hierarchies():
        raise ClusterError("a node needs control groups below /sys/fs/cgroup, and there are none")
