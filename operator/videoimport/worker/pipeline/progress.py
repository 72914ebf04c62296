"""The progress of the run. The pipeline records progress on one ``Board``, and a ``Ticker`` regularly prints the whole
state."""

import contextlib
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from videoimport.api.tasks.import_report import Progress
from videoimport.api.videoimport_status import SourceStatus, Stage, StageMode, StageName, VideoMetadata
from videoimport.media.transcode.progress import percent

RATE_SECONDS = 10.0
"""Seconds over which the rate is computed."""

State = Literal["Waiting", "Running", "Done", "Failed"]


@dataclass(slots=True)
class _StageNow:
    """The present state of a stage. Times are of the monotonic clock."""

    state: State = "Waiting"
    done: int = 0
    total: int | None = None
    percent: int = 0
    began: float | None = None
    ended: float | None = None
    mode: StageMode | None = None
    why: str | None = None
    moved: deque[tuple[float, int]] = field(default_factory=deque)
    counts_bytes: bool = False

    def shown(self, name: StageName, now: float) -> Stage:
        """Return the stage as the API shows it."""
        seconds = None if self.began is None else int((self.ended or now) - self.began)
        moved = (self.done, self.total) if self.counts_bytes else (None, None)
        return Stage(
            name=name, state=self.state, percent=self.percent, bytes_done=moved[0], bytes_total=moved[1],
            seconds=seconds, mode=self.mode, why=self.why,
        )  # fmt: skip

    def rate(self, now: float) -> int | None:
        """Return the recent rate in bytes per second, or None for a stage without bytes."""
        if not self.counts_bytes or len(self.moved) < 2:
            return None
        (since, before), (_, done) = self.moved[0], self.moved[-1]
        return max(0, int((done - before) / (now - since))) if now > since else None


class Board:
    """The run's stages and the known facts of the source. Any thread may call every method."""

    def __init__(self, run: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._run = run
        self._clock = clock
        self._lock = threading.RLock()
        self._stages = {name: _StageNow() for name in StageName}
        self._source: SourceStatus | None = None
        self._metadata: VideoMetadata | None = None
        self._validated = False
        self._moved_at = clock()
        self._checks = 0

    def touch(self) -> None:
        """Record progress that changes no stage, such as progress of a check."""
        self._moved_at = self._clock()

    def still(self) -> tuple[float, StageName | None]:
        """Return the seconds since the last progress, and the name of the first running stage."""
        with self._lock:
            running = (name for name, stage in self._stages.items() if stage.state == "Running")
            return self._clock() - self._moved_at, next(running, None)

    @property
    def checking(self) -> bool:
        """True while a check runs. A check is not part of a stage."""
        return self._checks > 0

    @contextlib.contextmanager
    def check(self) -> Iterator[None]:
        """Mark the time of the ``with`` block as a check."""
        with self._lock:
            self._checks += 1
        try:
            yield
        finally:
            with self._lock:
                self._checks -= 1
            self.touch()

    def start(self, name: StageName) -> None:
        """Record that a stage starts."""
        with self._lock:
            stage, now = self._stages[name], self._clock()
            stage.state, stage.began, stage.ended = "Running", stage.began or now, None
            self._moved_at = now

    def wait(self, name: StageName) -> None:
        """Record that a stage will start again. Its old percentage stays until the new percentage is higher."""
        with self._lock:
            self._stages[name].state = "Waiting"

    def moved(self, name: StageName, done: int, total: int | None) -> None:
        """Record the number of bytes that a stage has processed. The percentage never decreases, even if the number
        starts again from 0."""
        with self._lock:
            stage, now = self._stages[name], self._clock()
            if done != stage.done:
                self._moved_at = now
            if done < stage.done:
                stage.moved.clear()
            stage.done, stage.total, stage.counts_bytes = done, total, True
            stage.moved.append((now, done))
            while now - stage.moved[0][0] > RATE_SECONDS:
                stage.moved.popleft()
            stage.percent = max(stage.percent, min(99, percent(done, total)))

    def reached(self, name: StageName, part: int) -> None:
        """Record the percentage of a stage."""
        with self._lock:
            self._stages[name].percent = max(self._stages[name].percent, min(99, part))

    def decided(self, mode: StageMode, why: str, name: StageName = StageName.TRANSCODE) -> None:
        """Record the mode of a stage, and the reason for it."""
        with self._lock:
            self._stages[name].mode = mode
            self._stages[name].why = why[:256]

    def finish(self, name: StageName) -> None:
        """Record that a stage is done."""
        with self._lock:
            stage = self._stages[name]
            stage.state, stage.percent, stage.ended = "Done", 100, self._clock()
            self._moved_at = stage.ended

    def fail(self) -> None:
        """Record that the running stages failed."""
        with self._lock:
            for stage in self._stages.values():
                if stage.state == "Running":
                    stage.state, stage.ended = "Failed", self._clock()

    def know(
        self, source: SourceStatus | None = None, metadata: VideoMetadata | None = None, *, validated: bool = False
    ) -> None:
        """Record new facts of the source. An argument that is missing leaves the old fact unchanged."""
        with self._lock:
            self._source = source or self._source
            self._metadata = metadata or self._metadata
            self._validated = self._validated or validated

    def snapshot(self) -> Progress:
        """Return the present progress of all stages."""
        with self._lock:
            now = self._clock()
            running = next((stage for stage in self._stages.values() if stage.state == "Running"), None)
            return Progress(
                run=self._run,
                stages=tuple(stage.shown(name, now) for name, stage in self._stages.items()),
                bytes_per_second=running.rate(now) if running else None,
                source=self._source,
                metadata=self._metadata,
                validated=self._validated,
            )

    def is_done(self, name: StageName) -> bool:
        """Return whether a stage has ended with success."""
        with self._lock:
            return self._stages[name].state == "Done"

    def percent(self, name: StageName) -> int:
        """Return the percentage of a stage."""
        with self._lock:
            return self._stages[name].percent

    def bytes_done(self, name: StageName) -> int:
        """Return the number of bytes that a stage has processed."""
        with self._lock:
            return self._stages[name].done


class Ticker:
    """Prints the progress as a JSON line on stdout, at least every ``seconds`` seconds and on request."""

    def __init__(self, board: Board, seconds: float) -> None:
        self._board = board
        self._seconds = seconds
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._tick, daemon=True)

    def start(self) -> None:
        """Start printing, until ``stop``."""
        self._thread.start()

    def stop(self) -> None:
        """Stop printing, except for lines requested with ``print``."""
        self._over.set()

    def print(self) -> None:
        """Print one line now. If nothing reads stdout, the line is lost without an error."""
        line = self._board.snapshot().model_dump_json(by_alias=True, exclude_none=True) + "\n"
        with self._lock, contextlib.suppress(OSError):
            _write_all(1, line.encode())

    def _tick(self) -> None:
        while not self._over.wait(self._seconds):
            self.print()


def _write_all(descriptor: int, data: bytes) -> None:
    while data:
        data = data[os.write(descriptor, data) :]
