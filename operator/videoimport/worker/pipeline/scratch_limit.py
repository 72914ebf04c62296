"""The room in scratch: how much of it is taken, and whether more would break the limit that the user declared."""

from dataclasses import dataclass
from pathlib import Path

_SPARE_BYTES = 64 * 2**20
_SPARE_PART = 16
"""What is kept free, at most a sixteenth: between two looks a program may write so much."""
_BLOCK = 512
"""Bytes of ``st_blocks``, whatever the file system's own blocks are."""


@dataclass(frozen=True, slots=True)
class Room:
    """A folder in which no more than ``limit`` bytes may lie, and in it the one of the source."""

    folder: Path
    source: Path
    limit: int
    declared: str
    """The limit as the user wrote it."""

    def full(self) -> str | None:
        """What to say once there is no more room; None while there is."""
        fetched, all_of_it = used(self.source), used(self.folder)
        if all_of_it <= self.limit - min(_SPARE_BYTES, self.limit // _SPARE_PART):
            return None
        return (
            f"Scratch is full: the source takes {fetched} bytes so far and the results {all_of_it - fetched}; "
            f"worker.scratch.size is {self.declared}."
        )


def used(folder: Path) -> int:
    """Bytes that the files below a folder take; files that go meanwhile take none."""
    total = 0
    try:
        children = list(folder.iterdir())
    except OSError:
        return 0
    for path in children:
        try:
            found = path.lstat()
        except OSError:
            continue
        if path.is_dir() and not path.is_symlink():
            total += used(path)
        else:
            total += max(found.st_size, found.st_blocks * _BLOCK)
    return total
