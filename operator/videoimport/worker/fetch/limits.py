"""Limits that end a download which makes no progress, and that slow one down which would overload a source."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from videoimport.api.reasons import Reason
from videoimport.worker.fetch.http.response import Interrupted
from videoimport.worker.runtime.errors import ImportFailure


@dataclass(frozen=True, slots=True)
class Pace:
    """The minimum rate of a source: so many bytes a second, averaged over so many seconds."""

    rate: int
    seconds: float


@dataclass(frozen=True, slots=True)
class FetchLimits:
    """Of one source."""

    room_bytes: int
    max_bytes: int | None = None
    read_seconds: float = 30.0
    """Longest silence."""
    slow_seconds: float = 60.0
    """A stall is a rate below ``slow_rate`` for so long."""
    slow_rate: int = 1024
    """Bytes a second."""
    tail_seconds: float = 30.0
    """Maximum time for a file's end, which is fetched first: the encode cannot begin before."""
    before: int = 0
    """Bytes of other files of the same source, which count too."""

    @property
    def pace(self) -> Pace:
        """The least that the source has to bring."""
        return Pace(self.slow_rate, self.slow_seconds)

    def check(self, size: int) -> None:
        """Raises ImportFailure for more bytes than the user or the scratch volume allows."""
        self.check_wish(size)
        size += self.before
        if size > self.room_bytes:
            message = f"The source has {size} bytes or more; worker.scratch.size is {self.room_bytes}."
            advice = "Raise worker.scratch.size to about twice the size of the source."
            raise ImportFailure(Reason.SCRATCH_FULL, message, advice=advice)

    def check_wish(self, size: int) -> None:
        """Check a source that needs no space in scratch. Raises ImportFailure for more bytes than the user allows."""
        size += self.before
        if self.max_bytes is not None and size > self.max_bytes:
            message = f"The source has {size} bytes or more; requirements.maxSize is {self.max_bytes}."
            raise ImportFailure(Reason.SOURCE_TOO_LARGE, message)


class StallDetector:
    """Measures whether a source keeps the pace: a server that sends a byte now and then does not.

    It stalls once it takes longer than ``pace.seconds`` for the bytes that are due in that time.
    """

    def __init__(self, pace: Pace, offset: int = 0, clock: Callable[[], float] = time.monotonic) -> None:
        self._pace, self._offset, self._clock = pace, offset, clock
        self.restart()

    def add(self, size: int) -> None:
        """Count bytes that arrived."""
        self._brought += size
        if self._brought >= self._pace.rate * self._pace.seconds:
            self.restart()

    def restart(self) -> None:
        """Measure from now on."""
        self._brought, self._since = 0, self._clock()

    def pause(self) -> None:
        """Count no time until ``restart``."""
        self._since = float("inf")

    @property
    def is_stalled(self) -> bool:
        """Whether it takes too long."""
        return self._clock() - self._since >= self._pace.seconds

    def check(self, offset: int) -> None:
        """Count the bytes up to an offset in one file. Raises Interrupted for a stall."""
        self.add(offset - self._offset)
        self._offset = offset
        if self.is_stalled:
            rate = self._brought / (self._clock() - self._since)
            raise Interrupted(f"it sends only {rate:.0f} bytes a second", reason=Reason.STALLED)


class Throttle:
    """Holds a reader back to so many bytes a second in the mean; without a rate it does nothing. One for all threads:
    each reader sleeps for its own bytes, after the sleep for the bytes of others before it."""

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
        """Bytes to read at once, so that no wait is long."""
        return CHUNK if self._rate is None else max(1024, min(CHUNK, self._rate // 4))

    def seconds(self, size: int) -> float:
        """How long so many bytes take at least."""
        return size / self._rate if self._rate else 0.0

    def took(self, size: int) -> None:
        """So many bytes were read: sleep until they were due."""
        if self._rate is None:
            return
        with self._lock:
            now = self._clock()
            self._free_at = max(self._free_at, now) + size / self._rate
            pause = self._free_at - now
        self._sleep(pause)


CHUNK = 256 * 1024
"""Bytes read at once."""
