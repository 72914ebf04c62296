#!/usr/bin/env python3
"""Other ffmpegs than the machine's, for tests: each is had once and kept in the cache.

    python3 hack/ffmpegs.py 7.1     prints a folder with ffmpeg and ffprobe of Debian 13 (trixie); needs root once
    python3 hack/ffmpegs.py 9.0     prints a folder with the static ffmpeg of a public wheel, which brings no ffprobe
    python3 hack/ffmpegs.py root    prints the folder of the Debian 13 that 7.1 is part of; it has Python 3.13 too

Debian's packages come from the sources of the machine's apt, the wheel from pip's index, with the hashes of locks/.
"""

import hashlib
import os
import shutil
import sys
import tempfile
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from cluster import baseimage, packages
from cluster.commands import run
from cluster.errors import ClusterError
from cluster.folders import cache_folder
from cluster.locks import alone
from cluster.steps import Step, run_steps

LOCK = Path(__file__).resolve().parent.parent / "locks" / "ffmpeg.txt"
INCLUDED = "ffmpeg,python3,python3-venv,python3-pip,ca-certificates"
"""Packages that are added to the minimal Debian 13."""
BESIDE_LIBRARIES = ("", "pulseaudio", "blas", "lapack")
"""Folders of shared libraries, below the folder of the architecture, in which the loader of an installed system
searches."""
PROGRAMS = ("ffmpeg", "ffprobe")
WRAPPER = '#!/bin/sh\nexec {loader} --library-path {libraries} --argv0 {name} {program} "$@"\n'


def key_of(*parts: str | bytes) -> str:
    """Return a key that changes whenever the files made from these arguments could change."""
    return hashlib.sha256(b"\0".join(part.encode() if isinstance(part, str) else part for part in parts)).hexdigest()[
        :16
    ]


class Cellar:
    """The cache, with a folder for each version and recipe. A folder is complete or does not exist."""

    def __init__(self, cache: Path) -> None:
        self._folder = cache / "ffmpegs"

    def root(self) -> Path:
        """Return the folder of a Debian with a newer ffmpeg and Python."""
        return self._made(f"{baseimage.RELEASE}-{key_of(INCLUDED)}", _bootstrap) / "root"

    def obtain(self, version: str) -> Path:
        """Return the folder with the programs of a version. Raise ClusterError for an unknown version."""
        match version:
            case "7.1":
                root = self.root()
                return self._made(f"7.1-{key_of(str(root), WRAPPER)}", lambda folder, _log: _wrap(root, folder))
            case "9.0":
                return self._made(f"9.0-{key_of(LOCK.read_bytes())}", _unpack)
            case other:
                raise ClusterError(f"there is no ffmpeg {other!r} here; there are 7.1 and 9.0")

    def _made(self, name: str, make: Callable[[Path, Path], None]) -> Path:
        target = self._folder / name
        log = self._folder / "logs" / f"{name}.log"
        with alone(self._folder / f".{name}.lock"):
            if not target.is_dir():
                run_steps([Step(f"ffmpegs: {name}", log, lambda log: self._make(target, make, log))])
        return target

    def _make(self, target: Path, make: Callable[[Path, Path], None], log: Path) -> None:
        unfinished = target.with_name(f".making-{target.name}")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        make(unfinished, log)
        unfinished.rename(target)


def _bootstrap(folder: Path, log: Path) -> None:
    if os.geteuid() != 0:
        raise ClusterError("debootstrap needs root to unpack Debian 13; run this once as root with the same cache")
    packages.install(packages.BASE_IMAGE, log)
    options = ("--variant=minbase", f"--include={INCLUDED}")
    run(["debootstrap", *options, baseimage.RELEASE, folder / "root", *baseimage.main_mirror()], log=log)


def _wrap(root: Path, folder: Path) -> None:
    """Write scripts that run the programs of another Debian with its own loader and libraries.

    Paths in the arguments are paths of this machine.
    """
    loader = next(root.glob("usr/lib*/ld-linux*.so.*"))
    libraries = next(root.glob("usr/lib/*/libavcodec.so.*")).parent
    paths = ":".join(str(libraries / name) for name in BESIDE_LIBRARIES)
    for name in PROGRAMS:
        program = folder / name
        words = {"loader": loader, "libraries": paths, "name": name, "program": root / "usr/bin" / name}
        program.write_text(WRAPPER.format(**words))
        program.chmod(0o755)


def _unpack(folder: Path, log: Path) -> None:
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        pip = [
            sys.executable,
            "-m",
            "pip",
            "download",
            "--quiet",
            "--no-deps",
            "--require-hashes",
            "--only-binary",
            ":all:",
        ]
        run([*pip, "--dest", scratch, "--requirement", LOCK], log=log)
        with zipfile.ZipFile(next(Path(scratch).glob("*.whl"))) as wheel:
            name = next(name for name in wheel.namelist() if "/binaries/ffmpeg-" in name)
            (folder / "ffmpeg").write_bytes(wheel.read(name))
    (folder / "ffmpeg").chmod(0o755)


def main(argv: Sequence[str], env: Mapping[str, str] = os.environ) -> int:
    """Run the command line."""
    if len(argv) != 1 or argv[0] in ("-h", "--help"):
        print(__doc__, file=sys.stderr)
        return 2
    cellar = Cellar(cache_folder(env))
    try:
        print(cellar.root() if argv[0] == "root" else cellar.obtain(argv[0]))
    except ClusterError as failure:
        print(f"error: {failure}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
