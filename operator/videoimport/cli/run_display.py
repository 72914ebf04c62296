"""The progress of a `run` on the error stream."""

from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.live import Live

from videoimport.api.labels import BULK_KIND, VIDEO_KIND
from videoimport.api.videoimport import VideoImport
from videoimport.cli.embedded.object_store import ObjectStore
from videoimport.cli.progress_display import drawn
from videoimport.cli.resource_display import LineDisplay, LiveDisplay, ResourceDisplay
from videoimport.controller.client.resources import Key, Raw


class RunDisplay(Protocol):
    """A display of the objects of a run."""

    def show(self, objects: ObjectStore) -> None:
        """Show the present state."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def choose_display(roots: tuple[Key, ...], console: Console, *, verbose: bool) -> RunDisplay:
    """Return the display that fits the stream. If ``verbose`` is true, the stream has the logs of the workers
    instead."""
    if verbose:
        return NoDisplay()
    if not console.is_terminal:
        return SharedDisplay(LineDisplay(console), roots)
    if len(roots) == 1 and roots[0].kind == VIDEO_KIND:
        return StageDisplay(roots[0], console)
    return SharedDisplay(LiveDisplay(console), None)


class StageDisplay:
    """A bar and one row for each stage of one VideoImport. The bar is removed at the end."""

    def __init__(self, root: Key, console: Console) -> None:
        self._root = root
        self._live = Live(console=console, transient=True, auto_refresh=False)

    def show(self, objects: ObjectStore) -> None:
        """Show the present state."""
        video = VideoImport.parse(objects.get(*self._root))
        self._live.update(drawn(video.metadata.name, video.status), refresh=True)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()


class SharedDisplay:
    """The display of `watch`. Only the resources in ``roots`` are shown. None means all resources."""

    def __init__(self, display: ResourceDisplay, roots: tuple[Key, ...] | None) -> None:
        self._display = display
        self._roots = roots

    def show(self, objects: ObjectStore) -> None:
        """Show the present state."""
        resources = (*objects.view("BulkImport"), *objects.view("VideoImport"))
        shown = [raw for raw in resources if self._is_shown(raw) and raw.get("status")]
        bulks = [raw for raw in shown if raw["kind"] == BULK_KIND]
        self._display.show(bulks, [raw for raw in shown if raw["kind"] == VIDEO_KIND])

    def _is_shown(self, raw: Raw) -> bool:
        metadata = raw["metadata"]
        return self._roots is None or Key(raw["kind"], metadata["namespace"], metadata["name"]) in self._roots

    def __enter__(self) -> Self:
        self._display.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._display.__exit__(kind, error, trace)


class NoDisplay:
    """Nothing."""

    def show(self, objects: ObjectStore) -> None:
        """Do nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Do nothing, because there is nothing to close."""
