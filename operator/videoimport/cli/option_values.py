"""Checks of option values for several commands: pairs such as NAME=DIR, and networks."""

import ipaddress
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from videoimport.cli.errors import UnusableError


def parse_folders(option: str, pairs: Sequence[str]) -> dict[str, Path]:
    """Return the folder of each name from NAME=DIR options. Raises UnusableError, for example if a name occurs
    twice."""
    found: dict[str, Path] = {}
    for name, folder in split_pairs(option, pairs, "NAME=DIR", lambda name: f"{name or 'name'}=./{name or 'dir'}"):
        path = Path(folder).expanduser()
        if not path.is_dir():
            raise UnusableError(
                f"{option} {name}={folder}: there is no folder {folder}; create it, or correct its path."
            )
        found[name] = path.resolve()
    return found


def parse_files(option: str, pairs: Sequence[str]) -> dict[str, Path]:
    """Parse NAME=FILE options, where each name occurs once. Raises UnusableError."""
    files = split_pairs(option, pairs, "NAME=FILE", lambda name: f"{name or 'name'}=./talk.mp4")
    return {name: Path(file).expanduser().resolve() for name, file in files}


def split_pairs(
    option: str, pairs: Sequence[str], form: str, example: Callable[[str], str]
) -> Iterator[tuple[str, str]]:
    """Yield the name and the value of each pair. ``form`` and ``example``, which gets the name of a wrong pair, are for
    its message. Raises UnusableError for a pair of another form, and for a name that occurs twice."""
    names: set[str] = set()
    for pair in pairs:
        name, _, value = pair.partition("=")
        if not (name and value):
            raise UnusableError(f"{option} {pair}: write {form}, such as {option} {example(name)}.")
        if name in names:
            raise UnusableError(f"{option} {name} is given twice; give it once.")
        names.add(name)
        yield name, value


def check_networks(given: Sequence[str]) -> tuple[str, ...]:
    """Check the CIDRs and return them. Raises UnusableError."""
    for network in given:
        try:
            ipaddress.ip_network(network, strict=False)
        except ValueError:
            raise UnusableError(f"--allow-network {network} is not a network; write one such as 10.0.0.0/8.") from None
    return tuple(given)
