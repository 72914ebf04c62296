"""Taking the native cluster down: from whatever state it is in, until nothing of it is left but the cache."""

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
    """The steps down."""

    folders: Folders

    def steps(self, *, root: bool) -> list[Step]:
        """In an order in which no process restarts one that was ended; without root there can be no node."""
        return [
            self._step("components", self._components),
            *([self._step("pods", self._pods), self._step("mounts and network", self._network)] if root else []),
            self._step("state", self._state),
        ]

    def _step(self, title: str, action: Callable[[Path], str | None]) -> Step:
        # The state, logs included, is removed at the end, so that logs of earlier failures stay readable.
        return Step(title, self.folders.logs / "down.log", action)

    def _components(self, _log: Path) -> str:
        """kubelet and containerd first and at once, or they would restart the pods."""
        files = sorted(self.folders.pids.glob("*.json"), key=lambda file: file.stem not in ("kubelet", "containerd"))
        known = [identity for file in files if (identity := processes.recorded(file)) and identity.alive]
        processes.stop(known)
        rest = self._stray()
        processes.kill(rest)
        return f"{len(known) + len(rest)} ended"

    def _stray(self) -> list[Identity]:
        return list(processes.started_below((self.folders.state, self.folders.run), PROGRAMS))

    def _pods(self, _log: Path) -> str:
        """Whatever runs in the node's control group; a shim outlives its containerd by design."""
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
        """A build that was killed leaves its mounts; one that runs, perhaps for another cluster, keeps them."""
        builder = self.folders.cache / "builder"
        if not any(processes.started_below((builder,), ("buildah",))):
            mounts.unmount_below(builder, log)

    def _leftovers(self) -> None:
        """What kubelet and CNI keep in folders of the system, because those cannot be chosen."""
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
    """Only where no other kubelet of the machine left anything of its own."""
    others = [entry for entry in DEVICE_PLUGINS.parent.iterdir() if entry != DEVICE_PLUGINS]
    if not others:
        shutil.rmtree(DEVICE_PLUGINS.parent)
