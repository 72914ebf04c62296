"""Estimate the cost of a first `up` and print the estimate before the start."""

import os
import sys
from collections.abc import Sequence

from cluster import packages
from cluster.errors import ClusterError
from cluster.packages import Package
from cluster.toolsets import Toolbox, ToolSet

LONG = 1.0


def confirm(wanted: Sequence[Package], tool_sets: Sequence[ToolSet], toolbox: Toolbox) -> None:
    """Print the cost if it is high, and ask for confirmation on a terminal. Raise ClusterError if the user refuses."""
    to_build = [tools for tools in tool_sets if not toolbox.has(tools)]
    if sum(tools.minutes for tools in to_build) < LONG:
        return
    sys.stderr.write(describe(packages.missing(wanted), to_build))
    if sys.stdin.isatty() and os.environ.get("YES") != "1":
        sys.stderr.write("Go on? [y/N] ")
        sys.stderr.flush()
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            raise ClusterError("nothing was done; YES=1 answers yes beforehand")


def describe(missing: Sequence[str], to_build: Sequence[ToolSet]) -> str:
    """Return the packages, programs, disk space and minutes as a few lines."""
    minutes = sum(tools.minutes for tools in to_build)
    gigabytes = sum(tools.gigabytes for tools in to_build)
    return (
        "This is the first time, so it takes longer:\n"
        f"  Debian packages to install: {', '.join(missing) or 'none'}\n"
        f"  to build from pinned Go modules: {', '.join(tools.name for tools in to_build)}\n"
        f"  about {minutes:.0f} minutes on two cores and {gigabytes:.0f} GB of disk (most of it Go's caches), once\n"
    )
