"""The source during the download: its files as they grow, and their end or failure, passed to their readers."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from videoimport.worker.fetch.protocol import Fetched
from videoimport.worker.runtime.growing_file import Growing
from videoimport.worker.source.fetch_client import Fetching
from videoimport.worker.source.files import Source, Sources
from videoimport.worker.source.loopback_server import ServedFile, Serving, StreamReader

_LOOK_SECONDS = 0.05


class Arrival:
    """A fetch in progress. Every failure of it is raised by ``sources``, ``check`` and ``whole``."""

    def __init__(self, fetching: Fetching, serving: Serving, arrived: Callable[[int], None]) -> None:
        self._fetching, self._serving = fetching, serving
        self._arrived = arrived
        self._files: dict[Path, Growing] = {}
        self._lock = threading.Lock()
        self._trouble: Callable[[], None] = lambda: None
        self._restarts = 0

    def sources(self) -> Sources:
        """The files, once each has its first bytes."""
        found = self._fetching.sources()
        for source in found.all:
            self._files[source.path] = Growing(source.path, source.size, finished=source.finished)
        self._restarts = self._fetching.restarts
        threading.Thread(target=self._follow, daemon=True).start()
        return found

    @property
    def restarted(self) -> bool:
        """Whether the download began anew since ``sources``: what was made of it is void."""
        return self._fetching.restarts != self._restarts

    def check(self) -> None:
        """Raise what the fetching failed of, if it did."""
        self._fetching.is_whole(Path())

    def whole(self) -> Fetched:
        """All of it."""
        return self._fetching.finish()

    def growing(self, source: Source) -> Growing:
        """A file of ``sources``, as it grows."""
        return self._files[source.path]

    def reader(self, source: Source, strayed: Callable[[], None] = lambda: None) -> StreamReader:
        """A loopback address to read a file of ``sources`` at."""
        return self._serving.reader(ServedFile.of(self._files[source.path], source.tail), strayed)

    @contextlib.contextmanager
    def telling(self, trouble: Callable[[], None]) -> Iterator[None]:
        """Inside, ``trouble`` is called, from a thread, as soon as the growing file is of no more use."""
        with self._lock:
            self._trouble = trouble
        try:
            yield
        finally:
            with self._lock:
                self._trouble = lambda: None

    def _follow(self) -> None:
        with contextlib.suppress(BaseException):  # raised again in the reader's call
            if self._all_came():
                self._arrived(sum(file.size for file in self._files.values()))
                return
        for file in self._files.values():
            file.fail()
        with self._lock:
            self._trouble()

    def _all_came(self) -> bool:
        while not all(file.ended for file in self._files.values()):
            self._fetching.wait(_LOOK_SECONDS)
            if self.restarted:
                return False
            for path, file in self._files.items():
                # Looked at in this order: once all is fetched, a file that was thrown away counts as whole, too.
                if not file.ended and self._fetching.is_whole(path) and not self.restarted:
                    file.end()
        return True
