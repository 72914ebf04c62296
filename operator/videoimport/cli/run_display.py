"""The progress of a `run` on the error stream: a live table on a terminal, otherwise a line every few seconds."""

import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live

from videoimport.api.videoimport import VideoImport
from videoimport.cli.embedded.object_store import ObjectStore
from videoimport.cli.live_table import draw_table, format_line
from videoimport.cli.progress_display import drawn, say
from videoimport.controller.client.resources import Key

_LINE_SECONDS = 5.0
_LEAST_ROWS = 3
_OTHER_LINES = 4
"""Lines of the table besides the rows: the heading, the line of the BulkImport, the counts, and the cursor."""


class LiveDisplay:
    """A table on a terminal. One VideoImport alone has one row for each stage. The table of several stays at the end.

    The display has no thread, because workers are started by a fork.
    """

    def __init__(self, roots: tuple[Key, ...], console: Console) -> None:
        self._roots = roots
        self._console = console
        self._live = Live(console=console, transient=_is_single_video(roots), auto_refresh=False)

    def show(self, objects: ObjectStore) -> None:
        """Show the present state."""
        if _is_single_video(self._roots):
            video = VideoImport.parse(objects.get(*self._roots[0]))
            self._live.update(drawn(video.metadata.name, video.status), refresh=True)
            return
        rows = max(_LEAST_ROWS, self._console.height - _OTHER_LINES)
        self._live.update(draw_table(objects.list("BulkImport"), objects.list("VideoImport"), rows), refresh=True)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()


class LineDisplay:
    """One line for each root when the phase changes, and otherwise every few seconds."""

    def __init__(self, roots: tuple[Key, ...], console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._roots, self._console, self._clock = roots, console, clock
        self._shown: dict[Key, tuple[float, str]] = {}

    def show(self, objects: ObjectStore) -> None:
        """Show the present state."""
        for root in self._roots:
            raw, now = objects.get(*root), self._clock()
            phase = raw.get("status", {}).get("phase", "")
            last, shown = self._shown.get(root, (float("-inf"), ""))
            if phase and (phase != shown or now - last >= _LINE_SECONDS):
                self._shown[root] = (now, phase)
                say(self._console, format_line(raw))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Do nothing, because nothing is open."""


class NoDisplay(LineDisplay):
    """Nothing, because the error stream has the logs of the workers."""

    def show(self, objects: ObjectStore) -> None:
        """Do nothing."""


def choose_display(roots: tuple[Key, ...], console: Console, *, verbose: bool) -> LiveDisplay | LineDisplay:
    """Return the display that fits the stream."""
    if verbose:
        return NoDisplay(roots, console)
    return LiveDisplay(roots, console) if console.is_terminal else LineDisplay(roots, console)


def _is_single_video(roots: tuple[Key, ...]) -> bool:
    return len(roots) == 1 and roots[0].kind == "VideoImport"
