"""The worker's side of fetching: starts the guarded process, tells it what to fetch and hears how far it is."""

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from pydantic import ValidationError

from videoimport.api.quantity import bytes_of
from videoimport.api.reasons import Reason
from videoimport.api.task import Task
from videoimport.worker.errors import ImportFailure
from videoimport.worker.fetch.protocol import EVENTS, Event, Failed, Fetched, File, Found, Request
from videoimport.worker.processes import Child, Children
from videoimport.worker.source import Source, Sources

_KEPT = ("PATH", "LANG", "LC_ALL", "TZ", "PYTHONPATH", "SSL_CERT_FILE", "SSL_CERT_DIR")
"""Of the environment; proxies above all are left out."""


def request_of(task: Task, folder: Path) -> Request:
    """What the fetching process is to do for a task."""
    requirements = task.spec.requirements
    return Request(
        url=task.spec.source.url,
        folder=str(folder),
        max_height=task.spec.output.video.max_height,
        max_bytes=bytes_of(requirements.max_size) if requirements and requirements.max_size else None,
        room_bytes=bytes_of(task.spec.worker.scratch.size),
        allowed_networks=task.allowed_networks,
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
    child: Child, request: Request, found: Callable[[Found], None], moved: Callable[[int, int | None], None]
) -> Fetched:
    """Fetch it all. Raises ImportFailure with the fetching process's reason."""
    child.tell(request.model_dump_json(by_alias=True))
    last: Event | None = None
    for line in child.lines():
        last = _event(line)
        if isinstance(last, Found):
            found(last)
        elif not isinstance(last, Fetched | Failed):
            moved(last.done, last.total)
    ended = child.ended()
    if isinstance(last, Fetched):
        return last
    if isinstance(last, Failed):
        raise ImportFailure(last.reason, last.message)
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
