"""Write the files that containerd, the kubelet and kube-proxy read, from the facts about the cluster and the
machine."""

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
    """The configuration files of the node. `pause` is the image that holds a pod's namespaces."""

    folders: Folders
    addresses: Addresses
    pause: str

    @property
    def containerd_toml(self) -> Path:
        """containerd's configuration."""
        return self.folders.state / "containerd.toml"

    @property
    def cni(self) -> Path:
        """The folder with the configuration of the pod network."""
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
        """The list of name servers for pods that use the node's name servers, mainly CoreDNS."""
        return self.folders.state / "resolv.conf"

    def write(self, *, lowers_oom_score: bool, resolv_conf: str) -> None:
        """Write all files."""
        files.write(self.containerd_toml, containerd_config(self, lowers_oom_score))
        files.write(self.cni / "10-pods.conflist", _json(pod_network(self)))
        files.write(self.kubelet_yaml, _json(kubelet_config(self)))
        files.write(self.proxy_yaml, _json(proxy_config(self)))
        files.write(self.resolv_conf, resolv_conf)


def containerd_config(node: NodeFiles, lowers_oom_score: bool) -> str:
    """Return containerd's configuration. Network namespaces are below its state folder, so that `down` finds them by
    path."""
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
    """Return a pod network with a routed veth pair for each pod.

    Unlike on a bridge, every packet passes kube-proxy's rules without br_netfilter.
    """
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
    """Return the kubelet's configuration.

    Pods are evicted only when almost no space is left, so that a nearly full disk does not taint a developer's node.
    """
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
    """Return kube-proxy's configuration.

    The limits of connection tracking belong to the machine, so the node leaves them unchanged with 0.
    """
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
    """Return whether CAP_SYS_RESOURCE is in effect, from the content of /proc/self/status."""
    effective = next(line.split()[1] for line in status.splitlines() if line.startswith("CapEff:"))
    return bool(int(effective, 16) >> CAP_SYS_RESOURCE & 1)


def upstream_resolvers(candidates: Sequence[str]) -> str:
    """Return the first resolv.conf with a name server that a pod can reach. A pod cannot reach a loopback address."""
    for text in candidates:
        lines = [line for line in text.splitlines() if not line.startswith("nameserver 127.")]
        if any(line.startswith("nameserver ") for line in lines):
            return "\n".join(lines) + "\n"
    return ""


def _json(content: dict[str, object]) -> str:
    """Return YAML in the form of JSON, because the standard library writes no other YAML."""
    return json.dumps(content, indent=2) + "\n"
