"""What is mounted below a folder, and taking it away."""

import re
from pathlib import Path

from cluster.commands import run

MOUNTINFO = Path("/proc/self/mountinfo")


def mounted_below(folder: Path) -> list[Path]:
    """Mount points at or below a folder, the deepest first, which is the order to unmount them in."""
    return mount_points(MOUNTINFO.read_text(), folder)


def mount_points(mountinfo: str, folder: Path) -> list[Path]:
    """The fifth field of a line is the mount point, with blanks and the like as octal escapes."""
    points = (Path(_unescape(line.split()[4])) for line in mountinfo.splitlines())
    below = [point for point in points if point == folder or folder in point.parents]
    return sorted(below, key=lambda point: len(point.parts), reverse=True)


def unmount_below(folder: Path, log: Path) -> None:
    """Unmount all; lazily, since a process that is being killed may hold a file a moment longer."""
    for point in mounted_below(folder):
        run(["umount", "--lazy", point], log=log)


def _unescape(text: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), text)
