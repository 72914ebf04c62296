"""The minimum rate of a source, and the end of a fetch below it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from videoimport.api.reasons import Reason
from videoimport.worker.fetch.limits import Pace, StallDetector
from videoimport.worker.fetch.protocol import Ahead, Event, Hashed, Moved
from videoimport.worker.runtime.errors import ImportFailure
from videoimport.worker.runtime.subprocesses import Child

USUAL = Pace(1024, 300.0)
"""The window is longer than all tries of the fetching process's own, so that their reasons come first. It is also all
the time for finding a page's video."""


class Watch:
    """Ends a child whose source is slower. It counts bytes only, so no server can send slowly without end."""

    def __init__(self, child: Child, pace: Pace) -> None:
        self._child, self._pace = child, pace
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._last: dict[type[Event], int] = {}
        self._stall = StallDetector(pace)
        self.tripped = False

    @contextmanager
    def on(self) -> Iterator[None]:
        """Watch inside."""
        threading.Thread(target=self._look, daemon=True).start()
        try:
            yield
        finally:
            self._over.set()

    def brought(self, event: Moved | Ahead | Hashed) -> None:
        """So far; what starts over counts from there."""
        with self._lock:
            self._stall.add(max(0, event.done - self._last.get(type(event), 0)))
            self._last[type(event)] = event.done

    def pause(self) -> None:
        """Count no time until ``resume``: what takes it is not the source."""
        with self._lock:
            self._stall.pause()

    def resume(self) -> None:
        """Count from now on."""
        with self._lock:
            self._stall.restart()

    def _look(self) -> None:
        while not self._over.wait(self._pace.seconds / 20):
            with self._lock:
                self.tripped = self._stall.is_stalled
            if self.tripped:
                self._child.kill()
                return

    @property
    def failure(self) -> ImportFailure:
        """The message about it."""
        told = f"The source sent less than {self._pace.rate} bytes a second for {self._pace.seconds:g} seconds."
        return ImportFailure(Reason.STALLED, told)
