"""The control group above everything on the node, in every hierarchy of version 1 or the one of version 2."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from cluster.processes import Identity, identify
from cluster.waiting import wait_until

ROOT = Path("/sys/fs/cgroup")


def hierarchies(root: Path = ROOT) -> list[Path]:
    """Version 2 has one; version 1 has one a controller, and often one of version 2 beside them."""
    if (root / "cgroup.controllers").exists():
        return [root]
    return sorted(entry for entry in root.iterdir() if (entry / "cgroup.procs").exists())


def create(name: str) -> None:
    """Make the group; the kubelet refuses to start where it is missing."""
    for hierarchy in hierarchies():
        (hierarchy / name).mkdir(exist_ok=True)


def members(name: str) -> Iterator[Identity]:
    """Every process in the group or in one below it."""
    pids = {
        int(pid)
        for hierarchy in hierarchies()
        for file in (hierarchy / name).rglob("cgroup.procs")
        for pid in _read(file).split()
    }
    return (identity for pid in sorted(pids) if (identity := identify(pid)))


def remove(name: str) -> bool:
    """Remove the group with all below it; false if a process still runs in it."""
    return wait_until(lambda: all(_remove_tree(hierarchy / name) for hierarchy in hierarchies()), 10)


def _remove_tree(group: Path) -> bool:
    if not group.exists():
        return True
    for below in sorted((path for path in group.rglob("*") if path.is_dir()), key=lambda path: -len(path.parts)):
        with contextlib.suppress(OSError):
            below.rmdir()
    with contextlib.suppress(OSError):
        group.rmdir()
    return not group.exists()


def _read(file: Path) -> str:
    try:
        return file.read_text()
    except OSError:
        return ""
