"""The video index in the destination. With the index, an import with ``incremental`` stores no video twice.

Two keys lead to a video. The *content* key has the hash of the source, the output settings and the folder. This key
is known once the source is fetched. An import claims this key before it stores the video. The *source* key has the
source's own identity in place of the hash. This key is known before the source is fetched. An import first only
reads the source key, and writes it when the import is committed. So a nightly run of unchanged sources downloads no
bytes.

An entry is first ``Claimed`` (by which import, until when) and then ``Committed`` (where the video is). Other programs
may write entries too. So an entry is parsed strictly. It is used only if the objects in the destination confirm it. An
invalid entry is ignored. Each step is a conditional write: it succeeds only over the version that was read. On a store
without conditions the last writer wins. Then two imports that start at the same moment may both store the video.
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

from videoimport.api.base import DEFERRED, Model
from videoimport.api.destination import Destination
from videoimport.api.field_types import Sha256, Timestamp
from videoimport.api.output_options import Output
from videoimport.api.tasks.import_report import Report
from videoimport.api.videoimport_status import Outputs, VideoMetadata
from videoimport.worker.runtime.errors import ImportFailure
from videoimport.worker.runtime.logging import log
from videoimport.worker.storage import keys as naming
from videoimport.worker.storage import strict_json as strict
from videoimport.worker.storage.base import UnmetError
from videoimport.worker.storage.record_checks import Objects, Scope, StoredObject

LEASE = timedelta(minutes=3)
"""Duration of a claim that is not renewed. A worker that ended without releasing its claim delays other imports for at
most this time."""
CLOCKS_DIFFER = timedelta(minutes=5)
"""Maximum difference between the clocks of two workers. A claim that ends later than this plus a lease was not written
by an importer."""
RENEWALS = 3
"""Number of renewals within a lease."""
LOOK_SECONDS = 5.0
"""Maximum number of seconds between two checks of another import's claim."""
_TRIES = 5


Uid = Annotated[str, Field(min_length=1, max_length=128)]


class Claimed(Model):
    """Index entry of an import that is about to store the video."""

    kind: Literal["Claimed"] = "Claimed"
    uid: Uid
    expires: Timestamp


class Committed(Model):
    """Index entry of a video that is stored in the destination."""

    kind: Literal["Committed"] = "Committed"
    uid: Uid
    video_id: Annotated[str, Field(pattern=r"^[0-9A-Za-z]{1,64}$")] | None = None
    objects: Objects
    outputs: Outputs
    metadata: VideoMetadata | None = None
    source_sha256: Sha256 | None = None
    """SHA-256 of the source's bytes, hex."""
    lossy: bool = False
    """True if the source was damaged and the damage was tolerated."""

    @property
    def uri(self) -> str:
        """The address of the video file. If the result has only the original, this is the address of the original."""
        main = self.outputs.video or self.outputs.original
        return main.uri if main else ""


Entry = Claimed | Committed
_ENTRIES: TypeAdapter[Entry] = TypeAdapter(Annotated[Entry, Field(discriminator="kind")], config=DEFERRED)


def content_key(destination: Destination, video_id: str) -> str:
    """Return the object key of the index entry for the content of a source."""
    return naming.own_key(destination, "index", "content", f"{video_id}.json")


def source_key(destination: Destination, identity: str, output: Output) -> str:
    """Return the object key of the index entry for a source's identity."""
    wish = {"identity": identity, "output": output.canonical(), "folder": destination.folder or ""}
    name = hashlib.sha256(json.dumps(wish, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
    return naming.own_key(destination, "index", "source", f"{name}.json")


def committed(report: Report, objects: Sequence[StoredObject], *, lossy: bool = False) -> Committed:
    """Return the index entry for the result in a report."""
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
    """Return whether an import may overwrite an entry. The result is True if there is no entry, if this import wrote
    the entry, or if the entry is an expired claim. A claim that ends later than any import claims is invalid, and an
    import may overwrite it too."""
    if entry is None or entry.uid == uid:
        return True
    return isinstance(entry, Claimed) and not now < entry.expires <= now + LEASE + CLOCKS_DIFFER


def _read(scope: Scope, key: str) -> tuple[Entry | None, str | None]:
    """Return the entry, with its addresses derived again, and its version. The entry is None if it cannot be parsed, or
    names objects outside the destination's folder."""
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
    """Return whether all objects of an entry still exist: a user may have deleted some of them."""
    return scope.holds(entry.objects, entry.uid)


def _is_of(entry: Committed, source_sha256: str | None) -> bool:
    return source_sha256 in (None, entry.source_sha256)


def look(scope: Scope, key: str) -> Committed | None:
    """Return the entry of the stored video if all objects of the video still exist. Return None otherwise."""
    entry, _ = _read(scope, key)
    return entry if isinstance(entry, Committed) and _stands(scope, entry) else None


def commit(scope: Scope, key: str, entry: Committed, now: datetime) -> None:
    """Write an entry with the objects of a video. The function does not overwrite an unexpired claim of another
    import, and not the entry of another import's video that still exists."""
    for _ in range(_TRIES):  # this import's own claim may be renewed at the same moment
        standing, version = _read(scope, key)
        if not is_free(standing, entry.uid, now) and not (
            isinstance(standing, Committed) and not _stands(scope, standing)
        ):
            return
        with suppress(UnmetError):
            _write(scope, key, entry, version)
            return
    log().info("another import writes the index entry", key=key)


@dataclass(slots=True)
class Claim:
    """The right to store a video. Other imports wait until the video is committed or the claim expires."""

    scope: Scope
    key: str
    uid: str
    clock: Callable[[], datetime]
    version: str

    def renew(self) -> None:
        """Extend the claim by another lease. Raises UnmetError if another import has the claim now."""
        mine = self._until(self.clock() + LEASE)
        try:
            self.version = _write(self.scope, self.key, mine, self.version)
        except UnmetError:  # perhaps the store did the renewal, the answer was lost, and the repetition was refused
            standing, version = _read(self.scope, self.key)
            if not isinstance(standing, Claimed) or standing.uid != self.uid:
                raise
            self.version = _write(self.scope, self.key, mine, version)

    def release(self) -> None:
        """End the claim without a stored video. Imports that wait for the claim can then continue."""
        try:
            self.version = _write(self.scope, self.key, self._until(self.clock()), self.version)
        except (UnmetError, ImportFailure) as error:
            log().info("a claim could not be released and will expire", key=self.key, error=type(error).__name__)

    def _until(self, moment: datetime) -> Claimed:
        return Claimed(uid=self.uid, expires=moment)

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Renew the claim in a thread while the block runs, and release the claim if the block fails. If the claim
        is lost, the next call of ``renew`` raises UnmetError."""
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
                log().warning(
                    "the entry of this import in the video index could not be renewed",
                    key=self.key,
                    reason=failure.reason,
                )


def claim(
    scope: Scope,
    key: str,
    uid: str,
    clock: Callable[[], datetime],
    wait: Callable[[float], object],
    source_sha256: str | None = None,
) -> Claim | Committed:
    """Claim the right to store a video and return the claim. If another import has stored the video, return its entry.
    Wait while another import is storing it.

    An entry whose source has another hash is ignored, because another program wrote it. While another import has the
    claim, ``wait`` is called repeatedly with a number of seconds. An exception from ``wait`` ends the function. A
    claim that is not renewed during one lease has expired, even if its end time is later.
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
    """The time for which one claim is waited for."""

    version: str | None = None
    since: datetime | None = None
    """The time at which this version was first seen."""

    def left(self, entry: Claimed, version: str | None, now: datetime) -> float:
        """Return the seconds until the claim expires, by its own end time or because it is not renewed."""
        if self.since is None or version != self.version:
            self.version, self.since = version, now
        return (min(entry.expires, self.since + LEASE) - now).total_seconds()


def _taken(scope: Scope, key: str, uid: str, clock: Callable[[], datetime], version: str | None) -> Claim | None:
    mine = Claimed(uid=uid, expires=clock() + LEASE)
    try:
        written = _write(scope, key, mine, version)
    except UnmetError:
        return None
    standing, _ = _read(scope, key)  # on a store that ignores conditions, this shows at least who wrote last
    return Claim(scope, key, uid, clock, written) if standing is not None and standing.uid == uid else None
