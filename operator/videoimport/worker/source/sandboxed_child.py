"""The worker's interface to a sandboxed process: the start, the output lines, and an exit without a report."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError

from videoimport.api.reasons import Reason
from videoimport.worker.runtime.errors import ImportFailure
from videoimport.worker.runtime.subprocesses import Child, Children, Ended

Event = TypeVar("Event")
_KEPT = ("PATH", "LANG", "LC_ALL", "TZ", "PYTHONPATH", "SSL_CERT_FILE", "SSL_CERT_DIR")
"""Environment variables that the process inherits. In particular, the process inherits no proxy variables."""


def start(children: Children, folder: Path, main: Callable[[], None], name: str) -> Child:
    """Start a process that runs ``main``, which reads its request from standard input. Messages use ``name`` for the
    process. Start it before the first secret is read: the process may be a copy of this one."""
    return children.start_python(main, environment(os.environ, folder), name)


def environment(outer: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Return the environment of the process. It allows no writes outside scratch, no plug-ins, no proxies and no
    credentials."""
    kept = {name: outer[name] for name in _KEPT if name in outer}
    own = dict.fromkeys(("HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "DENO_DIR"), str(folder))
    return kept | own | {"YTDLP_NO_PLUGINS": "1", "DENO_NO_UPDATE_CHECK": "1", "PYTHONUNBUFFERED": "1"}


def parse(events: TypeAdapter[Event], line: str, name: str) -> Event:
    """Return the event in a line. Raises ImportFailure for an invalid line."""
    try:
        return events.validate_json(line)
    except ValidationError:
        raise not_understood(name) from None


def not_understood(name: str) -> ImportFailure:
    """Return the failure for a line that is not part of the protocol."""
    return ImportFailure(Reason.INTERNAL, f"{name} wrote an invalid line to its output.")


def ended_silently(ended: Ended, name: str) -> ImportFailure:
    """Return the failure for a process that exited and reported no failure."""
    return ImportFailure(Reason.INTERNAL, f"{name} ended with code {ended.code} and without a report.")
