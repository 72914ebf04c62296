"""The fetching process's mouth and ear: events out, one line each; the go-ahead in."""

import os
import sys
import time
from typing import Protocol

from videoimport.api.base import Model
from videoimport.worker.fetch.protocol import GO, Found, Moved

_PAUSE_SECONDS = 0.25
"""Between two Moved events."""


class Telling(Protocol):
    """Who wants to hear how far it is."""

    def tell(self, event: Model) -> None:
        """One event, at once."""

    def moved(self, done: int, total: int | None) -> None:
        """So many bytes of all files are there; not every word of it need be passed on."""


class Teller:
    """Writes events. Stray prints of libraries go to stderr, so that they cannot be taken for one."""

    def __init__(self) -> None:
        self._out = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)
        self._last = 0.0

    def tell(self, event: Model) -> None:
        """One event, at once."""
        self._out.write(event.model_dump_json(by_alias=True, exclude_none=True) + "\n")
        self._out.flush()

    def moved(self, done: int, total: int | None) -> None:
        """A Moved event, unless there was one a moment ago."""
        now = time.monotonic()
        if now - self._last >= _PAUSE_SECONDS:
            self._last = now
            self.tell(Moved(done=done, total=total))

    def found(self, found: Found) -> None:
        """Tell what was found and wait for the go-ahead. Ends this process when it never comes."""
        self.tell(found)
        if sys.stdin.readline().strip() != GO:
            sys.exit(0)
