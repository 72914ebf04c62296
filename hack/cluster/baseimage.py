"""Make a replacement for `debian:trixie-slim` with debootstrap, if no registry answers. The Debian release is
the same."""

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cluster import packages
from cluster.commands import output, run

REFERENCE = "docker.io/library/debian:trixie-slim"
NAMES = (REFERENCE, "debian:trixie-slim", "library/debian:trixie-slim")
RELEASE = "trixie"
ARCHIVES = ("", "security", "updates")
# What the official slim image leaves out, and keeps out when packages are installed later.
LEFT_OUT = ("/usr/share/doc/*", "/usr/share/info/*", "/usr/share/locale/*", "/usr/share/man/*", "/usr/share/lintian/*")
APT_CLEAN = 'DPkg::Post-Invoke {"rm -f /var/cache/apt/archives/*.deb /var/cache/apt/*.bin";};\n'


@dataclass(frozen=True)
class Mirror:
    """A package source from the configuration of the machine's apt."""

    uri: str
    release: str

    @property
    def line(self) -> str:
        """The line for sources.list."""
        return f"deb {self.uri} {self.release} main\n"


def make(tree: Path, log: Path) -> None:
    """Make a root file system below `tree`, with today's security updates."""
    packages.install(packages.BASE_IMAGE, log)
    shutil.rmtree(tree, ignore_errors=True)
    run(["debootstrap", "--variant=minbase", RELEASE, tree, *main_mirror()], log=log)
    _configure(tree, debian_mirrors(_apt_indices()))
    for arguments in (["update"], ["--yes", "dist-upgrade"]):
        run(["chroot", tree, "apt-get", *arguments], log=log, env={"DEBIAN_FRONTEND": "noninteractive"})
    _slim(tree)


def main_mirror() -> list[str]:
    """Return the address of this release's main archive from the machine's apt. Empty if debootstrap chooses the
    address."""
    return [mirror.uri for mirror in debian_mirrors(_apt_indices()) if mirror.release == RELEASE][:1]


def debian_mirrors(indices: str) -> list[Mirror]:
    """Return Debian's package sources, each for this release, from lines `ORIGIN CODENAME URI COMPONENT`.

    The machine may have another release. Its archives of updates and of security also contain this release.
    """
    rows = [line.split() for line in indices.splitlines()]
    archives = [
        (row[2], *row[1].partition("-")[1:]) for row in rows if len(row) == 4 and row[0::3] == ["Debian", "main"]
    ]
    found = {Mirror(uri, f"{RELEASE}{dash}{name}") for uri, dash, name in archives if name in ARCHIVES}
    return sorted(found, key=lambda mirror: mirror.release)


def _apt_indices() -> str:
    return output(
        ["apt-get", "indextargets", "--format", "$(ORIGIN) $(RELEASE) $(REPO_URI) $(COMPONENT)", "Created-By: Packages"]
    )


def _configure(tree: Path, mirrors: Sequence[Mirror]) -> None:
    if mirrors:
        (tree / "etc/apt/sources.list").write_text("".join(mirror.line for mirror in mirrors))
    excludes = "".join(f"path-exclude {pattern}\n" for pattern in LEFT_OUT)
    (tree / "etc/dpkg/dpkg.cfg.d/slim").write_text(excludes + "path-include /usr/share/doc/*/copyright\n")
    (tree / "etc/apt/apt.conf.d/slim").write_text(APT_CLEAN)


def _slim(tree: Path) -> None:
    """Remove files that were unpacked before the excludes were set. Licences stay."""
    for pattern in (*LEFT_OUT, "/var/lib/apt/lists/*", "/var/cache/apt/*", "/var/log/*", "/tmp/*"):
        for path in tree.glob(pattern.removeprefix("/")):
            if path.is_dir() and not path.is_symlink():
                _remove_all_but_copyright(path)
            else:
                path.unlink()


def _remove_all_but_copyright(folder: Path) -> None:
    for parent, folders, files in os.walk(folder, topdown=False):
        for name in files:
            if name != "copyright":
                (Path(parent) / name).unlink()
        for name in folders:
            below = Path(parent) / name
            if below.is_symlink():
                below.unlink()
            elif not any(below.iterdir()):
                below.rmdir()
    if not any(folder.iterdir()):
        folder.rmdir()
