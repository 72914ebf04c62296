"""The queue of keys.

The queue holds each key at most once, and no two workers process the same key. A key is due at once or at a given time.
The delay grows with each failure in a row.
"""

import asyncio
import heapq
import random
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from videoimport.controller.client.resources import Key

Clock = Callable[[], float]
LEAST_REST = 0.02
LONGEST_REST = 5.0


@dataclass(frozen=True, slots=True)
class Backoff:
    """Delays in seconds. The delay doubles from ``base`` to ``cap``. The actual delay is random, between half the delay
    and the whole delay."""

    base: float = 0.1
    cap: float = 60.0

    def delay(self, failures: int, chance: float) -> float:
        """Return the delay after this number of failures in a row. ``chance`` is between 0 and 1."""
        whole = min(self.cap, self.base * 2.0 ** min(failures - 1, 30))
        return whole * (0.5 + 0.5 * chance)


@dataclass(order=True, slots=True)
class _Delayed:
    due: float
    key: Key = field(compare=False)


class KeyedQueue:
    """A queue for one event loop. ``get`` takes a key, and ``done`` returns the key.

    If a key is added during its processing, ``get`` returns the key again after ``done``.
    """

    def __init__(self, backoff: Backoff = Backoff(), clock: Clock = time.monotonic) -> None:
        self._backoff = backoff
        self._clock = clock
        self._ready: deque[Key] = deque()
        self._since: dict[Key, float] = {}
        """Time when each waiting key was added. Exactly the keys that must be processed (again) have an entry."""
        self._taken: dict[Key, float] = {}
        """Time when each key that is being processed was taken."""
        self._delayed: list[_Delayed] = []
        self._due: dict[Key, float] = {}
        """Earliest due time of each delayed key. All other entries of the heap are void."""
        self._rests: dict[Key, float] = {}
        """Time before which a key must not be processed, whatever adds the key."""
        self._failures: dict[Key, int] = {}
        self._wakeup = asyncio.Event()
        self._closed = False

    def close(self) -> None:
        """Close the queue: ``get`` returns no more keys. Workers may finish the keys that they are processing."""
        self._closed = True
        self._wakeup.set()

    def add(self, key: Key) -> None:
        """Make the key due as soon as its pause is over."""
        if key in self._since:
            return
        if key in self._taken:
            self._since[key] = self._clock()
        elif (left := self._rests.get(key, 0.0) - self._clock()) > 0:
            self.add_after(key, left)
        else:
            self._rests.pop(key, None)
            self._since[key] = self._clock()
            self._ready.append(key)
            self._wakeup.set()

    def add_after(self, key: Key, seconds: float) -> None:
        """Make the key due after this number of seconds, unless the key is due earlier."""
        if seconds <= 0:
            self.add(key)
            return
        due = self._clock() + seconds
        if due < self._due.get(key, float("inf")):
            self._due[key] = due
            heapq.heappush(self._delayed, _Delayed(due, key))
            self._wakeup.set()

    def retry(self, key: Key, at_least: float = 0.0) -> float:
        """Make the key due after its backoff, and not before ``at_least`` seconds. Return the delay in seconds."""
        self._failures[key] = self._failures.get(key, 0) + 1
        delay = max(at_least, self._backoff.delay(self._failures[key], random.random()))  # noqa: S311
        self.add_after(key, delay)
        return delay

    def rest(self, key: Key, seconds: float) -> None:
        """Set a pause after the key that is being processed.

        All additions during the pause together cause only one more reconcile. So a slow key cannot use all the time of
        the workers. Pauses below ``LEAST_REST`` are ignored.
        """
        if seconds >= LEAST_REST:
            self._rests[key] = self._clock() + min(seconds, LONGEST_REST)

    def succeeded(self, key: Key) -> None:
        """Reset the failures of the key. Its next failure then counts as the first."""
        self._failures.pop(key, None)

    async def get(self) -> Key | None:
        """Wait for a due key, and return the key that has waited longest. Return None after the queue is closed."""
        while not self._closed:
            self._wakeup.clear()
            self._promote()
            if self._ready:
                key = self._ready.popleft()
                del self._since[key]
                self._taken[key] = self._clock()
                if self._ready:
                    self._wakeup.set()  # for the next worker
                return key
            try:
                async with asyncio.timeout(self._until_due()):
                    await self._wakeup.wait()
            except TimeoutError:
                continue
        self._wakeup.set()  # for the next worker
        return None

    def done(self, key: Key) -> None:
        """Record that the worker has finished the key."""
        del self._taken[key]
        if self._since.pop(key, None) is not None:
            self.add(key)

    @property
    def depth(self) -> int:
        """Number of keys that must be processed now."""
        return len(self._since)

    @property
    def head_age(self) -> float:
        """Seconds for which the oldest key has waited or has been in processing. The value is 0 if there is no such
        key."""
        starts = [*list(self._since.values()), *list(self._taken.values())]
        return self._clock() - min(starts) if starts else 0.0

    def _promote(self) -> None:
        now = self._clock()
        while self._delayed and self._delayed[0].due <= now:
            entry = heapq.heappop(self._delayed)
            if self._due.get(entry.key) == entry.due:
                del self._due[entry.key]
                self.add(entry.key)

    def _until_due(self) -> float | None:
        return max(0.0, self._delayed[0].due - self._clock()) if self._delayed else None
