"""What a build must know of this machine to install packages, and what must never be in an image.

Dockerfiles take them with `RUN --mount=type=secret,id=pip-conf,target=/etc/pip.conf --mount=type=secret,id=ca-bundle`:
where they are not given, as in a plain `docker build`, there is nothing at these paths.
"""

import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from cluster.commands import output
from cluster.errors import ClusterError

MOUNTED_BUNDLE = "/run/secrets/ca-bundle"
KEPT = ("index-url", "extra-index-url", "trusted-host")


@contextmanager
def secrets() -> Iterator[list[str]]:
    """Provide the options for buildah with the secrets. The files of the secrets are removed afterwards."""
    bundle = ca_bundle(os.environ)
    with tempfile.TemporaryDirectory(prefix="videoimport-build-") as folder:
        pip_conf = Path(folder) / "pip.conf"
        pip_conf.write_text(pip_configuration(_pip_settings(), has_bundle=bundle is not None))
        options = [f"--secret=id=pip-conf,src={pip_conf}"]
        if bundle:
            options.append(f"--secret=id=ca-bundle,src={bundle}")
        yield options


def ca_bundle(env: Mapping[str, str]) -> Path | None:
    """Return the certificate authorities that this machine's Python or pip is configured to trust, if any."""
    for name in ("PIP_CERT", "SSL_CERT_FILE"):
        if (chosen := env.get(name)) and Path(chosen).is_file():
            return Path(chosen).resolve()
    return None


def pip_configuration(settings: str, *, has_bundle: bool) -> str:
    """Return a pip.conf from the output of `pip config list`: the package index and the trusted hosts."""
    lines = ["[global]", "disable-pip-version-check = true"]
    if has_bundle:
        lines.append(f"cert = {MOUNTED_BUNDLE}")
    for line in settings.splitlines():
        name, _, value = line.partition("=")
        key = name.rpartition(".")[2]
        if key in KEPT:
            lines.append(f"{key} = {' '.join(value.strip().strip(chr(39)).split(chr(92) + 'n'))}")
    return "\n".join(lines) + "\n"


def _pip_settings() -> str:
    try:
        return output([sys.executable, "-m", "pip", "config", "list"])
    except ClusterError:
        return ""
