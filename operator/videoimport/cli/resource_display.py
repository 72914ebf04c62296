"""The displays of several resources, for `watch` and `run`: a live table on a terminal, otherwise lines."""

import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.live import Live

from videoimport.cli.live_table import draw_table, format_line
from videoimport.cli.progress_display import say
from videoimport.cli.resource_facts import Raw, is_finished, phase_of, reference_of

_LINE_SECONDS = 5.0
_OTHER_LINES = 4
"""Number of terminal lines that are not for table rows: the heading, the line about hidden rows, and the prompt at the
end."""


class ResourceDisplay(Protocol):
    """A display of BulkImports and VideoImports."""

    def show(self, bulks: Sequence[Raw], videos: Sequence[Raw]) -> None:
        """Show the present state."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def choose_display(console: Console) -> ResourceDisplay:
    """Return the display that fits the stream."""
    return LiveDisplay(console) if console.is_terminal else LineDisplay(console)


class LiveDisplay:
    """A table that stays on the terminal with its last state.

    The display uses no thread, because `run` starts its workers with fork.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, auto_refresh=False)

    def show(self, bulks: Sequence[Raw], videos: Sequence[Raw]) -> None:
        """Show the present state."""
        most = max(1, self._console.height - _OTHER_LINES - len(bulks))
        self._live.update(draw_table(bulks, videos, most, self._console.width), refresh=True)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()


class LineDisplay:
    """A line for each resource when its phase changes, and for an active resource at most every five seconds."""

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._console, self._clock = console, clock
        self._printed: dict[str, tuple[str, str, float]] = {}

    def show(self, bulks: Sequence[Raw], videos: Sequence[Raw]) -> None:
        """Print a line for each changed resource."""
        now = self._clock()
        for resource in (*videos, *bulks):
            phase, line = phase_of(resource), format_line(resource)
            last_phase, last_line, when = self._printed.get(reference_of(resource), ("", "", now))
            if phase != last_phase or (line != last_line and (now - when >= _LINE_SECONDS or is_finished(resource))):
                self._printed[reference_of(resource)] = (phase, line, now)
                say(self._console, line)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Do nothing, because there is nothing to close."""
