"""Which addresses a worker may connect to."""

import contextlib
import ipaddress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from support.every_case import every_case
from videoimport.worker.sandbox.address_guard import ForbiddenError, Guard, is_allowed, is_harmless


@pytest.mark.parametrize("host", ["93.184.216.34", "8.8.8.8", "2606:2800:220:1:248:1893:25c8:1946", "::ffff:8.8.8.8"])
def test_public_addresses_are_let_through(host: str) -> None:
    assert is_allowed(host, [])


@every_case(
    "host",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
        "255.255.255.255", "240.0.0.1", "192.0.2.1", "198.18.0.1", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1",
        "ff02::1", "::ffff:127.0.0.1", "::ffff:a00:1", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:0:a00:1:0:0:80ff:fffe",
        "168.63.129.16", "192.0.0.192", "192.0.0.9", "192.88.99.1", "fec0::1", "feff::1", "3fff::1",
        "::ffff:168.63.129.16", "100.100.100.200", "2130706433", "0x7f000001", "127.1",
        "localhost", "metadata.google.internal", "",
    ],
)  # fmt: skip
def test_everything_else_is_not(host: str) -> None:
    assert not is_allowed(host, [])


def test_allowed_networks_open_what_they_name_and_no_more() -> None:
    allowed = [ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("fd00::/8")]
    assert is_allowed("10.9.9.9", allowed)
    assert is_allowed("::ffff:10.9.9.9", allowed)
    assert is_allowed("fd00::5", allowed)
    assert not is_allowed("192.168.0.1", allowed)
    assert not is_allowed("fc00::5", allowed)


def test_an_allowed_network_opens_even_what_is_denied_by_name() -> None:
    assert is_allowed("192.0.0.192", [ipaddress.ip_network("192.0.0.192/32")])
    assert is_allowed("fec0::1", [ipaddress.ip_network("fec0::/64")])


@given(some.ip_addresses(v=4, network="10.0.0.0/8"), some.sampled_from(["::ffff:{}", "{}"]))
def test_no_notation_of_a_private_address_passes(address: ipaddress.IPv4Address, notation: str) -> None:
    assert not is_allowed(notation.format(address), [])


class TestWhatWasRefused:
    """Only what nothing public could be reached instead of is the reason of a failure."""

    PRIVATE, PUBLIC = ("fd00::7", 443, 0, 0), ("93.184.216.34", 443)

    def connect(self, guard: Guard, host: str, *addresses: tuple[Any, ...]) -> None:
        """As a client does that tries a host's addresses one after the other."""
        guard.on_event("socket.getaddrinfo", (host, 443, 0, 0, 0))
        for address in addresses:
            with contextlib.suppress(ForbiddenError):
                guard.on_event("socket.connect", (None, address))

    def test_is_named_with_its_host(self) -> None:
        guard = Guard([])
        self.connect(guard, "inside.example", self.PRIVATE)
        assert guard.refused == "inside.example (fd00::7)"

    @pytest.mark.parametrize("addresses", [(PRIVATE, PUBLIC), (PUBLIC, PRIVATE)])
    def test_is_nothing_where_the_host_has_a_public_address_too(self, addresses: tuple[Any, ...]) -> None:
        guard = Guard([])
        self.connect(guard, "both.example", *addresses)
        assert guard.refused is None

    def test_is_forgotten_once_something_else_is_reached(self) -> None:
        guard = Guard([])
        self.connect(guard, "inside.example", self.PRIVATE)
        self.connect(guard, "outside.example", self.PUBLIC)
        assert guard.refused is None

    def test_stays_after_a_redirect_from_a_public_host(self) -> None:
        guard = Guard([])
        self.connect(guard, "outside.example", self.PUBLIC)
        self.connect(guard, "inside.example", self.PRIVATE)
        assert guard.refused == "inside.example (fd00::7)"


DENO = ["/usr/bin/deno", "run", "--ext=js", "--no-code-cache", "--no-prompt", "--no-remote", "--no-lock", "-"]


def test_deno_without_rights_is_harmless() -> None:
    assert is_harmless(DENO)
    assert is_harmless(["deno", "--version"])


@pytest.mark.parametrize(
    "option", ["--allow-net", "-A", "--allow-all", "-N", "--allow-run=curl", "--unsafely-ignore-certificate-errors"]
)
def test_deno_with_rights_is_not(option: str) -> None:
    assert not is_harmless([*DENO[:-1], option, "-"])


@pytest.mark.parametrize(
    "argv",
    [
        ["curl", "http://10.0.0.1"],
        ["ffmpeg", "-i", "http://e.com"],
        ["deno", "eval", "1"],
        ["deno", "run", "http://e.com/x"],
        [],
    ],
)
def test_no_other_command_is_harmless(argv: list[str]) -> None:
    assert not is_harmless(argv)
