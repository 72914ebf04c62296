"""Limits that end a download without progress, and a limit of the download rate, which protects the source."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from videoimport.api.reasons import Reason
from videoimport.worker.fetch.http.response import Interrupted
from videoimport.worker.runtime.errors import ImportFailure

CONNECT_SECONDS = 15.0
"""Maximum time to open a connection to a source."""
YTDLP_SECONDS = 20
"""Maximum time that yt-dlp waits for a connection, or for the next bytes of a page or segment."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Minimum rate of a source: ``rate`` bytes per second, averaged over ``seconds``."""

    rate: int
    seconds: float


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """Limits of one source."""

    room_bytes: int
    max_bytes: int | None = None
    read_seconds: float = 30.0
    """Maximum number of seconds without a byte."""
    slow_seconds: float = 60.0
    """Number of seconds over which the rate is averaged. A rate below ``slow_rate`` for that time is a stall."""
    slow_rate: int = 1024
    """Minimum rate in bytes per second."""
    tail_seconds: float = 30.0
    """Maximum number of seconds for the end of a file, which is fetched first. The transcode cannot begin before."""
    before: int = 0
    """Total size in bytes of the source's other files, which is added to ``size`` in each check."""

    @property
    def pace(self) -> Pace:
        """The minimum rate of the source."""
        return Pace(self.slow_rate, self.slow_seconds)

    def check(self, size: int) -> None:
        """Raise ImportFailure if ``size`` bytes exceed the user's limit or the size of the scratch volume."""
        self.check_wish(size)
        size += self.before
        if size > self.room_bytes:
            message = f"The source has {size} bytes or more; worker.scratch.size is {self.room_bytes}."
            advice = "Raise worker.scratch.size to about twice the size of the source."
            raise ImportFailure(Reason.SCRATCH_FULL, message, advice=advice)

    def check_wish(self, size: int) -> None:
        """Raise ImportFailure if ``size`` bytes exceed the user's limit. Use this for a source that needs no space in
        scratch."""
        size += self.before
        if self.max_bytes is not None and size > self.max_bytes:
            message = f"The source has {size} bytes or more; requirements.maxSize is {self.max_bytes}."
            raise ImportFailure(Reason.SOURCE_TOO_LARGE, message)


class StallDetector:
    """Checks whether a source keeps a minimum rate. A server that sends only a few bytes from time to time does not
    keep this rate.

    The source is stalled if it takes longer than ``pace.seconds`` to send the bytes that are due in that time.
    """

    def __init__(self, pace: Pace, offset: int = 0, clock: Callable[[], float] = time.monotonic) -> None:
        self._pace, self._offset, self._clock = pace, offset, clock
        self.restart()

    def add(self, size: int) -> None:
        """Add the number of bytes that arrived."""
        self._brought += size
        if self._brought >= self._pace.rate * self._pace.seconds:
            self.restart()

    def restart(self) -> None:
        """Start a new measurement now."""
        self._brought, self._since = 0, self._clock()

    def pause(self) -> None:
        """Stop the measurement until ``restart`` is called."""
        self._since = float("inf")

    @property
    def is_stalled(self) -> bool:
        """Return whether the source has sent fewer bytes in the measured time than the minimum rate requires."""
        return self._clock() - self._since >= self._pace.seconds

    def check(self, offset: int) -> None:
        """Add the bytes up to ``offset`` of one file. Raises Interrupted for a stall."""
        self.add(offset - self._offset)
        self._offset = offset
        if self.is_stalled:
            rate = self._brought / (self._clock() - self._since)
            raise Interrupted(f"it sends only {rate:.0f} bytes a second", reason=Reason.STALLED)


class Throttle:
    """Limits reading to an average rate. Without a rate, it does nothing.

    All threads share one Throttle. The time for the bytes of one reader begins after the time for the bytes of all
    earlier readers.
    """

    def __init__(
        self,
        rate: int | None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._rate, self._clock, self._sleep = rate, clock, sleep
        self._free_at = clock()
        self._lock = threading.Lock()

    @property
    def chunk(self) -> int:
        """Number of bytes to read at once, small enough that no wait is long."""
        return CHUNK if self._rate is None else max(1024, min(CHUNK, self._rate // 4))

    def seconds(self, size: int) -> float:
        """Return the minimum number of seconds for ``size`` bytes."""
        return size / self._rate if self._rate else 0.0

    def took(self, size: int) -> None:
        """Sleep until the limited rate allows the ``size`` bytes that were read."""
        if self._rate is None:
            return
        with self._lock:
            now = self._clock()
            self._free_at = max(self._free_at, now) + size / self._rate
            pause = self._free_at - now
        self._sleep(pause)


CHUNK = 256 * 1024
"""Number of bytes to read at once."""
