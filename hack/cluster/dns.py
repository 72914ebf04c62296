"""CoreDNS in the cluster: its manifests, and asking it whether it answers."""

import secrets
import socket
import struct
from pathlib import Path
from string import Template

MANIFEST = Path(__file__).parent / "coredns.yaml"
PROBE = "kubernetes.default.svc.cluster.local"
TYPE_A, CLASS_IN, RECURSION_DESIRED = 1, 1, 0x0100


def manifest(*, image: str, address: str, upstream: bool) -> str:
    """Return the YAML files of CoreDNS at `address`. Without an upstream, it resolves only the cluster's own names."""
    forward = "forward . /etc/resolv.conf" if upstream else ""
    return Template(MANIFEST.read_text()).substitute(image=image, address=address, forward=forward)


def answers(server: str, name: str = PROBE, seconds: float = 1) -> bool:
    """Return whether the name server returns an address for a name."""
    number = secrets.randbelow(2**16)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(seconds)
        try:
            client.sendto(query(number, name), (server, 53))
            return is_answer(number, client.recv(512))
        except OSError:
            return False


def query(number: int, name: str) -> bytes:
    """Return a query for the A record of a name (RFC 1035, section 4)."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return struct.pack(">6H", number, RECURSION_DESIRED, 1, 0, 0, 0) + labels + struct.pack(">BHH", 0, TYPE_A, CLASS_IN)


def is_answer(number: int, message: bytes) -> bool:
    """Return whether a message answers the query with that number, without an error and with at least one record."""
    if len(message) < 12:
        return False
    found, flags, _, records, _, _ = struct.unpack(">6H", message[:12])
    return bool(found == number and flags & 0xF == 0 and records > 0)
