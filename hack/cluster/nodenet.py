"""Set up the node's network in a network namespace, so that kube-proxy's rules and the pods' links never change the
host's network.

One veth pair joins the namespace to the host. The host gets a few rules, each marked with the cluster's name.
"""

import contextlib
import shlex
from pathlib import Path

from cluster.addresses import Addresses
from cluster.commands import output, run
from cluster.folders import Folders
from cluster.mounts import mounted_below

IP_FORWARD = Path("/proc/sys/net/ipv4/ip_forward")
FORWARD_WAS_OFF = Path("/run/videoimport/ip-forward-was-off")


def rules(folders: Folders, addresses: Addresses) -> list[tuple[str, str]]:
    """Return the host's rules as pairs: a table, and the arguments after `iptables -I`."""
    cable, host, api = folders.interface, addresses.host, addresses.ports["api"]
    return [
        # The API server listens on the loopback interface only; the node and its pods reach it at the cable's end.
        ("nat", f"PREROUTING -i {cable} -d {host} -p tcp --dport {api} -j DNAT --to-destination 127.0.0.1:{api}"),
        # That needs route_localnet, which alone would open everything on the loopback interface to the pods.
        ("filter", f"INPUT -i {cable} -d 127.0.0.0/8 -m conntrack ! --ctstate DNAT -j DROP"),
        ("filter", f"INPUT -i {cable} -d 127.0.0.1 -p tcp --dport {api} -m conntrack --ctstate DNAT -j ACCEPT"),
        ("filter", f"FORWARD -i {cable} -j ACCEPT"),
        ("filter", f"FORWARD -o {cable} -j ACCEPT"),
        ("nat", f"POSTROUTING -s {addresses.block} ! -o {cable} -j MASQUERADE"),
    ]


def connect(folders: Folders, addresses: Addresses, log: Path) -> str | None:
    """Create the namespace, the veth pair, the routes and the rules. Existing parts stay."""
    there = folders.node_netns in mounted_below(folders.run)
    if not there:
        folders.run.mkdir(parents=True, exist_ok=True)
        folders.node_netns.touch()
        run(["unshare", f"--net={folders.node_netns}", "true"], log=log)
    if not Path("/sys/class/net", folders.interface).exists():
        peer = ("peer", "name", "eth0", "netns", str(folders.node_netns))
        run(["ip", "link", "add", folders.interface, "type", "veth", *peer], log=log)
    _configure_node(folders, addresses, log)
    _configure_host(folders, addresses, log)
    return "there already" if there else None


def _configure_node(folders: Folders, addresses: Addresses, log: Path) -> None:
    for command in (
        "ip link set lo up",
        f"ip address replace {addresses.node}/30 dev eth0",
        "ip link set eth0 up",
        f"ip route replace default via {addresses.host}",
        "sh -c 'echo 1 > /proc/sys/net/ipv4/ip_forward'",
    ):
        run(["nsenter", f"--net={folders.node_netns}", *shlex.split(command)], log=log)


def _configure_host(folders: Folders, addresses: Addresses, log: Path) -> None:
    cable = folders.interface
    run(["ip", "address", "replace", f"{addresses.host}/30", "dev", cable], log=log)
    run(["ip", "link", "set", cable, "up"], log=log)
    for network in (addresses.pods, addresses.services):
        run(["ip", "route", "replace", str(network), "via", addresses.node, "dev", cable], log=log)
    Path(f"/proc/sys/net/ipv4/conf/{cable}/route_localnet").write_text("1")
    if IP_FORWARD.read_text().strip() == "0":
        FORWARD_WAS_OFF.touch()
        IP_FORWARD.write_text("1")
    _remove_rules(folders, log)
    for table, rule in rules(folders, addresses):
        run(["iptables", "-w", "-t", table, "-I", *rule.split(), *_mark(folders)], log=log)


def disconnect(folders: Folders, log: Path) -> None:
    """Remove rules, veth pair and namespace. Forwarding is switched off again after the last of these clusters."""
    _remove_rules(folders, log)
    if Path("/sys/class/net", folders.interface).exists():
        run(["ip", "link", "delete", folders.interface], log=log)
    if folders.node_netns in mounted_below(folders.run):
        run(["umount", folders.node_netns], log=log)
    with contextlib.suppress(FileNotFoundError):
        folders.node_netns.unlink()
    if FORWARD_WAS_OFF.exists() and not list(Path("/sys/class/net").glob("vi-*")):
        IP_FORWARD.write_text("0")
        FORWARD_WAS_OFF.unlink()


def _mark(folders: Folders) -> tuple[str, ...]:
    return ("-m", "comment", "--comment", f"videoimport:{folders.name}")


def _remove_rules(folders: Folders, log: Path) -> None:
    """Remove the rules with this cluster's mark. `up` writes them again, so that an interrupted `up` leaves no partial
    set."""
    for table in ("filter", "nat"):
        for rule in marked_rules(output(["iptables-save", "-t", table]), folders.name):
            run(["iptables", "-w", "-t", table, "-D", *rule], log=log)


def marked_rules(saved: str, name: str) -> list[list[str]]:
    """Return the rules with a cluster's mark from the output of `iptables-save`, as arguments after -D."""
    words = (shlex.split(line) for line in saved.splitlines() if line.startswith("-A "))
    return [rule[1:] for rule in words if f"videoimport:{name}" in rule]
