"""The files that containerd, the kubelet and kube-proxy read: pure text from what is known of cluster and machine."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cluster import files
from cluster.addresses import Addresses
from cluster.folders import Folders

CNI_PLUGINS = "/usr/lib/cni"
CAP_SYS_RESOURCE = 24


@dataclass(frozen=True)
class NodeFiles:
    """The node's configuration; `pause` is the image that holds a pod's namespaces."""

    folders: Folders
    addresses: Addresses
    pause: str

    @property
    def containerd_toml(self) -> Path:
        """containerd's configuration."""
        return self.folders.state / "containerd.toml"

    @property
    def cni(self) -> Path:
        """The folder with the pods' network."""
        return self.folders.state / "cni"

    @property
    def kubelet_yaml(self) -> Path:
        """The kubelet's configuration."""
        return self.folders.state / "kubelet.yaml"

    @property
    def proxy_yaml(self) -> Path:
        """kube-proxy's configuration."""
        return self.folders.state / "kube-proxy.yaml"

    @property
    def resolv_conf(self) -> Path:
        """The name servers of pods that use the node's, CoreDNS before all."""
        return self.folders.state / "resolv.conf"

    def write(self, *, lowers_oom_score: bool, resolv_conf: str) -> None:
        """Write all of them."""
        files.write(self.containerd_toml, containerd_config(self, lowers_oom_score))
        files.write(self.cni / "10-pods.conflist", _json(pod_network(self)))
        files.write(self.kubelet_yaml, _json(kubelet_config(self)))
        files.write(self.proxy_yaml, _json(proxy_config(self)))
        files.write(self.resolv_conf, resolv_conf)


def containerd_config(node: NodeFiles, lowers_oom_score: bool) -> str:
    """A separate containerd. Network namespaces are below its state, so that `down` finds each by its path."""
    folders = node.folders
    return f"""version = 2
root = "{folders.state}/containerd"
state = "{folders.run}/containerd"
disabled_plugins = [
  "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs",
]
[grpc]
address = "{folders.containerd_socket}"
[plugins."io.containerd.internal.v1.opt"]
path = "{folders.state}/containerd/opt"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{node.pause}"
# Without CAP_SYS_RESOURCE a lower score cannot be set, and every sandbox would die of trying.
restrict_oom_score_adj = {str(not lowers_oom_score).lower()}
netns_mounts_under_state_dir = true
[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "overlayfs"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
SystemdCgroup = false
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "{CNI_PLUGINS}"
conf_dir = "{node.cni}"
"""


def pod_network(node: NodeFiles) -> dict[str, object]:
    """A routed cable to each pod: unlike on a bridge, every packet passes kube-proxy's rules without br_netfilter."""
    ipam = {
        "type": "host-local",
        "dataDir": f"{node.folders.run}/ipam",
        "ranges": [[{"subnet": str(node.addresses.pods)}]],
        "routes": [{"dst": "0.0.0.0/0"}],
    }
    cable = {"type": "ptp", "ipMasq": False, "ipam": ipam}
    return {
        "cniVersion": "0.4.0",
        "name": node.folders.cgroup,
        "plugins": [cable, {"type": "portmap", "capabilities": {"portMappings": True}}],
    }


def kubelet_config(node: NodeFiles) -> dict[str, object]:
    """Eviction only when next to nothing is left, so that a nearly full disk does not taint a developer's node."""
    folders = node.folders
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(folders.pki / "ca.crt")},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": str(folders.pki / "kubelet-server.crt"),
        "tlsPrivateKeyFile": str(folders.pki / "kubelet-server.key"),
        "containerRuntimeEndpoint": f"unix://{folders.containerd_socket}",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{folders.cgroup}",
        "failCgroupV1": False,
        "failSwapOn": False,
        "clusterDomain": "cluster.local",
        "clusterDNS": [node.addresses.dns_service],
        "resolvConf": str(node.resolv_conf),
        "podLogsDir": str(folders.state / "pod-logs"),
        "volumePluginDir": str(folders.state / "volume-plugins"),
        "evictionHard": {
            "memory.available": "100Mi",
            "nodefs.available": "1%",
            "nodefs.inodesFree": "1%",
            "imagefs.available": "1%",
        },
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        "makeIPTablesUtilChains": False,
        "maxPods": 250,
        "oomScoreAdj": 0,
        "serializeImagePulls": False,
    }


def proxy_config(node: NodeFiles) -> dict[str, object]:
    """The connection-tracking limits are the machine's and not the node's to change: 0 leaves them alone."""
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "iptables",
        "clusterCIDR": str(node.addresses.pods),
        "hostnameOverride": node.folders.name,
        "clientConnection": {"kubeconfig": str(node.folders.state / "kube-proxy.kubeconfig")},
        "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
    }


def can_lower_oom_score(status: str) -> bool:
    """Read from /proc/self/status: whether CAP_SYS_RESOURCE is in effect."""
    effective = next(line.split()[1] for line in status.splitlines() if line.startswith("CapEff:"))
    return bool(int(effective, 16) >> CAP_SYS_RESOURCE & 1)


def upstream_resolvers(candidates: Sequence[str]) -> str:
    """The first resolv.conf whose name servers a pod can reach too: a loopback address is only this machine's."""
    for text in candidates:
        lines = [line for line in text.splitlines() if not line.startswith("nameserver 127.")]
        if any(line.startswith("nameserver ") for line in lines):
            return "\n".join(lines) + "\n"
    return ""


def _json(content: dict[str, object]) -> str:
    """JSON is YAML too, and the standard library writes no other."""
    return json.dumps(content, indent=2) + "\n"
