"""The queue of keys. It has each key at most once, and no two workers process the same key. A key is due at once or at
a time; the delay grows with each failure in a row."""

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
    """Delays in seconds: doubling from ``base`` to ``cap``, each a random part between half and whole."""

    base: float = 0.1
    cap: float = 60.0

    def delay(self, failures: int, chance: float) -> float:
        """After so many failures in a row; ``chance`` is between 0 and 1."""
        whole = min(self.cap, self.base * 2.0 ** min(failures - 1, 30))
        return whole * (0.5 + 0.5 * chance)


@dataclass(order=True, slots=True)
class _Delayed:
    due: float
    key: Key = field(compare=False)


class KeyedQueue:
    """For one event loop. ``get`` takes a key, ``done`` gives it back; a key added meanwhile comes again after that."""

    def __init__(self, backoff: Backoff = Backoff(), clock: Clock = time.monotonic) -> None:
        self._backoff = backoff
        self._clock = clock
        self._ready: deque[Key] = deque()
        self._since: dict[Key, float] = {}
        """When each waiting key was added. It has exactly the keys that must be processed (again)."""
        self._taken: dict[Key, float] = {}
        """When each key that is being processed was taken."""
        self._delayed: list[_Delayed] = []
        self._due: dict[Key, float] = {}
        """The earliest time each delayed key is wanted; other entries of the heap are void."""
        self._rests: dict[Key, float] = {}
        """Until when a key is not to be processed, whatever adds it."""
        self._failures: dict[Key, int] = {}
        self._wakeup = asyncio.Event()
        self._closed = False

    def close(self) -> None:
        """Give out no more keys; those that are being processed may be finished."""
        self._closed = True
        self._wakeup.set()

    def add(self, key: Key) -> None:
        """Process it as soon as its pause is over and a worker is free."""
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
        """Process it in so many seconds, or earlier when that is wanted already."""
        if seconds <= 0:
            self.add(key)
            return
        due = self._clock() + seconds
        if due < self._due.get(key, float("inf")):
            self._due[key] = due
            heapq.heappush(self._delayed, _Delayed(due, key))
            self._wakeup.set()

    def retry(self, key: Key, at_least: float = 0.0) -> float:
        """Process it again after its backoff; the delay in seconds."""
        self._failures[key] = self._failures.get(key, 0) + 1
        delay = max(at_least, self._backoff.delay(self._failures[key], random.random()))  # noqa: S311
        self.add_after(key, delay)
        return delay

    def rest(self, key: Key, seconds: float) -> None:
        """Called while it is processed: do not give it out again before. What is added meanwhile is one more round, not
        many: so a key that is dear to decide upon takes no more than its share. Short pauses are not worth it."""
        if seconds >= LEAST_REST:
            self._rests[key] = self._clock() + min(seconds, LONGEST_REST)

    def succeeded(self, key: Key) -> None:
        """Its next failure counts as the first."""
        self._failures.pop(key, None)

    async def get(self) -> Key | None:
        """The key that waits longest; waits for one. None once the queue is closed."""
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
        """The worker is through with it."""
        del self._taken[key]
        if self._since.pop(key, None) is not None:
            self.add(key)

    @property
    def depth(self) -> int:
        """How many keys wait to be processed now."""
        return len(self._since)

    @property
    def head_age(self) -> float:
        """Seconds since the key that waits or is worked on longest was added or taken; 0 when there is none."""
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
