"""Find and remove the mounts below a folder."""

import re
from pathlib import Path

from cluster.commands import run

MOUNTINFO = Path("/proc/self/mountinfo")


def mounted_below(folder: Path) -> list[Path]:
    """Return the mount points at or below a folder, the deepest first. They are unmounted in this order."""
    return mount_points(MOUNTINFO.read_text(), folder)


def mount_points(mountinfo: str, folder: Path) -> list[Path]:
    """Return the mount points at or below a folder from the lines of mountinfo, the deepest first.

    The fifth field of a line is the mount point, with octal escapes for characters such as blanks.
    """
    points = (Path(_unescape(line.split()[4])) for line in mountinfo.splitlines())
    below = [point for point in points if point == folder or folder in point.parents]
    return sorted(below, key=lambda point: len(point.parts), reverse=True)


def unmount_below(folder: Path, log: Path) -> None:
    """Unmount all mounts below a folder. The unmount is lazy, because a process that is being killed may still use a
    file."""
    for point in mounted_below(folder):
        run(["umount", "--lazy", point], log=log)


def _unescape(text: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), text)
