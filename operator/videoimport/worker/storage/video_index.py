"""What the destination has already, so that an incremental import stores nothing twice.

Two keys lead to a video. *Content*: source hash, output settings and folder, known once the source is fetched; here an
import claims what it is about to store. *Source*: the source's own identity in place of the hash, known before a byte
is fetched; it is only looked at, and written with the commit, so that a nightly run moves nothing.

An entry is ``Claimed`` (by whom, until when) and then ``Committed`` (where it lies). Others may write entries too. So
an entry is read strictly, and counts only as far as the objects bear it out; any other is as good as none. Each step is
a conditional write bound to what was read. On a store that knows no conditions the last writer has it: two imports that
start in the very same moment may then both store.
"""

import hashlib
import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from videoimport.api.base import DEFERRED, Model, Sha256, Timestamp
from videoimport.api.destination import Destination
from videoimport.api.output_options import Output
from videoimport.api.tasks.import_report import Report
from videoimport.api.videoimport_status import Outputs, VideoMetadata
from videoimport.worker.runtime.errors import ImportFailure
from videoimport.worker.runtime.logging import log
from videoimport.worker.storage import keys as naming
from videoimport.worker.storage import strict_json as strict
from videoimport.worker.storage.base import UnmetError
from videoimport.worker.storage.record_scope import Objects, Scope, StoredObject

LEASE = timedelta(minutes=3)
"""How long a claim lives without being renewed: a worker that died holds others up for no longer."""
CLOCKS_DIFFER = timedelta(minutes=5)
"""How far the clocks of two workers may be apart: a claim for later than that and a lease is none of ours."""
RENEWALS = 3
"""Within a lease."""
LOOK_SECONDS = 5.0
"""Between two looks at somebody else's claim."""
_TRIES = 5


Uid = Annotated[str, Field(min_length=1, max_length=128)]


class Claimed(Model):
    """Somebody is about to store it."""

    kind: Literal["Claimed"] = "Claimed"
    uid: Uid
    expires: Timestamp


class Committed(Model):
    """It lies here."""

    kind: Literal["Committed"] = "Committed"
    uid: Uid
    video_id: Annotated[str, Field(pattern=r"^[0-9A-Za-z]{1,64}$")] | None = None
    objects: Objects
    outputs: Outputs
    metadata: VideoMetadata | None = None
    source_sha256: Sha256 | None = None
    """Of the source's bytes."""
    lossy: bool = False
    """Whether the source was damaged, and that was tolerated."""

    @property
    def uri(self) -> str:
        """Of the video, or of the original where nothing else was wanted."""
        main = self.outputs.video or self.outputs.original
        return main.uri if main else ""


Entry = Claimed | Committed
_ENTRIES: TypeAdapter[Entry] = TypeAdapter(Annotated[Entry, Field(discriminator="kind")], config=DEFERRED)


def content_key(destination: Destination, video_id: str) -> str:
    """Of the entry for what a source's bytes become."""
    return naming.own_key(destination, "index", "content", f"{video_id}.json")


def source_key(destination: Destination, identity: str, output: Output) -> str:
    """Of the entry for what a source, told by its identity, becomes."""
    wish = {"identity": identity, "output": output.canonical(), "folder": destination.folder or ""}
    name = hashlib.sha256(json.dumps(wish, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
    return naming.own_key(destination, "index", "source", f"{name}.json")


def committed(report: Report, objects: Sequence[StoredObject], *, lossy: bool = False) -> Committed:
    """The entry for what a report tells of."""
    return Committed(
        uid=report.uid,
        video_id=report.video_id,
        objects=tuple(objects),
        outputs=report.outputs or Outputs(),
        metadata=report.metadata,
        source_sha256=report.source.sha256 if report.source else None,
        lossy=lossy,
    )


def is_free(entry: Entry | None, uid: str, now: datetime) -> bool:
    """Whether an import may take an entry: nobody's, its own, a claim that ran out, or one for longer than any import
    claims."""
    if entry is None or entry.uid == uid:
        return True
    return isinstance(entry, Claimed) and not now < entry.expires <= now + LEASE + CLOCKS_DIFFER


def _read(scope: Scope, key: str) -> tuple[Entry | None, str | None]:
    """The entry, with its addresses made anew, and its version. One that nobody can read, or that speaks of what does
    not lie in the destination's folder, is nobody's."""
    content = scope.read(key)
    if content is None:
        return None, None
    entry = strict.parse(_ENTRIES, content.body)
    return (_sound(scope, entry) if isinstance(entry, Committed) else entry), content.version


def _sound(scope: Scope, entry: Committed) -> Committed | None:
    if not scope.is_listed(scope.common_folder(one.key for one in entry.objects)):
        return None
    outputs = scope.outputs(entry.outputs, entry.objects)
    return entry.model_copy(update={"outputs": outputs}) if outputs else None


def _write(scope: Scope, key: str, entry: Entry, version: str | None) -> str:
    return scope.store.write_if(key, entry.model_dump_json(by_alias=True, exclude_none=True).encode(), version)


def _stands(scope: Scope, entry: Committed) -> bool:
    """Whether all of it is still there: somebody may have tidied the bucket."""
    return scope.holds(entry.objects, entry.uid)


def _is_of(entry: Committed, source_sha256: str | None) -> bool:
    return source_sha256 in (None, entry.source_sha256)


def look(scope: Scope, key: str) -> Committed | None:
    """What is stored already, all of it still there; else None."""
    entry, _ = _read(scope, key)
    return entry if isinstance(entry, Committed) and _stands(scope, entry) else None


def commit(scope: Scope, key: str, entry: Committed, now: datetime) -> None:
    """Say where it lies, unless somebody else's claim lives, or their video stands: the first stays."""
    for _ in range(_TRIES):  # a claim of ours may be renewed in the same moment
        standing, version = _read(scope, key)
        if not is_free(standing, entry.uid, now) and not (
            isinstance(standing, Committed) and not _stands(scope, standing)
        ):
            return
        with suppress(UnmetError):
            _write(scope, key, entry, version)
            return
    log().info("the index is written by somebody else", key=key)


@dataclass(slots=True)
class Claim:
    """The right to store a video. Others wait for it to be committed or to run out."""

    scope: Scope
    key: str
    uid: str
    clock: Callable[[], datetime]
    version: str

    def renew(self) -> None:
        """Hold it for another lease. Raises UnmetError when somebody took it over meanwhile."""
        mine = self._until(self.clock() + LEASE)
        try:
            self.version = _write(self.scope, self.key, mine, self.version)
        except UnmetError:  # perhaps our own renewal was heard, its answer lost, and its repetition refused
            standing, version = _read(self.scope, self.key)
            if not isinstance(standing, Claimed) or standing.uid != self.uid:
                raise
            self.version = _write(self.scope, self.key, mine, version)

    def release(self) -> None:
        """Nothing will be stored: whoever waits need wait no longer."""
        try:
            self.version = _write(self.scope, self.key, self._until(self.clock()), self.version)
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
    scope: Scope,
    key: str,
    uid: str,
    clock: Callable[[], datetime],
    wait: Callable[[float], object],
    source_sha256: str | None = None,
) -> Claim | Committed:
    """The right to store it, or what somebody else stored, waiting for them where they are still at it. An entry for
    other bytes than those with this hash is as good as none: somebody put it in another's place.

    ``wait`` is called with seconds, again and again; an exception it raises ends the waiting. A claim that does not
    change for a lease has run out, whatever it says.
    """
    patience = _Patience()
    while True:
        entry, version = _read(scope, key)
        if isinstance(entry, Committed) and _is_of(entry, source_sha256) and _stands(scope, entry):
            return entry
        if isinstance(entry, Claimed) and not is_free(entry, uid, clock()):
            left = patience.left(entry, version, clock())
            if left > 0:
                wait(max(0.1, min(LOOK_SECONDS, left)))
                continue
        if (taken := _taken(scope, key, uid, clock, version)) is not None:
            return taken


@dataclass(slots=True)
class _Patience:
    """How long one claim is waited for."""

    version: str | None = None
    since: datetime | None = None
    """When this version was seen first."""

    def left(self, entry: Claimed, version: str | None, now: datetime) -> float:
        """Seconds until the claim has run out, by its own word or because nobody renews it."""
        if self.since is None or version != self.version:
            self.version, self.since = version, now
        return (min(entry.expires, self.since + LEASE) - now).total_seconds()


def _taken(scope: Scope, key: str, uid: str, clock: Callable[[], datetime], version: str | None) -> Claim | None:
    mine = Claimed(uid=uid, expires=clock() + LEASE)
    try:
        written = _write(scope, key, mine, version)
    except UnmetError:
        return None
    standing, _ = _read(scope, key)  # a store that overlooks conditions tells at least who wrote last
    return Claim(scope, key, uid, clock, written) if standing is not None and standing.uid == uid else None
