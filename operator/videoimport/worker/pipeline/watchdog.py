"""What ends a run that would not end by itself: nothing moves any more, or there is no more room in scratch."""

import threading
from collections.abc import Callable

from videoimport.api.reasons import Reason
from videoimport.worker.pipeline.progress import Board
from videoimport.worker.pipeline.scratch_limit import Room
from videoimport.worker.runtime.errors import Interruption
from videoimport.worker.runtime.subprocesses import Children

LOOK_SECONDS = 0.05


class Watchdog:
    """Looks at the board and at the room, from ``start`` to ``stop``; ``end`` hears of the first trouble, once."""

    def __init__(
        self, board: Board, children: Children, room: Room, stall_seconds: float, end: Callable[[Interruption], None]
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
            # A check says nothing on its way; it goes on as long as it calculates.
            self._cpu = cpu
            self._board.touch()
        seconds, stage = self._board.still()
        if seconds < self._stall_seconds:
            return None
        where = f"Stage {stage} stood still" if stage else "Nothing went on"
        return Interruption(Reason.STALLED, f"{where} for {self._stall_seconds:g} seconds, and no other stage moved.")
