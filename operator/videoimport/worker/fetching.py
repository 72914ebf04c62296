"""The worker's side of fetching: starts the guarded process, tells it what to fetch and hears how far it is."""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from videoimport.api.quantity import bytes_of
from videoimport.api.reasons import Reason
from videoimport.api.task import DESTINATION_CREDENTIALS_PATH, Task
from videoimport.worker.errors import ImportFailure
from videoimport.worker.fetch.protocol import EVENTS, Event, Failed, Fetched, File, Found, Hashed, Moved, Request
from videoimport.worker.processes import Child, Children
from videoimport.worker.source import Source, Sources

_KEPT = ("PATH", "LANG", "LC_ALL", "TZ", "PYTHONPATH", "SSL_CERT_FILE", "SSL_CERT_DIR")
"""Of the environment; proxies above all are left out."""


@dataclass(frozen=True, slots=True)
class Pace:
    """The least that a source has to bring: so many bytes a second, in the mean of so many seconds.

    The window is longer than all tries of the fetching process's own, so that their reasons come first, and it is all
    the time that there is for finding a page's video.
    """

    rate: int = 1024
    seconds: float = 300.0


class Watch:
    """Ends a child that brings less. It sees bytes only, so no server can drip for ever, whoever reads from it."""

    def __init__(self, child: Child, pace: Pace) -> None:
        self._child, self._pace = child, pace
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._last: dict[type[Event], int] = {}
        self._brought = 0
        self._since = time.monotonic()
        self.tripped = False

    @contextmanager
    def on(self) -> Iterator[None]:
        """Watch inside."""
        threading.Thread(target=self._look, daemon=True).start()
        try:
            yield
        finally:
            self._over.set()

    def brought(self, event: Moved | Hashed) -> None:
        """So far; what starts over counts from there."""
        with self._lock:
            self._brought += max(0, event.done - self._last.get(type(event), 0))
            self._last[type(event)] = event.done
            if self._brought >= self._pace.rate * self._pace.seconds:
                self._restart()

    @contextmanager
    def paused(self) -> Iterator[None]:
        """What takes time inside is not the source's doing."""
        with self._lock:
            self._since = float("inf")
        try:
            yield
        finally:
            with self._lock:
                self._restart()

    def _restart(self) -> None:
        self._brought, self._since = 0, time.monotonic()

    def _look(self) -> None:
        while not self._over.wait(self._pace.seconds / 20):
            with self._lock:
                self.tripped = time.monotonic() - self._since > self._pace.seconds
            if self.tripped:
                self._child.kill()
                return

    @property
    def failure(self) -> ImportFailure:
        """What is to be said of it."""
        told = f"The source brought less than {self._pace.rate} bytes a second for {self._pace.seconds:g} seconds."
        return ImportFailure(Reason.STALLED, told)


def request_of(task: Task, folder: Path, credentials: Path) -> Request:
    """What the fetching process is to do for a task."""
    requirements = task.spec.requirements
    return Request(
        url=task.spec.source.address,
        folder=str(folder),
        max_height=task.spec.output.video.max_height,
        max_bytes=bytes_of(requirements.max_size) if requirements and requirements.max_size else None,
        room_bytes=bytes_of(task.spec.worker.scratch.size),
        allowed_networks=task.allowed_networks,
        shut_paths=(DESTINATION_CREDENTIALS_PATH, str(credentials)),
    )


def environment(outer: Mapping[str, str], folder: Path) -> dict[str, str]:
    """The fetching process's: nothing writes outside scratch, no plug-ins, no proxies, no keys."""
    kept = {name: outer[name] for name in _KEPT if name in outer}
    own = dict.fromkeys(("HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "DENO_DIR"), str(folder))
    return kept | own | {"YTDLP_NO_PLUGINS": "1", "DENO_NO_UPDATE_CHECK": "1", "PYTHONUNBUFFERED": "1"}


def start(children: Children, folder: Path) -> Child:
    """The fetching process, idle until ``fetch`` tells it what to do: it gets ready while the destination is asked."""
    argv = (sys.executable, "-P", "-m", "videoimport.worker.fetch")
    return children.start(argv, env=environment(os.environ, folder), logs_itself=True)


def fetch(
    child: Child,
    request: Request,
    found: Callable[[Found], None],
    moved: Callable[[int, int | None], None],
    pace: Pace = Pace(),
) -> Fetched:
    """Fetch it all. Raises ImportFailure with the fetching process's reason, or STALLED for a source below the pace."""
    child.tell(request.model_dump_json(by_alias=True))
    last: Event | None = None
    watch = Watch(child, pace)
    with watch.on():
        for line in child.lines():
            last = _event(line)
            if isinstance(last, Found):
                with watch.paused():
                    found(last)
            elif isinstance(last, Moved):
                watch.brought(last)
                moved(last.done, last.total)
            elif isinstance(last, Hashed):
                watch.brought(last)
        ended = child.ended()
    if isinstance(last, Fetched):
        return last
    if isinstance(last, Failed):
        raise ImportFailure(last.reason, last.message)
    if watch.tripped:
        raise watch.failure
    raise ImportFailure(Reason.INTERNAL, f"The fetching process ended with code {ended.code} and said nothing.")


def _event(line: str) -> Event:
    try:
        return EVENTS.validate_json(line)
    except ValidationError:
        raise ImportFailure(Reason.INTERNAL, "The fetching process said what nobody understands.") from None


def sources_of(fetched: Fetched) -> Sources:
    """What was fetched, as the transcoder wants it."""
    return Sources(_source(fetched.video), _source(fetched.audio) if fetched.audio else None)


def _source(file: File) -> Source:
    return Source(Path(file.path), seekable=file.seekable, size=file.size, finished=True, sha256=file.sha256)
