"""Watchdog that ends a run if no stage makes progress or if scratch is full. Such a run would not end by itself."""

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
"""Divisor of the limit. The bytes kept free are at most this part of the limit, because a program may write so much
between two checks."""
_BLOCK = 512
"""Bytes of a block in ``st_blocks``, whatever the block size of the file system is."""


@dataclass(frozen=True, slots=True)
class ScratchUsage:
    """The disk usage of the run's folder, which may use at most ``limit`` bytes. The source's folder is included."""

    folder: Path
    source: Path
    limit: int
    declared: str
    """The limit as the user wrote it."""

    def full(self) -> str | None:
        """Return a message if scratch is full. Return None otherwise."""
        fetched, all_of_it = used(self.source), used(self.folder)
        if all_of_it <= self.limit - min(_SPARE_BYTES, self.limit // _SPARE_PART):
            return None
        return (
            f"Scratch is full: the source takes {fetched} bytes so far and the results {all_of_it - fetched}; "
            f"worker.scratch.size is {self.declared}."
        )


def used(folder: Path) -> int:
    """Return the number of bytes that the files below a folder use. Files that disappear meanwhile use none."""
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
    """Checks progress and disk usage from ``start`` to ``stop``. ``end`` is called once, with the first problem."""

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
        """Start the checks."""
        threading.Thread(target=self._watch, daemon=True).start()

    def stop(self) -> None:
        """Stop the checks. After this call, the watchdog does not end the run."""
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
            # A check reports nothing until its end; it makes progress as long as it uses CPU.
            self._cpu = cpu
            self._board.touch()
        seconds, stage = self._board.still()
        if seconds < self._stall_seconds:
            return None
        where = f"Stage {stage} made no progress" if stage else "The run made no progress"
        return Interruption(
            Reason.STALLED, f"{where} for {self._stall_seconds:g} seconds, and no other stage made progress."
        )
