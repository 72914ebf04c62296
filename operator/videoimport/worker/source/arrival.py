"""The source during the download. This module gives the growing files to readers, and informs the readers about the
end or a failure."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from videoimport.worker.fetch.process_messages import Fetched
from videoimport.worker.runtime.growing_file import Growing
from videoimport.worker.source.fetch_client import Fetching
from videoimport.worker.source.files import Source, Sources
from videoimport.worker.source.loopback_server import ServedFile, Serving, StreamReader

_LOOK_SECONDS = 0.05


class Arrival:
    """A fetch in progress. ``sources``, ``check`` and ``whole`` raise every failure of the fetch."""

    def __init__(self, fetching: Fetching, serving: Serving, arrived: Callable[[int], None]) -> None:
        self._fetching, self._serving = fetching, serving
        self._arrived = arrived
        self._files: dict[Path, Growing] = {}
        self._lock = threading.Lock()
        self._trouble: Callable[[], None] = lambda: None
        self._restarts = 0

    def sources(self) -> Sources:
        """Wait until each file has its first bytes, and return the files."""
        found = self._fetching.sources()
        for source in found.all:
            self._files[source.path] = Growing(source.path, source.size, finished=source.finished)
        self._restarts = self._fetching.restarts
        threading.Thread(target=self._follow, daemon=True).start()
        return found

    @property
    def restarted(self) -> bool:
        """True if the download started again after ``sources``. Then results from the earlier files are invalid."""
        return self._fetching.restarts != self._restarts

    def check(self) -> None:
        """Raise the failure if the fetch has failed."""
        self._fetching.is_whole(Path())

    def whole(self) -> Fetched:
        """Wait until the fetch is complete, and return the fetched files and facts."""
        return self._fetching.finish()

    def growing(self, source: Source) -> Growing:
        """Return a file of ``sources`` as a growing file."""
        return self._files[source.path]

    def reader(self, source: Source, strayed: Callable[[], None] = lambda: None) -> StreamReader:
        """Return a reader with a loopback address for a file of ``sources``."""
        return self._serving.reader(ServedFile.of(self._files[source.path], source.tail), strayed)

    @contextlib.contextmanager
    def telling(self, trouble: Callable[[], None]) -> Iterator[None]:
        """While the ``with`` block is active, ``trouble`` is called from another thread if the growing files become
        unusable."""
        with self._lock:
            self._trouble = trouble
        try:
            yield
        finally:
            with self._lock:
                self._trouble = lambda: None

    def _follow(self) -> None:
        with contextlib.suppress(BaseException):  # ``Fetching`` raises the failure again when it is called
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
                # This order is required. Once all is fetched, ``is_whole`` is also true for a discarded file.
                if not file.ended and self._fetching.is_whole(path) and not self.restarted:
                    file.end()
        return True
