"""The check of a source's minimum rate. A fetch below this rate is stopped."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from videoimport.api.reasons import Reason
from videoimport.worker.fetch.limits import Pace, StallDetector
from videoimport.worker.fetch.process_messages import Ahead, Event, Hashed, Moved
from videoimport.worker.runtime.errors import ImportFailure
from videoimport.worker.runtime.subprocesses import Child

USUAL = Pace(1024, 300.0)
"""Default minimum rate in bytes per second, and the seconds over which the rate is measured.

The time is longer than all retries of the fetching process, so that the process reports its own reason first. The time
is also the limit for finding the video of a web page.
"""


class Watch:
    """Monitor that stops a child process if the source is slower than the minimum rate.

    Only bytes count as progress. So a server that sends almost nothing cannot keep the fetch alive.
    """

    def __init__(self, child: Child, pace: Pace) -> None:
        self._child, self._pace = child, pace
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._last: dict[type[Event], int] = {}
        self._stall = StallDetector(pace)
        self.tripped = False

    @contextmanager
    def on(self) -> Iterator[None]:
        """Run the monitor inside the ``with`` block."""
        threading.Thread(target=self._look, daemon=True).start()
        try:
            yield
        finally:
            self._over.set()

    def brought(self, event: Moved | Ahead | Hashed) -> None:
        """Add the new bytes of an event. An event has the total number of bytes so far.

        If the download starts again, the total becomes lower. Then later bytes are counted from the lower number.
        """
        with self._lock:
            self._stall.add(max(0, event.done - self._last.get(type(event), 0)))
            self._last[type(event)] = event.done

    def pause(self) -> None:
        """Stop measuring time until ``resume`` is called. Use this method for a delay that the source does not
        cause."""
        with self._lock:
            self._stall.pause()

    def resume(self) -> None:
        """Measure time from now on."""
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
        """The failure of a stalled source."""
        told = f"The source sent less than {self._pace.rate} bytes a second for {self._pace.seconds:g} seconds."
        return ImportFailure(Reason.STALLED, told)
