"""The displays of an upload: a bar for each file on a terminal, otherwise lines."""

import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.filesize import decimal
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from videoimport.cli.progress_display import printable, say, spoken
from videoimport.cli.upload.local_file import LocalFile

SENDING = "sending"
"""The words while bytes are sent."""
_LINE_SECONDS = 5.0
_MOST_NAME = 40


class UploadDisplay:
    """The progress of all files. The methods may be called from several threads."""

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._console, self._clock = console, clock
        columns = (BarColumn(20), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
        name, words = TextColumn("{task.description}", markup=False), TextColumn("{task.fields[words]}", markup=False)
        self._progress = Progress(name, *columns, words, console=console)

    def add(self, file: LocalFile) -> "FileRow":
        """Return the row of a file."""
        name = printable(file.name)
        shown = name if len(name) <= _MOST_NAME else f"{name[: _MOST_NAME - 1]}…"
        task = self._progress.add_task(shown, total=file.size, words="")
        return FileRow(self, task, name)

    def say(self, text: str) -> None:
        """Print a line above the bars."""
        say(self._progress.console, text)

    def update(self, task: TaskID, **changes: object) -> None:
        """Change the row of a file."""
        self._progress.update(task, **changes)  # type: ignore[arg-type]  # one of the columns' fields

    def restart(self, task: TaskID, offset: int) -> None:
        """Measure the speed of a file from this offset on."""
        self._progress.reset(task, completed=offset)

    def describe(self, task: TaskID, words: str) -> str:
        """Return the numbers of a file and the words on one line, such as ``45 %, 12.3 MB/s, 30 s left, sending``."""
        found = next(row for row in self._progress.tasks if row.id == task)
        parts = [f"{int(found.percentage)} %"]
        if words == SENDING and found.speed and found.time_remaining:
            parts += [f"{decimal(int(found.speed))}/s", f"{spoken(int(found.time_remaining))} left"]
        return ", ".join((*parts, words))

    @property
    def is_live(self) -> bool:
        """Return whether the display draws bars."""
        return self._console.is_terminal

    def read_clock(self) -> float:
        """Return the time in seconds for the pauses between lines."""
        return self._clock()

    def __enter__(self) -> Self:
        if self.is_live:
            self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.is_live:
            self._progress.stop()


class FileRow:
    """The row of one file. Only the thread of this file calls its methods."""

    def __init__(self, display: UploadDisplay, task: TaskID, name: str) -> None:
        self._display, self._task, self._name = display, task, name
        self._words, self._printed = "", display.read_clock()

    def start(self, offset: int) -> None:
        """Show the number of bytes that the worker has."""
        self._display.restart(self._task, offset)

    def move(self, offset: int) -> None:
        """Show the number of bytes that were sent."""
        self._display.update(self._task, completed=offset)

    def tell(self, words: str) -> None:
        """Show what happens now. Without a terminal, print a line for other words and at most every five seconds."""
        now, phase = self._display.read_clock(), words.partition(" ")[0]
        is_new = phase != self._words.partition(" ")[0]
        self._words = words
        self._display.update(self._task, words=words)
        if not self._display.is_live and (is_new or now - self._printed >= _LINE_SECONDS):
            self._printed = now
            self._display.say(f"{self._name}: {self._display.describe(self._task, words)}")
