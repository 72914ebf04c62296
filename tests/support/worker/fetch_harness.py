"""Running the real fetching process for a request, without the rest of a run."""

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from support.worker.worker_harness import LOOPBACK
from videoimport.worker.fetch.limits import Pace
from videoimport.worker.fetch.process_messages import Fetched, Found, Request
from videoimport.worker.runtime.errors import ImportFailure
from videoimport.worker.runtime.subprocesses import Children
from videoimport.worker.source import fetch_client as fetching
from videoimport.worker.source.fetch_client import Fetching
from videoimport.worker.source.stall_monitor import USUAL


def go_when_found(under_way: Fetching, on_found: Callable[[Found], None] = lambda _: None) -> Fetching:
    """Lets it fetch all of it, without waiting for that; a failure is for whoever asks the fetching."""

    def go() -> None:
        with suppress(ImportFailure):
            on_found(under_way.found())
            under_way.go()

    threading.Thread(target=go, daemon=True).start()
    return under_way


@dataclass
class FetchHarness:
    """Starts fetching processes that may reach loopback."""

    children: Children
    folder: Path
    """Where files go."""
    found: list[Found] = field(default_factory=list)
    moved: list[tuple[int, int | None]] = field(default_factory=list)
    on_found: Callable[[Found], None] = lambda _: None
    on_news: Callable[[], None] = lambda: None
    """Hears of what goes on without bytes of the source."""

    def secret(self, **keys: str) -> dict[str, str]:
        """What a request says of a Secret with these keys; ``__`` in a name stands for a dot."""
        folder = self.folder / "secret"
        folder.mkdir(exist_ok=True)
        for name, content in keys.items():
            (folder / name.replace("__", ".")).write_text(content)
        return {"secret": "source-login", "secret_folder": str(folder)}

    def begin(self, *, pace: Pace = USUAL, **wish: Any) -> Fetching:
        scratch = self.folder / "scratch"
        scratch.mkdir(exist_ok=True)
        defaults: dict[str, Any] = {"max_height": 1080, "room_bytes": 2**40, "allowed_networks": LOOPBACK}
        request = Request(**{"folder": str(scratch), **defaults, **wish})
        child = fetching.start(self.children, scratch)
        under_way = fetching.begin(
            child, request, lambda *moved: self.moved.append(moved), pace, lambda: self.on_news()
        )
        return go_when_found(under_way, self._found)

    def _found(self, found: Found) -> None:
        self.found.append(found)
        self.on_found(found)

    def fetch(self, **wish: Any) -> Fetched:
        return self.begin(**wish).finish()

    def refusal(self, **wish: Any) -> ImportFailure:
        try:
            self.fetch(**wish)
        except ImportFailure as failure:
            return failure
        raise AssertionError("it was fetched")
