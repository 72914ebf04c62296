"""The table that `status` prints."""

from dataclasses import dataclass
from pathlib import Path

from cluster import addresses, processes
from cluster.addresses import Addresses
from cluster.folders import Folders
from cluster.kubeapi import KubeApi
from cluster.native_up import ready_since

CONTROL_PLANE = ("etcd", "kube-apiserver", "kube-controller-manager")
NODE = ("kube-scheduler", "containerd", "kubelet", "kube-proxy")


@dataclass(frozen=True)
class Line:
    """The state of one component."""

    name: str
    pid: int | None
    address: str
    log: Path


def show(folders: Folders) -> bool:
    """Print where each component runs. Return whether all components run."""
    chosen = addresses.load(folders.addresses)
    if chosen is None:
        print(f"the cluster {folders.name!r} is not there")
        return False
    lines = components(folders, chosen)
    print("\n".join(table(lines)))
    api = KubeApi(f"https://127.0.0.1:{chosen.ports['api']}", folders.pki)
    state, good = node_state(api, folders)
    print(f"\nnode        {state}\npods        {chosen.pods}\nservices    {chosen.services}")
    print(f"state       {folders.state}\nkubeconfig  {folders.admin_kubeconfig}")
    return good and all(line.pid for line in lines)


def components(folders: Folders, chosen: Addresses) -> list[Line]:
    """Return the components of this cluster. The components of a node are included only if the cluster has a node."""
    has_node = (folders.state / "kubelet.yaml").exists()
    where = {
        "etcd": f"127.0.0.1:{chosen.ports['etcd']}",
        "kube-apiserver": f"127.0.0.1:{chosen.ports['api']}, {chosen.host}:{chosen.ports['api']}",
        "kube-controller-manager": f"127.0.0.1:{chosen.ports['controller_manager']}",
        "kube-scheduler": f"127.0.0.1:{chosen.ports['scheduler']}",
        "containerd": str(folders.containerd_socket),
        "kubelet": f"{chosen.node}:10250",
        "kube-proxy": f"{chosen.node}:10256",
    }
    names = (*CONTROL_PLANE, *(NODE if has_node else ()))
    running = {name: processes.running(folders.pids, name) for name in names}
    return [
        Line(name, found.pid if (found := running[name]) else None, where[name], folders.logs / f"{name}.log")
        for name in names
    ]


def table(lines: list[Line]) -> list[str]:
    """Return the lines of a table. Each column is as wide as its widest word."""
    rows = [("COMPONENT", "STATE", "PID", "ADDRESS", "LOG")]
    rows += [
        (line.name, "up" if line.pid else "down", str(line.pid or "-"), line.address, str(line.log)) for line in lines
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(word.ljust(width) for word, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def node_state(api: KubeApi, folders: Folders) -> tuple[str, bool]:
    """Return the node's state according to the API server, and whether this state is good."""
    if not api.ready:
        return "the API server does not answer", False
    if not (folders.state / "kubelet.yaml").exists():
        return "none (control plane only)", True
    node = api.read(f"/api/v1/nodes/{folders.name}")
    if node is None:
        return "not registered", False
    return ("Ready", True) if ready_since(node, None) else ("NotReady", False)
