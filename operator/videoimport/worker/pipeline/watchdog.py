"""Ends a run that would not end by itself: no stage makes progress, or scratch has no more space."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from videoimport.api.reasons import Reason
from videoimport.worker.pipeline.progress import Board
from videoimport.worker.runtime.errors import Interruption
from videoimport.worker.runtime.subprocesses import Children

_SPARE_BYTES = 64 * 2**20
_SPARE_PART = 16
"""Bytes that are kept free, at most a sixteenth: between two checks a program may write so much."""
_BLOCK = 512
"""Bytes of ``st_blocks``, whatever the file system's own blocks are."""


@dataclass(frozen=True, slots=True)
class ScratchUsage:
    """A folder for at most ``limit`` bytes, and in it the one of the source."""

    folder: Path
    source: Path
    limit: int
    declared: str
    """The limit as the user wrote it."""

    def full(self) -> str | None:
        """The message once there is no more space; None while there is."""
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


LOOK_SECONDS = 0.05


class Watchdog:
    """Checks board and disk usage from ``start`` to ``stop``; ``end`` is called once, with the first trouble."""

    def __init__(
        self,
        board: Board,
        children: Children,
        room: ScratchUsage,
        stall_seconds: float,
        end: Callable[[Interruption], None],
    ) -> None:
        self._board, self._children, self._room = board, children, room
        self._stall_seconds = stall_seconds
        self._end = end
        self._over = threading.Event()
        self._cpu = 0.0

    def start(self) -> None:
        """From now on."""
        threading.Thread(target=self._watch, daemon=True).start()

    def stop(self) -> None:
        """Nothing is ended after this."""
        self._over.set()

    def _watch(self) -> None:
        while not self._over.wait(LOOK_SECONDS):
            trouble = self._full() or self._stalled()
            if trouble and not self._over.is_set():
                self._end(trouble)
                return

    def _full(self) -> Interruption | None:
        told = self._room.full()
        advice = "Raise worker.scratch.size to about the size of the source and of the results."
        return Interruption(Reason.SCRATCH_FULL, told, advice=advice) if told else None

    def _stalled(self) -> Interruption | None:
        if self._board.checking and (cpu := self._children.cpu_seconds()) != self._cpu:
            # A check reports nothing until its end; it continues as long as it calculates.
            self._cpu = cpu
            self._board.touch()
        seconds, stage = self._board.still()
        if seconds < self._stall_seconds:
            return None
        where = f"Stage {stage} made no progress" if stage else "The run made no progress"
        return Interruption(Reason.STALLED, f"{where} for {self._stall_seconds:g} seconds, and no other stage moved.")
