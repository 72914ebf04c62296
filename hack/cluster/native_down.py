"""Remove the native cluster from any state, until only the cache is left."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cluster import cgroups, mounts, nodenet, processes
from cluster.errors import ClusterError
from cluster.folders import Folders
from cluster.processes import Identity
from cluster.steps import Step

# nsenter is what a process of the node's network is until it has become the program itself.
PROGRAMS = (
    *("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy"),
    *("containerd", "containerd-shim-runc-v2", "nsenter"),
)
CNI_RESULTS = Path("/var/lib/cni/results")
CONTAINER_LOGS = Path("/var/log/containers")
# The kubelet contacts device plug-ins here, whatever its own folder is.
DEVICE_PLUGINS = Path("/var/lib/kubelet/device-plugins")


@dataclass(frozen=True)
class NativeDown:
    """The steps that remove a cluster."""

    folders: Folders

    def steps(self, *, root: bool) -> list[Step]:
        """Return the steps in an order in which no process restarts an ended process. Without root there is no node to
        remove."""
        return [
            self._step("components", self._components),
            *([self._step("pods", self._pods), self._step("mounts and network", self._network)] if root else []),
            self._step("state", self._state),
        ]

    def _step(self, title: str, action: Callable[[Path], str | None]) -> Step:
        # The state, logs included, is removed at the end, so that logs of earlier failures stay readable.
        return Step(title, self.folders.logs / "down.log", action)

    def _components(self, _log: Path) -> str:
        """End kubelet and containerd first and at once, because they would restart the pods."""
        files = sorted(self.folders.pids.glob("*.json"), key=lambda file: file.stem not in ("kubelet", "containerd"))
        known = [identity for file in files if (identity := processes.recorded(file)) and identity.alive]
        processes.stop(known)
        rest = self._stray()
        processes.kill(rest)
        return f"{len(known) + len(rest)} ended"

    def _stray(self) -> list[Identity]:
        return list(processes.started_below((self.folders.state, self.folders.run), PROGRAMS))

    def _pods(self, _log: Path) -> str:
        """End every process in the node's control group. A shim of containerd runs on after containerd ends."""
        pods = list(cgroups.members(self.folders.cgroup))
        processes.kill([*self._stray(), *pods])
        if not cgroups.remove(self.folders.cgroup):
            raise ClusterError(f"processes are left in the control group {self.folders.cgroup}")
        return f"{len(pods)} processes ended"

    def _network(self, log: Path) -> None:
        mounts.unmount_below(self.folders.state, log)
        if shutil.which("iptables-save"):
            nodenet.disconnect(self.folders, log)
        mounts.unmount_below(self.folders.run, log)
        shutil.rmtree(self.folders.run, ignore_errors=True)
        self._builder(log)
        self._leftovers()

    def _builder(self, log: Path) -> None:
        """Remove the mounts of a killed build. The mounts of a running build stay, because it may be for another
        cluster."""
        builder = self.folders.cache / "builder"
        if not any(processes.started_below((builder,), ("buildah",))):
            mounts.unmount_below(builder, log)

    def _leftovers(self) -> None:
        """Remove the files of kubelet and CNI in system folders. These folders cannot be chosen."""
        for result in CNI_RESULTS.glob("*"):
            if f"{self.folders.run}/" in result.read_text(errors="replace"):
                result.unlink()
        for link in CONTAINER_LOGS.glob("*.log"):
            if self.folders.state in link.readlink().parents:
                link.unlink()
        if DEVICE_PLUGINS.is_dir() and not list(Path("/sys/class/net").glob("vi-*")):
            _remove_own_device_folder()

    def _state(self, _log: Path) -> None:
        shutil.rmtree(self.folders.state, ignore_errors=False)


def _remove_own_device_folder() -> None:
    """Remove the folder of device plugins, if no other kubelet of the machine left files there."""
    others = [entry for entry in DEVICE_PLUGINS.parent.iterdir() if entry != DEVICE_PLUGINS]
    if not others:
        shutil.rmtree(DEVICE_PLUGINS.parent)
