import json
import socket
from dataclasses import asdict
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from cluster import addresses
from cluster.addresses import PORT_NAMES, Addresses, choose_block, choose_ports, settle
from cluster.errors import ClusterError


def chosen(block: str = "10.201.0.0/16", first_port: int = 26443) -> Addresses:
    return Addresses(block, {name: first_port + number for number, name in enumerate(PORT_NAMES)})


def test_pods_services_and_cable_share_a_block_without_touching() -> None:
    these = chosen()
    cable = IPv4Network(f"{these.host}/30", strict=False)
    parts = [these.pods, these.services, cable]
    assert all(part.subnet_of(IPv4Network(these.block)) for part in parts)
    assert not any(one.overlaps(other) for one in parts for other in parts if one is not other)
    assert these.node in map(str, cable.hosts())
    assert these.host in map(str, cable.hosts())


def test_a_block_that_overlaps_any_network_of_the_machine_is_passed_over() -> None:
    inside, around = IPv4Network("10.201.7.0/24"), IPv4Network("10.202.0.0/15")
    assert choose_block([inside, around]) == IPv4Network("10.204.0.0/16")


def test_without_a_free_block_the_reason_is_said() -> None:
    with pytest.raises(ClusterError, match="overlaps"):
        choose_block([IPv4Network("0.0.0.0/0")])


def test_taken_ports_are_passed_over() -> None:
    assert choose_ports(("api", "etcd"), lambda port: port % 2 == 0) == {"api": 26444, "etcd": 26446}


def test_too_few_free_ports_is_an_error() -> None:
    with pytest.raises(ClusterError, match="no 2 free ports"):
        choose_ports(("api", "etcd"), lambda port: port == 30000)


def test_a_port_somebody_listens_on_is_not_free() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        assert not addresses.is_free(server.getsockname()[1])


@pytest.fixture
def clusters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(addresses, "host_networks", lambda: [IPv4Network("10.201.0.0/24")])
    monkeypatch.setattr(addresses, "is_free", lambda port: port != 26443)
    return tmp_path


def test_addresses_are_kept_once_chosen(clusters: Path) -> None:
    file = clusters / "one" / "addresses.json"
    first = settle(file, running=False)
    assert first.block == "10.202.0.0/16"
    assert 26443 not in first.ports.values()
    assert settle(file, running=False) == first


def test_a_second_cluster_gets_other_ports_and_another_block(clusters: Path) -> None:
    first = settle(clusters / "one" / "addresses.json", running=False)
    second = settle(clusters / "two" / "addresses.json", running=False)
    assert first.block != second.block
    assert not set(first.ports.values()) & set(second.ports.values())


def test_ports_taken_by_others_meanwhile_are_chosen_anew_but_never_under_a_running_cluster(clusters: Path) -> None:
    file = clusters / "one" / "addresses.json"
    file.parent.mkdir()
    file.write_text(json.dumps(asdict(chosen(first_port=26443))))
    assert settle(file, running=True).ports["api"] == 26443
    again = settle(file, running=False)
    assert again.ports["api"] != 26443
    assert again.block == "10.201.0.0/16"
