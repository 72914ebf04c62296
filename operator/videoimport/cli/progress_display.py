"""Progress on the error stream: a bar on a terminal, otherwise a line every few seconds."""

import time
import unicodedata
from collections.abc import Callable
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console, Group, RenderableType
from rich.filesize import decimal
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from videoimport.api.videoimport_status import Stage, VideoImportStatus

_LINE_SECONDS = 5.0
_BAR_WIDTH = 30
_STYLES = {"Waiting": "dim", "Running": "", "Done": "green", "Failed": "red"}


class Display(Protocol):
    """Interface of a progress display."""

    def show(self, status: VideoImportStatus) -> None:
        """Show the present status."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def display(name: str, console: Console) -> Display:
    """Return a bar for a terminal, and lines for any other stream."""
    return Bar(name, console) if console.is_terminal else Lines(name, console)


class Bar:
    """A bar and one row for each stage. The bar is removed at the end, because the command then prints the outcome.

    The bar starts with the first progress. Before that, the worker process is started by a fork, and this process must
    have no other thread.
    """

    def __init__(self, name: str, console: Console) -> None:
        self._name = name
        self._live = Live(console=console, transient=True, refresh_per_second=8)

    def show(self, status: VideoImportStatus) -> None:
        """Show the present status."""
        self._live.start()
        self._live.update(drawn(self._name, status))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()


class Lines:
    """Progress as lines: one when the phase changes, and otherwise one every few seconds."""

    def __init__(self, name: str, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._name, self._console, self._clock = name, console, clock
        self._shown: tuple[float, str | None] = (float("-inf"), None)

    def show(self, status: VideoImportStatus) -> None:
        """Show the present status."""
        now, (last, phase) = self._clock(), self._shown
        if status.phase != phase or now - last >= _LINE_SECONDS:
            self._shown = (now, status.phase)
            say(self._console, f"{self._name}: {headline(status)}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Do nothing, because nothing is open."""


def say(console: Console, text: str, style: str = "") -> None:
    """Print a line without markup. Lines are wrapped only on a terminal."""
    console.print(Text(printable(text), style=style), soft_wrap=True)


def printable(text: str) -> str:
    """Return the text without the characters that control a terminal, because the text may come from an untrusted
    server.

    Spaces of all scripts are kept.
    """
    return "".join(letter if _is_harmless(letter) else "\N{REPLACEMENT CHARACTER}" for letter in text)


def _is_harmless(letter: str) -> bool:
    return letter.isprintable() or unicodedata.category(letter) == "Zs"


def headline(status: VideoImportStatus) -> str:
    """Return one line with the phase, percent, rate and time left. Unknown values are left out."""
    parts = [f"{status.phase or 'Pending'} {status.progress_percent or 0} %"]
    if status.bytes_per_second:
        parts.append(f"{decimal(status.bytes_per_second)}/s")
    if status.eta_seconds:
        parts.append(f"about {spoken(status.eta_seconds)} left")
    return ", ".join(parts)


def spoken(seconds: int) -> str:
    """Return a duration such as 14 s, 3:05 min or 1:02:03 h."""
    minutes, rest = divmod(seconds, 60)
    hours, minutes_left = divmod(minutes, 60)
    if hours:
        return f"{hours}:{minutes_left:02d}:{rest:02d} h"
    return f"{minutes}:{rest:02d} min" if minutes else f"{rest} s"


def drawn(name: str, status: VideoImportStatus) -> RenderableType:
    """Return the bar with its headline, and one row for each stage."""
    top = Table.grid(padding=(0, 1))
    bar = ProgressBar(total=100, completed=status.progress_percent or 0, width=_BAR_WIDTH)
    top.add_row(Text(name, style="bold"), bar, Text(headline(status)))
    stages = Table.grid(padding=(0, 2))
    for stage in status.stages:
        stages.add_row(
            *(Text(printable(cell), style=_STYLES[stage.state], overflow="ellipsis") for cell in _cells(stage))
        )
    return Group(top, stages)


def _cells(stage: Stage) -> tuple[str, ...]:
    percent = "" if stage.state == "Waiting" else f"{stage.percent:3d} %"
    moved = "" if stage.bytes_done is None else decimal(stage.bytes_done)
    if moved and stage.bytes_total:
        moved += f" of {decimal(stage.bytes_total)}"
    mode = ": ".join(word for word in (stage.mode, stage.why) if word)
    return f"  {stage.name}", percent, moved, mode
