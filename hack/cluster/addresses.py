"""Choose free ports and address ranges once and keep them, so that a cluster has the same addresses after a restart."""

import ipaddress
import json
import socket
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from ipaddress import IPv4Network
from pathlib import Path

from cluster import files
from cluster.commands import output
from cluster.errors import ClusterError

PORT_NAMES = ("api", "etcd", "etcd_peer", "controller_manager", "scheduler")
# Below the ports that Linux hands out to outgoing connections (32768 and up).
FIRST_PORT, LAST_PORT = 26443, 32767


@dataclass(frozen=True)
class Addresses:
    """The addresses of one cluster in one /16 network.

    The lower half is for pods, and the /20 after it is for services. The end of the network is for the veth pair
    between host and node.
    """

    block: str
    ports: dict[str, int]

    def _network(self) -> IPv4Network:
        return IPv4Network(self.block)

    @property
    def pods(self) -> IPv4Network:
        """The network of the pods."""
        return next(self._network().subnets(new_prefix=17))

    @property
    def services(self) -> IPv4Network:
        """The network of the services: the /20 after the network of the pods."""
        return IPv4Network(f"{self._network()[128 * 256]}/20")

    @property
    def host(self) -> str:
        """The host's end of the veth pair. Pods reach the API server there."""
        return str(self._network()[255 * 256 + 1])

    @property
    def node(self) -> str:
        """The node's end of the veth pair."""
        return str(self._network()[255 * 256 + 2])

    @property
    def api_service(self) -> str:
        """The address of the service `kubernetes.default`."""
        return str(self.services[1])

    @property
    def dns_service(self) -> str:
        """The address of the cluster's name server."""
        return str(self.services[10])


def load(file: Path) -> Addresses | None:
    """Return the addresses that were chosen before, if any."""
    return Addresses(**json.loads(file.read_text())) if file.exists() else None


def settle(file: Path, running: bool) -> Addresses:
    """Return the addresses that were chosen before, or choose new addresses.

    If the cluster does not run and another program uses one of its ports, new ports are chosen. The network stays.
    """
    kept = load(file)
    if kept and (running or all(is_free(port) for port in kept.ports.values())):
        return kept
    others = [found for other in file.parent.parent.glob(f"*/{file.name}") if other != file and (found := load(other))]
    taken = {port for other in others for port in other.ports.values()}
    ports = choose_ports(PORT_NAMES, lambda port: port not in taken and is_free(port))
    used = [*host_networks(), *(other._network() for other in others)]
    chosen = Addresses(kept.block if kept else str(choose_block(used)), ports)
    files.write(file, json.dumps(asdict(chosen), indent=2) + "\n")
    return chosen


def choose_ports(names: Sequence[str], free: Callable[[int], bool]) -> dict[str, int]:
    """Choose the lowest free ports, in the order of the names."""
    candidates = (port for port in range(FIRST_PORT, LAST_PORT + 1) if free(port))
    chosen = dict(zip(names, candidates, strict=False))
    if len(chosen) < len(names):
        raise ClusterError(f"no {len(names)} free ports between {FIRST_PORT} and {LAST_PORT}")
    return chosen


def is_free(port: int) -> bool:
    """Return whether a server could listen on a port of the loopback interface."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def choose_block(used: Iterable[IPv4Network]) -> IPv4Network:
    """Return the first private /16 network that overlaps no used network. Networks that other tools often use come
    last."""
    busy = list(used)
    for block in _candidates():
        if not any(block.overlaps(network) for network in busy):
            return block
    raise ClusterError("every private /16 network overlaps an address of this machine")


def _candidates() -> Iterator[IPv4Network]:
    for second in (*range(201, 255), *range(1, 201)):
        yield IPv4Network(f"10.{second}.0.0/16")
    for second in range(31, 15, -1):
        yield IPv4Network(f"172.{second}.0.0/16")


def host_networks() -> list[IPv4Network]:
    """Return every network in which this machine has an address, a route or a name server."""
    routes = json.loads(output(["ip", "-json", "-4", "route", "show", "table", "all"]) or "[]")
    written = [route["dst"] for route in routes if route.get("dst") not in (None, "default")]
    lines = Path("/etc/resolv.conf").read_text().splitlines() if Path("/etc/resolv.conf").exists() else []
    written += [line.split()[1] for line in lines if line.startswith("nameserver ") and ":" not in line]
    return [ipaddress.IPv4Network(text, strict=False) for text in written]
