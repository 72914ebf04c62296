"""How far it is, on the error stream: a bar that moves on a terminal, elsewhere a line every few seconds."""

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
    """Shows a status each time there is news."""

    def show(self, status: VideoImportStatus) -> None:
        """Show the present state."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def display(name: str, console: Console) -> Display:
    """The one that fits the stream."""
    return Bar(name, console) if console.is_terminal else Lines(name, console)


class Bar:
    """A bar and a row a stage; removed at the end, when the outcome is printed. Begins with the first progress. Until
    then the worker is started, and this process must have no other thread when it forks."""

    def __init__(self, name: str, console: Console) -> None:
        self._name = name
        self._live = Live(console=console, transient=True, refresh_per_second=8)

    def show(self, status: VideoImportStatus) -> None:
        """Show the present state."""
        self._live.start()
        self._live.update(drawn(self._name, status))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()


class Lines:
    """A line whenever the phase changes, and else every few seconds."""

    def __init__(self, name: str, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._name, self._console, self._clock = name, console, clock
        self._shown: tuple[float, str | None] = (float("-inf"), None)

    def show(self, status: VideoImportStatus) -> None:
        """Show the present state."""
        now, (last, phase) = self._clock(), self._shown
        if status.phase != phase or now - last >= _LINE_SECONDS:
            self._shown = (now, status.phase)
            say(self._console, f"{self._name}: {headline(status)}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is left open."""


def say(console: Console, text: str, style: str = "") -> None:
    """A line as it is: no markup in it, and not wrapped if the output is no terminal."""
    console.print(Text(printable(text), style=style), soft_wrap=True)


def printable(text: str) -> str:
    """Without control characters of a terminal, because text of an untrusted server may be in it. Spaces of every
    script stay."""
    return "".join(letter if _is_harmless(letter) else "\N{REPLACEMENT CHARACTER}" for letter in text)


def _is_harmless(letter: str) -> bool:
    return letter.isprintable() or unicodedata.category(letter) == "Zs"


def headline(status: VideoImportStatus) -> str:
    """Phase, percent, rate and time left, as far as they are known."""
    parts = [f"{status.phase or 'Pending'} {status.progress_percent or 0} %"]
    if status.bytes_per_second:
        parts.append(f"{decimal(status.bytes_per_second)}/s")
    if status.eta_seconds:
        parts.append(f"about {spoken(status.eta_seconds)} left")
    return ", ".join(parts)


def spoken(seconds: int) -> str:
    """14 s, 3:05 min or 1:02:03 h."""
    minutes, rest = divmod(seconds, 60)
    hours, minutes_left = divmod(minutes, 60)
    if hours:
        return f"{hours}:{minutes_left:02d}:{rest:02d} h"
    return f"{minutes}:{rest:02d} min" if minutes else f"{rest} s"


def drawn(name: str, status: VideoImportStatus) -> RenderableType:
    """The bar with its headline, and a row for each stage."""
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
