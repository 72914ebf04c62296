"""What the destination has already, so that an incremental import stores nothing twice.

Two keys lead to a video. *Content*: source hash, output settings and folder, known once the source is fetched; here an
import claims what it is about to store. *Source*: the source's own identity in place of the hash, known before a byte
is fetched; it is only looked at, and written with the commit, so that a nightly run moves nothing.

An entry is ``Claimed`` (by whom, until when) and then ``Committed`` (where it lies). Each step is a conditional write
bound to what was read. On a store that knows no conditions the last writer has it: two imports that start in the very
same moment may then both store.
"""

import hashlib
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from videoimport.api.base import Model, Timestamp
from videoimport.api.destination import Destination
from videoimport.api.output import Output
from videoimport.api.report import Report
from videoimport.api.status import Outputs, VideoMetadata
from videoimport.worker import naming
from videoimport.worker.destination import Store, Ticket, UnmetError
from videoimport.worker.errors import ImportFailure
from videoimport.worker.logs import log

LEASE = timedelta(minutes=3)
"""How long a claim lives without being renewed: a worker that died holds others up for no longer."""
RENEWALS = 3
"""Within a lease."""
LOOK_SECONDS = 5.0
"""Between two looks at somebody else's claim."""
_TRIES = 5


class Object(Model):
    """One object of a stored video."""

    key: str
    size_bytes: int


class Claimed(Model):
    """Somebody is about to store it."""

    kind: Literal["Claimed"] = "Claimed"
    uid: str
    expires: Timestamp


class Committed(Model):
    """It lies here."""

    kind: Literal["Committed"] = "Committed"
    uid: str
    video_id: str | None = None
    objects: tuple[Object, ...]
    outputs: Outputs
    metadata: VideoMetadata | None = None
    source_sha256: str | None = None
    """Of the source's bytes."""
    lossy: bool = False
    """Whether the source was damaged, and that was tolerated."""

    @property
    def uri(self) -> str:
        """Of the video, or of the original where nothing else was wanted."""
        main = self.outputs.video or self.outputs.original
        return main.uri if main else ""


Entry = Claimed | Committed
_ENTRIES: TypeAdapter[Entry] = TypeAdapter(Entry)


def content_key(destination: Destination, video_id: str) -> str:
    """Of the entry for what a source's bytes become."""
    return naming.own_key(destination, "index", "content", f"{video_id}.json")


def source_key(destination: Destination, identity: str, output: Output) -> str:
    """Of the entry for what a source, told by its identity, becomes."""
    wish = {"identity": identity, "output": output.canonical(), "folder": destination.folder or ""}
    name = hashlib.sha256(json.dumps(wish, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
    return naming.own_key(destination, "index", "source", f"{name}.json")


def committed(report: Report, tickets: Sequence[Ticket], *, lossy: bool = False) -> Committed:
    """The entry for what a report tells of."""
    return Committed(
        uid=report.uid,
        video_id=report.video_id,
        objects=tuple(Object(key=ticket.key, size_bytes=ticket.size_bytes) for ticket in tickets),
        outputs=report.outputs or Outputs(),
        metadata=report.metadata,
        source_sha256=report.source.sha256 if report.source else None,
        lossy=lossy,
    )


def is_free(entry: Entry | None, uid: str, now: datetime) -> bool:
    """Whether an import may take an entry: nobody's, its own, or a claim that ran out."""
    if entry is None or entry.uid == uid:
        return True
    return isinstance(entry, Claimed) and entry.expires <= now


def _read(store: Store, key: str) -> tuple[Entry | None, str | None]:
    """The entry and its version. One that nobody can read is nobody's."""
    content = store.read(key)
    if content is None:
        return None, None
    try:
        return _ENTRIES.validate_json(content.body), content.version
    except ValidationError:
        return None, content.version


def _write(store: Store, key: str, entry: Entry, version: str | None) -> str:
    return store.write_if(key, entry.model_dump_json(by_alias=True, exclude_none=True).encode(), version)


def _stands(store: Store, entry: Committed) -> bool:
    """Whether all of it is still there: somebody may have tidied the bucket."""
    heads = ((wanted, store.head(wanted.key)) for wanted in entry.objects)
    return bool(entry.objects) and all(facts is not None and facts.size == wanted.size_bytes for wanted, facts in heads)


def look(store: Store, key: str) -> Committed | None:
    """What is stored already, all of it still there; else None."""
    entry, _ = _read(store, key)
    return entry if isinstance(entry, Committed) and _stands(store, entry) else None


def commit(store: Store, key: str, entry: Committed, now: datetime) -> None:
    """Say where it lies, unless somebody else's claim lives, or their video stands: the first stays."""
    for _ in range(_TRIES):  # a claim of ours may be renewed in the same moment
        standing, version = _read(store, key)
        if not is_free(standing, entry.uid, now) and not (
            isinstance(standing, Committed) and not _stands(store, standing)
        ):
            return
        with suppress(UnmetError):
            _write(store, key, entry, version)
            return
    log().info("the index is written by somebody else", key=key)


@dataclass(slots=True)
class Claim:
    """The right to store a video. Others wait for it to be committed or to run out."""

    store: Store
    key: str
    uid: str
    clock: Callable[[], datetime]
    version: str

    def renew(self) -> None:
        """Hold it for another lease. Raises UnmetError when somebody took it over meanwhile."""
        mine = self._until(self.clock() + LEASE)
        try:
            self.version = _write(self.store, self.key, mine, self.version)
        except UnmetError:  # perhaps our own renewal was heard, its answer lost, and its repetition refused
            standing, version = _read(self.store, self.key)
            if not isinstance(standing, Claimed) or standing.uid != self.uid:
                raise
            self.version = _write(self.store, self.key, mine, version)

    def release(self) -> None:
        """Nothing will be stored: whoever waits need wait no longer."""
        try:
            self.version = _write(self.store, self.key, self._until(self.clock()), self.version)
        except (UnmetError, ImportFailure) as error:
            log().info("a claim is left to run out", key=self.key, error=type(error).__name__)

    def _until(self, moment: datetime) -> Claimed:
        return Claimed(uid=self.uid, expires=moment)

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Renewed by a thread while the block runs; released if that fails. One that is lost is found out later."""
        over = threading.Event()
        thread = threading.Thread(target=self._keep, args=(over,), daemon=True)
        thread.start()
        try:
            yield
        except BaseException:
            over.set()
            thread.join()
            self.release()
            raise
        finally:
            over.set()
        thread.join()

    def _keep(self, over: threading.Event) -> None:
        while not over.wait(LEASE.total_seconds() / RENEWALS):
            try:
                self.renew()
            except UnmetError:
                return
            except ImportFailure as failure:
                log().warning("a claim could not be renewed", key=self.key, reason=failure.reason)


def claim(
    store: Store,
    key: str,
    uid: str,
    clock: Callable[[], datetime],
    wait: Callable[[float], object],
) -> Claim | Committed:
    """The right to store it, or what somebody else stored, waiting for them where they are still at it.

    ``wait`` is called with seconds, again and again; an exception it raises ends the waiting.
    """
    while True:
        entry, version = _read(store, key)
        if isinstance(entry, Committed) and _stands(store, entry):
            return entry
        if isinstance(entry, Claimed) and not is_free(entry, uid, clock()):
            left = (entry.expires - clock()).total_seconds()
            wait(max(0.1, min(LOOK_SECONDS, left)))
            continue
        if (taken := _taken(store, key, uid, clock, version)) is not None:
            return taken


def _taken(store: Store, key: str, uid: str, clock: Callable[[], datetime], version: str | None) -> Claim | None:
    mine = Claimed(uid=uid, expires=clock() + LEASE)
    try:
        written = _write(store, key, mine, version)
    except UnmetError:
        return None
    standing, _ = _read(store, key)  # a store that overlooks conditions tells at least who wrote last
    return Claim(store, key, uid, clock, written) if standing is not None and standing.uid == uid else None
