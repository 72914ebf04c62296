"""The control group above all processes of the node, in every hierarchy of version 1 or in the hierarchy of
version 2."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from cluster.processes import Identity, identify
from cluster.waiting import wait_until

ROOT = Path("/sys/fs/cgroup")


def hierarchies(root: Path = ROOT) -> list[Path]:
    """Return the control group hierarchies. Version 2 has one. Version 1 has one for each controller, and often a
    version 2 hierarchy besides."""
    if (root / "cgroup.controllers").exists():
        return [root]
    return sorted(entry for entry in root.iterdir() if (entry / "cgroup.procs").exists())


def create(name: str) -> None:
    """Create the group. The kubelet does not start without the group."""
    for hierarchy in hierarchies():
        (hierarchy / name).mkdir(exist_ok=True)


def members(name: str) -> Iterator[Identity]:
    """Return every process in the group and in the groups below it."""
    pids = {
        int(pid)
        for hierarchy in hierarchies()
        for file in (hierarchy / name).rglob("cgroup.procs")
        for pid in _read(file).split()
    }
    return (identity for pid in sorted(pids) if (identity := identify(pid)))


def remove(name: str) -> bool:
    """Remove the group and all groups below it. Return False if a process still runs in it."""
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
