"""What is read from the machine, and what is written for it."""

import json
import shlex
import struct
import tarfile
from pathlib import Path

import pytest

from cluster import dns, nodenet, scratchimage
from cluster.addresses import PORT_NAMES, Addresses
from cluster.baseimage import Mirror, debian_mirrors
from cluster.buildsecrets import pip_configuration
from cluster.dockerfiles import base_images
from cluster.errors import ClusterError
from cluster.folders import Folders, cache_folder
from cluster.images import known_as
from cluster.mounts import mount_points
from cluster.nodefiles import can_lower_oom_score, upstream_resolvers

ADDRESSES = Addresses("10.201.0.0/16", {name: 26443 + number for number, name in enumerate(PORT_NAMES)})


def test_the_cache_is_where_the_environment_says() -> None:
    assert cache_folder({"VIDEOIMPORT_CACHE": "/a", "XDG_CACHE_HOME": "/b"}) == Path("/a")
    assert cache_folder({"XDG_CACHE_HOME": "/b", "HOME": "/c"}) == Path("/b/videoimport")
    assert cache_folder({"HOME": "/c"}) == Path("/c/.cache/videoimport")


@pytest.mark.parametrize("name", ["", "Demo", "-demo", "demo-", "a/b", "..", "a" * 21])
def test_a_name_that_could_not_be_a_folder_an_interface_and_a_node_is_refused(name: str) -> None:
    with pytest.raises(ClusterError, match="cannot name a cluster"):
        Folders(Path("/cache"), name)


def test_a_cache_too_deep_for_sockets_is_refused() -> None:
    with pytest.raises(ClusterError, match="too long"):
        Folders(Path("/" + "a" * 80), "demo")


def test_interfaces_have_at_most_fifteen_characters_and_differ() -> None:
    names = ["videoimport", "a-rather-long-name-1", "a-rather-long-name-2"]
    interfaces = {Folders(Path("/c"), name).interface for name in names}
    assert len(interfaces) == 3
    assert all(len(interface) <= 15 for interface in interfaces)


def test_mounts_are_taken_away_deepest_first_and_only_ours() -> None:
    mountinfo = "\n".join(
        f"1 2 0:3 / {point} rw - ext4 /dev/x rw"
        for point in ("/", "/state/demo", "/state/demo/kubelet/pods/a\\040b", "/state/demo-2", "/run/x")
    )
    assert mount_points(mountinfo, Path("/state/demo")) == [Path("/state/demo/kubelet/pods/a b"), Path("/state/demo")]


def test_rules_are_found_again_by_the_clusters_mark() -> None:
    saved = (
        '*nat\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -i vi-a -m comment --comment "videoimport:a" -j ACCEPT\n'
        '-A PREROUTING -i vi-ab -m comment --comment "videoimport:ab" -j ACCEPT\n-A PREROUTING -j DOCKER\nCOMMIT\n'
    )
    found = nodenet.marked_rules(saved, "a")
    assert [rule[2] for rule in found] == ["vi-a"]
    assert found[0][0] == "PREROUTING"


def test_the_open_loopback_interface_is_closed_to_all_but_the_api_server() -> None:
    # Each rule is inserted before the earlier ones, so the last is met first.
    rules = [rule for table, rule in reversed(nodenet.rules(Folders(Path("/c"), "demo"), ADDRESSES)) if "INPUT" in rule]
    assert "--dport 26443" in rules[0]
    assert rules[0].endswith("-j ACCEPT")
    assert "-d 127.0.0.0/8" in rules[1]
    assert rules[1].endswith("-j DROP")
    assert all(shlex.split(rule)[1:3] == ["-i", "vi-demo"] for rule in rules)


@pytest.mark.parametrize(("mask", "can"), [("000001ffffffffff", True), ("000001fffeffffff", False)])
def test_the_capability_to_lower_oom_scores_is_read_from_the_mask(mask: str, can: bool) -> None:
    assert can_lower_oom_score(f"Name:\tx\nCapEff:\t{mask}\n") is can


def test_name_servers_on_the_loopback_interface_are_not_for_pods() -> None:
    local, real = "nameserver 127.0.0.53\nsearch lan\n", "nameserver 192.0.2.1\nsearch lan\n"
    assert upstream_resolvers([local, real]) == real
    assert upstream_resolvers([local]) == ""
    assert upstream_resolvers(["nameserver 127.0.0.53\n" + real]) == real


def test_without_upstream_the_name_server_forwards_nothing() -> None:
    assert "forward" not in dns.manifest(image="x", address="10.0.0.10", upstream=False)
    assert "forward ." in dns.manifest(image="x", address="10.0.0.10", upstream=True)


def test_only_the_right_answer_with_a_record_counts() -> None:
    def answer(number: int, flags: int, records: int) -> bytes:
        return struct.pack(">6H", number, flags, 1, records, 0, 0)

    assert dns.query(7, "a.bc")[12:18] == b"\x01a\x02bc\x00"
    assert dns.is_answer(7, answer(7, 0x8180, 1))
    assert not dns.is_answer(7, answer(8, 0x8180, 1))
    assert not dns.is_answer(7, answer(7, 0x8183, 0))
    assert not dns.is_answer(7, answer(7, 0x8180, 0))
    assert not dns.is_answer(7, b"short")


def test_an_image_of_one_program_is_the_same_every_time(tmp_path: Path) -> None:
    program = tmp_path / "pause"
    program.write_bytes(b"\x7fELF")
    for name in ("one.tar", "two.tar"):
        scratchimage.write(tmp_path / name, reference="x/pause:1", program=program)
    assert (tmp_path / "one.tar").read_bytes() == (tmp_path / "two.tar").read_bytes()
    with tarfile.open(tmp_path / "one.tar") as archive:
        manifest = json.load(archive.extractfile("manifest.json"))  # type: ignore[arg-type]
    assert manifest[0]["RepoTags"] == ["x/pause:1"]


def test_base_images_are_those_of_other_makers() -> None:
    dockerfile = """
    ARG BASE_IMAGE=debian:trixie-slim
    FROM --platform=linux/amd64 ${BASE_IMAGE} AS build
    FROM build AS more
    FROM scratch
    FROM golang:1.26
    COPY --from=build /x /x
    """
    assert base_images(dockerfile, {}) == ["debian:trixie-slim", "golang:1.26"]
    assert base_images(dockerfile, {"BASE_IMAGE": "mine:1"}) == ["mine:1", "golang:1.26"]


@pytest.mark.parametrize(
    ("reference", "whole"),
    [
        ("worker:dev", "docker.io/library/worker:dev"),
        ("me/worker:dev", "docker.io/me/worker:dev"),
        ("example.com/worker:dev", "example.com/worker:dev"),
        ("localhost/worker:dev", "localhost/worker:dev"),
        ("host:5000/worker:dev", "host:5000/worker:dev"),
    ],
)
def test_short_names_are_completed_as_a_kubelet_does(reference: str, whole: str) -> None:
    assert known_as(reference) == whole


def test_only_the_packages_source_and_its_trust_reach_a_build() -> None:
    settings = (
        "global.cert='/etc/x.crt'\nglobal.index-url='https://packages.example/simple'\nglobal.find-links='/opt/w'\n"
    )
    assert pip_configuration(settings, has_bundle=True).splitlines() == [
        "[global]",
        "disable-pip-version-check = true",
        "cert = /run/secrets/ca-bundle",
        "index-url = https://packages.example/simple",
    ]


def test_debian_mirrors_are_the_machines_own_with_this_release() -> None:
    indices = (
        "Debian bookworm http://one.example/debian/ main\nDebian bookworm http://one.example/debian/ contrib\n"
        "Debian bookworm-security http://two.example/security/ main\nOther stable http://three.example/ main\n"
        "Debian trixie http://one.example/debian/ main\nDebian bookworm-backports http://one.example/debian/ main\n"
    )
    assert debian_mirrors(indices) == [
        Mirror("http://one.example/debian/", "trixie"),
        Mirror("http://two.example/security/", "trixie-security"),
    ]
