"""Checks of option values for several commands: folders by name, and networks."""

import ipaddress
from collections.abc import Sequence
from pathlib import Path

from videoimport.cli.errors import UnusableError


def parse_folders(option: str, pairs: Sequence[str]) -> dict[str, Path]:
    """Return the folder of each name from NAME=DIR options. Raises UnusableError, for example if a name occurs
    twice."""
    found: dict[str, Path] = {}
    for pair in pairs:
        name, is_pair, folder = pair.partition("=")
        if not (is_pair and name and folder):
            raise UnusableError(
                f"{option} {pair}: write NAME=DIR, such as {option} {name or 'name'}=./{name or 'dir'}."
            )
        if name in found:
            raise UnusableError(f"{option} {name} is given twice; give it once.")
        path = Path(folder).expanduser()
        if not path.is_dir():
            raise UnusableError(f"{option} {pair}: there is no folder {folder}; create it, or correct its path.")
        found[name] = path.resolve()
    return found


def parse_files(option: str, pairs: Sequence[str]) -> dict[str, Path]:
    """Parse NAME=FILE options, where each name occurs once. Raises UnusableError."""
    found: dict[str, Path] = {}
    for pair in pairs:
        name, _, file = pair.partition("=")
        if not (name and file):
            raise UnusableError(f"{option} {pair}: write NAME=FILE, such as {option} {name or 'name'}=./talk.mp4.")
        if name in found:
            raise UnusableError(f"{option} {name} is given twice; give it once.")
        found[name] = Path(file).expanduser().resolve()
    return found


def check_networks(given: Sequence[str]) -> tuple[str, ...]:
    """Check the CIDRs and return them. Raises UnusableError."""
    for network in given:
        try:
            ipaddress.ip_network(network, strict=False)
        except ValueError:
            raise UnusableError(f"--allow-network {network} is not a network; write one such as 10.0.0.0/8.") from None
    return tuple(given)
