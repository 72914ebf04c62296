"""Return the command lines of the control plane. The functions are pure, with one function for each component."""

from dataclasses import dataclass
from pathlib import Path

from cluster.addresses import Addresses
from cluster.folders import Folders
from cluster.processes import Daemon
from cluster.providers import Flag
from cluster.toolsets import Toolbox


@dataclass(frozen=True)
class ControlPlane:
    """Facts that all components need."""

    folders: Folders
    addresses: Addresses
    tools: Toolbox
    flags: tuple[Flag, ...] = ()
    """Additional flags of the components. A flag that a component already has gets this value instead."""

    @property
    def server(self) -> str:
        """The URL of the API server for users on this machine."""
        return f"https://127.0.0.1:{self.addresses.ports['api']}"

    def url(self, port: str) -> str:
        """Return the URL of a named port on the loopback interface."""
        return f"https://127.0.0.1:{self.addresses.ports[port]}"

    def pki(self, name: str) -> Path:
        """Return the path of a file in the folder of certificates."""
        return self.folders.pki / name

    def kubeconfig(self, component: str) -> Path:
        """Return the path of the kubeconfig with which a component contacts the API server."""
        return self.folders.state / f"{component}.kubeconfig"

    def etcd(self) -> Daemon:
        """Return the command line of etcd. etcd does not wait for the disk, because the cluster is temporary."""
        keys = {
            f"{prefix}{key}": self.pki(name)
            for prefix in ("", "peer-")
            for key, name in (("cert-file", "etcd.crt"), ("key-file", "etcd.key"), ("trusted-ca-file", "etcd-ca.crt"))
        }
        flags = {
            "name": "default",
            "data-dir": self.folders.state / "etcd",
            "listen-client-urls": self.url("etcd"),
            "advertise-client-urls": self.url("etcd"),
            "listen-peer-urls": self.url("etcd_peer"),
            "initial-advertise-peer-urls": self.url("etcd_peer"),
            "initial-cluster": f"default={self.url('etcd_peer')}",
            "client-cert-auth": "true",
            "peer-client-cert-auth": "true",
            "unsafe-no-fsync": "true",
            # Room for 10,000 imports with their histories; the default of 2 GiB is soon reached by benchmarks.
            "quota-backend-bytes": 8 * 2**30,
            "log-level": "warn",
            **keys,
        }
        return self._daemon("etcd", flags)

    def apiserver(self) -> Daemon:
        """Return the command line of the API server, with Pod Security and without the check of owner references."""
        flags = {
            "bind-address": "127.0.0.1",
            "secure-port": self.addresses.ports["api"],
            # Pods reach it here; the node's network turns the address into the loopback one (nodenet.py).
            "advertise-address": self.addresses.host,
            "service-cluster-ip-range": self.addresses.services,
            "authorization-mode": "Node,RBAC",
            "enable-admission-plugins": "NodeRestriction,OwnerReferencesPermissionEnforcement",
            "allow-privileged": "true",
            "etcd-servers": self.url("etcd"),
            "etcd-cafile": self.pki("etcd-ca.crt"),
            "etcd-certfile": self.pki("apiserver-etcd.crt"),
            "etcd-keyfile": self.pki("apiserver-etcd.key"),
            "client-ca-file": self.pki("ca.crt"),
            "tls-cert-file": self.pki("apiserver.crt"),
            "tls-private-key-file": self.pki("apiserver.key"),
            "kubelet-certificate-authority": self.pki("ca.crt"),
            "kubelet-client-certificate": self.pki("apiserver-kubelet.crt"),
            "kubelet-client-key": self.pki("apiserver-kubelet.key"),
            "kubelet-preferred-address-types": "InternalIP",
            "service-account-issuer": "https://kubernetes.default.svc.cluster.local",
            "service-account-key-file": self.pki("service-accounts.pub"),
            "service-account-signing-key-file": self.pki("service-accounts.key"),
        }
        return self._daemon("kube-apiserver", flags)

    def controller_manager(self) -> Daemon:
        """Return the command line of the controller manager: Jobs, garbage collection, service accounts and more."""
        flags = {
            **self._client("kube-controller-manager", "controller_manager"),
            "use-service-account-credentials": "true",
            "service-account-private-key-file": self.pki("service-accounts.key"),
            "root-ca-file": self.pki("ca.crt"),
            "cluster-signing-cert-file": self.pki("ca.crt"),
            "cluster-signing-key-file": self.pki("ca.key"),
            # The default is a folder of the system that the user may not own.
            "flex-volume-plugin-dir": self.folders.state / "volume-plugins",
        }
        return self._daemon("kube-controller-manager", flags)

    def scheduler(self) -> Daemon:
        """Return the command line of the scheduler."""
        return self._daemon("kube-scheduler", self._client("kube-scheduler", "scheduler"))

    def _client(self, component: str, port: str) -> dict[str, object]:
        """Return the flags that the two clients of the API server share. Each runs only once, so they elect no
        leader."""
        return {
            "kubeconfig": self.kubeconfig(component),
            "leader-elect": "false",
            "bind-address": "127.0.0.1",
            "secure-port": self.addresses.ports[port],
            "cert-dir": self.folders.state / "serving-certificates" / component,
        }

    def _daemon(self, name: str, flags: dict[str, object]) -> Daemon:
        flags = flags | {flag.name: flag.value for flag in self.flags if flag.component == name}
        argv = (str(self.tools.path(name)), *(f"--{flag}={value}" for flag, value in flags.items()))
        return Daemon(name, argv, reads=_files(flags))


def _files(flags: dict[str, object]) -> tuple[Path, ...]:
    """Return the certificates and kubeconfigs of a component. A change of such a file restarts the component."""
    return tuple(value for value in flags.values() if isinstance(value, Path) and value.is_file())
