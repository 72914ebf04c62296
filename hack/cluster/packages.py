"""Install the Debian packages that the native provider needs, and name the packages that cannot be installed."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cluster.commands import run
from cluster.errors import ClusterError


@dataclass(frozen=True)
class Package:
    """A Debian package, and a file or command that shows that its program is installed, from any source."""

    name: str
    sign: str

    @property
    def present(self) -> bool:
        """Whether the file or command exists. A command is searched on the path and in sbin, which may not be on the
        path."""
        if self.sign.startswith("/"):
            return Path(self.sign).exists()
        return shutil.which(self.sign) is not None or any(
            (Path(folder) / self.sign).exists() for folder in ("/usr/sbin", "/sbin")
        )


CONTROL_PLANE = (Package("openssl", "openssl"), Package("iproute2", "ip"))
NODE = (
    *CONTROL_PLANE,
    Package("iptables", "iptables"),
    Package("conntrack", "conntrack"),
    Package("mount", "mount"),
    Package("util-linux", "nsenter"),
    Package("runc", "runc"),
    Package("containerd", "containerd"),
    Package("containernetworking-plugins", "/usr/lib/cni/ptp"),
)
BUILDER = (Package("buildah", "buildah"), Package("runc", "runc"))
BASE_IMAGE = (Package("debootstrap", "debootstrap"),)


def missing(packages: Sequence[Package]) -> list[str]:
    """Return the names of the missing packages."""
    return [package.name for package in packages if not package.present]


def install(packages: Sequence[Package], log: Path) -> str | None:
    """Install the missing packages. Raise ClusterError with the names of the packages that could not be installed."""
    names = missing(packages)
    if not names:
        return "nothing missing"
    if shutil.which("apt-get") is None:
        raise ClusterError(f"please install {', '.join(names)}: without apt-get they cannot be installed for you")
    _apt_get(["install", "--yes", "--no-install-recommends", *names], log)
    if left := missing(packages):
        raise ClusterError(f"these Debian packages could not be installed: {', '.join(left)}; see {log}")
    return f"installed {', '.join(names)}"


def _apt_get(arguments: Sequence[str], log: Path) -> None:
    env = {"DEBIAN_FRONTEND": "noninteractive"}
    try:
        run(["apt-get", *arguments], log=log, env=env)
    except ClusterError:
        run(["apt-get", "update"], log=log, env=env)
        try:
            run(["apt-get", *arguments], log=log, env=env)
        except ClusterError as refused:
            names = [word for word in arguments if not word.startswith("-")][1:]
            raise ClusterError(f"apt-get could not install {', '.join(names)}; see {log}") from refused
