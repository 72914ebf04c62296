"""Find the kubectl to use: the machine's kubectl if it is new enough for the cluster, or a kubectl that is built."""

import json
import shutil
from functools import cache
from pathlib import Path

from cluster.commands import output
from cluster.errors import ClusterError
from cluster.golang import parse_version
from cluster.toolsets import KUBECTL, Toolbox, ToolSet

# The oldest kubectl taken for API servers of 1.35; the project supports one minor version of difference, two do for us.
OLDEST = (1, 33)


@cache
def machine_kubectl() -> Path | None:
    """Return the machine's kubectl, or None if it is missing, is too old or does not report its version."""
    found = shutil.which("kubectl")
    if found is None:
        return None
    try:
        told = json.loads(output([found, "version", "--client", "--output=json"]))["clientVersion"]["gitVersion"]
    except (ClusterError, KeyError, json.JSONDecodeError):
        return None
    return Path(found) if parse_version(told)[:2] >= OLDEST else None


def kubectl(toolbox: Toolbox) -> Path:
    """Return the path of the kubectl to use. A kubectl that is not yet built will be at this path."""
    return machine_kubectl() or toolbox.path("kubectl")


def needed_tools() -> tuple[ToolSet, ...]:
    """Return the tool set with kubectl if the machine's kubectl cannot be used."""
    return () if machine_kubectl() else (KUBECTL,)
