"""The node's network: a namespace of its own, so that kube-proxy's rules and the pods' cables never touch the host's.

One cable joins it to the host. On the host there are a few rules, each marked with the cluster's name.
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


def rules(folders: Folders, addresses: Addresses) -> list[tuple[str, ...]]:
    """The host's rules, as arguments after `iptables -t TABLE -I`; the first word is the table."""
    cable, api = folders.interface, str(addresses.ports["api"])
    return [
        # The API server listens on the loopback interface only; the node and its pods reach it at the cable's end.
        ("nat", "PREROUTING", "-i", cable, "-d", addresses.host, "-p", "tcp", "--dport", api, "-j", "DNAT")
        + ("--to-destination", f"127.0.0.1:{api}"),
        # That needs route_localnet, which alone would open everything on the loopback interface to the pods.
        (
            "filter",
            "INPUT",
            "-i",
            cable,
            "-d",
            "127.0.0.0/8",
            "-m",
            "conntrack",
            "!",
            "--ctstate",
            "DNAT",
            "-j",
            "DROP",
        ),
        ("filter", "INPUT", "-i", cable, "-d", "127.0.0.1", "-p", "tcp", "--dport", api, "-j", "ACCEPT"),
        ("filter", "FORWARD", "-i", cable, "-j", "ACCEPT"),
        ("filter", "FORWARD", "-o", cable, "-j", "ACCEPT"),
        ("nat", "POSTROUTING", "-s", addresses.block, "!", "-o", cable, "-j", "MASQUERADE"),
    ]


def connect(folders: Folders, addresses: Addresses, log: Path) -> str | None:
    """Make namespace, cable, routes and rules; what is there already stays."""
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
    present = {table: _marked(folders, table) for table in ("filter", "nat")}
    for table, *rule in () if any(present.values()) else rules(folders, addresses):
        run(["iptables", "-w", "-t", table, "-I", *rule, *_mark(folders)], log=log)


def disconnect(folders: Folders, log: Path) -> None:
    """Take away rules, cable and namespace. Forwarding is switched off again if the last of our clusters leaves."""
    for table in ("filter", "nat"):
        for rule in _marked(folders, table):
            run(["iptables", "-w", "-t", table, "-D", *rule], log=log)
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


def _marked(folders: Folders, table: str) -> list[list[str]]:
    """Our rules in a table, as arguments after -D."""
    saved = (shlex.split(line) for line in output(["iptables-save", "-t", table]).splitlines() if line.startswith("-A"))
    return [rule[1:] for rule in saved if f"videoimport:{folders.name}" in rule]
