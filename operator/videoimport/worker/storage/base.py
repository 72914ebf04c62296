"""What an import asks of its destination, whichever home it has: a bucket (``s3``) or a volume (``volume``).

Keys are paths with slashes, below the bucket or the volume's root. Every call raises ImportFailure with a Destination*
reason when the destination does not do its part.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Protocol, TypeVar

from pydantic import Field

from videoimport.api.base import Model, Sha256
from videoimport.api.reasons import Reason
from videoimport.api.videoimport_status import Verified
from videoimport.worker.runtime.errors import ImportFailure
from videoimport.worker.runtime.growing_file import Growing

UID = "videoimport-uid"
"""User metadata of an object: the import that wrote it."""
SPEC_HASH = "videoimport-spec-hash"
RUN = "videoimport-run"
_MARKS = (UID, SPEC_HASH, RUN)
"""What tells whose an object is. Other metadata is for users, and servers may write it in another form."""

Moved = Callable[[int], None]
"""Hears of the bytes of one file so far, from any thread."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of an object without reading it."""

    size: int
    checksum: str | None
    """SHA-256 as the store has it (of a multipart object the composite one), or None."""
    metadata: Mapping[str, str]
    """Names in lower case."""
    etag: str | None = None
    """The store's own name for the very bytes, without quotes. On a volume only a file without
    metadata has one, which tells its versions apart."""


Replaceable = Facts | bool
"""What a write may replace: the facts of the object that was just seen at the key, and no other one; False: nothing may
stand there; True: whatever stands there."""


@dataclass(frozen=True, slots=True)
class Proof:
    """An object that has the bytes that were sent."""

    facts: Facts
    verified: Verified
    """How that is known."""


@dataclass(frozen=True, slots=True)
class Content:
    """A small object, and the word that a later write may be bound to. One of more than ``strict.MOST_BYTES`` has no
    body: it is none of ours."""

    body: bytes
    version: str


@dataclass(frozen=True, slots=True)
class Unfinished:
    """An upload that was neither completed nor aborted."""

    upload: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Sent:
    """A file that has arrived whole, and is not visible yet."""

    size: int
    sha256: str


Key = Annotated[str, Field(min_length=1, max_length=1024)]
MOST_SUMS = 256
"""Parts of an upload whose checksums a ticket has: 12 KiB of an intent, which may have 4 MiB."""


class Ticket(Model):
    """What a later run needs to make visible what an earlier one sent."""

    key: Key
    upload: Annotated[str, Field(min_length=1, max_length=4096)]
    """The upload's id, or a temporary file's key."""
    size_bytes: Annotated[int, Field(ge=0)]
    sha256: Sha256
    """Of the whole, hex."""
    checksum: Annotated[str, Field(max_length=256)] | None = None
    """The composite SHA-256, where the store keeps SHA-256; on a volume as ``sha256``."""
    etags: Annotated[tuple[Annotated[str, Field(max_length=64)], ...], Field(max_length=2)] = ()
    """ETags that are an MD5 of these bytes, where MD5 was computed: of the parts, and of the whole."""
    part_sums: Annotated[tuple[Annotated[str, Field(max_length=64)], ...], Field(max_length=MOST_SUMS)] = ()
    """SHA-256 of each part, in Base64, where the store keeps SHA-256. Some stores need it to complete an upload, and do
    not list it. Empty for more than ``MOST_SUMS`` parts."""
    seal: Annotated[str, Field(max_length=256)]
    """Tells what lies in the store from anything else."""


class NotAFileError(ImportFailure):
    """A link stands where a small file is expected; links are not followed."""


class UnmetError(Exception):
    """A conditional write found something else than it was bound to."""

    def __init__(self, *, is_repeated: bool = False) -> None:
        """``is_repeated``: the request was sent more than once, so an earlier try of it may be the cause."""
        super().__init__()
        self.is_repeated = is_repeated


class Upload(Protocol):
    """One file on its way to a key."""

    key: str
    id: str
    """The store's own word for it."""

    def send(self, file: Growing, moved: Moved, *, held: int = 0, expected: int | None = None) -> Sent:
        """Bring all of it; nothing is visible."""

    @property
    def ticket(self) -> Ticket:
        """Only once it is sent."""

    def complete(self, *, replace: Replaceable) -> None:
        """Make it visible. DESTINATION_EXISTS where something stands at the key that ``replace`` does not allow."""

    def stop(self) -> None:
        """Send no more; does not wait."""

    def abort(self) -> bool:
        """Take back what is not visible yet. False where that could not be done: a later run has to."""


class DestinationStore(Protocol):
    """A destination."""

    witness: Callable[[], tuple[str, Mapping[str, str]]] | None
    """Writes a small object of this import and returns its key and its marks. It shows whether the store keeps
    metadata: no object that another run wrote shows that."""
    went_on: Callable[[], None]
    """Called while an object is read."""
    in_doubt: set[str]
    """Keys at which an upload may be open whose id no answer told: the request to open it was repeated, or failed."""

    @property
    def guards(self) -> bool | None:
        """Whether ``complete`` with ``replace`` False is one step with the look whether something stands there; None
        where that is not known."""

    @property
    def guards_own(self) -> bool | None:
        """As ``guards``, of ``complete`` over the object that ``replace`` names."""

    def uri(self, key: str) -> str:
        """How an object is named to users."""

    def head(self, key: str) -> Facts | None:
        """What an object is, or None where there is none."""

    def read(self, key: str) -> Content | None:
        """A small object, or None where there is none."""

    def write(
        self, key: str, body: bytes, metadata: Mapping[str, str], *, shown: bool = False, replace: Replaceable = True
    ) -> None:
        """A small JSON object, whole. ``shown``: it is for users, and has what they want of visible objects.

        Raises UnmetError where something stands at the key that ``replace`` does not allow.
        """

    def write_if(self, key: str, body: bytes, version: str | None, metadata: Mapping[str, str] | None = None) -> str:
        """As ``write``, but only if the object has this version still, or, with None, is not there.

        Returns its new version. Raises UnmetError.
        """

    def delete(self, key: str, only: Facts | None = None) -> None:
        """An object is no more; nor was it perhaps. Raises UnmetError where another one than ``only`` stands there."""

    def keys(self, prefix: str) -> Iterator[str]:
        """Of the objects whose keys begin so, at most ``MOST_LISTED``."""

    def begin(self, key: str, content_type: str, metadata: Mapping[str, str]) -> Upload:
        """Open an upload; nothing is visible."""

    def is_ready(self, ticket: Ticket) -> bool:
        """Whether what an earlier run sent lies there as that left it, not visible yet."""

    def finish(self, ticket: Ticket, marks: Mapping[str, str], *, replace: Replaceable) -> bool:
        """Make visible what an earlier run sent; False where it is not there any more, or not as it was."""

    def is_there(self, ticket: Ticket, marks: Mapping[str, str]) -> Proof | None:
        """What the object at the ticket's key is, if it is that very upload's, whole and unharmed."""

    def own(self, ticket: Ticket, marks: Mapping[str, str]) -> Facts | None:
        """Return the object at the ticket's key if it is that upload's, whole or not: it has these marks or, where the
        store keeps none, this run wrote it."""

    def keeps(self) -> bool:
        """Return whether metadata comes back as it was written. True where that cannot be found out."""

    def sha256_of(self, key: str, size: int) -> str | None:
        """Read an object and return its SHA-256, hex. None where there is none, or it has another size."""

    def is_upload(self, key: str, upload: str) -> bool:
        """Whether an upload to this key may have this id."""

    def unfinished(self, key: str) -> list[Unfinished] | None:
        """Uploads to this very key, anybody's. None where the store does not tell them now; it is logged. A store that
        never tells any has none."""

    def abort(self, key: str, upload: str) -> bool:
        """Take one upload back. False where that could not be done, which is only logged."""

    def probe(self, key: str, note: tuple[str, bytes] | None = None, *, replaces: bool = False) -> None:
        """Find out that we may write at a key; leaves nothing. ``note`` is the key of a small object of ours that is
        there, with its content: at it the store shows what else it can do. It stays as it is. ``replaces``: whether
        objects of ours may be replaced, so that what becomes of the condition for that is worth a request."""

    def check_options(self, key: str) -> None:
        """Find out whether visible objects can have what the destination asks of them; leaves nothing. ``key`` is free
        for a small object of ours."""

    def close(self) -> None:
        """No thread of ours goes on."""


MOST_LISTED = 100_000
"""Objects, uploads or parts that a listing is read to; the largest result has some thousands."""
Found = TypeVar("Found")


def bounded(found: Iterable[Found], where: str) -> Iterator[Found]:
    """The first ``MOST_LISTED``. Raises ImportFailure DESTINATION_UNAVAILABLE for more: a store may list forever."""
    for number, one in enumerate(found):
        if number >= MOST_LISTED:
            message = f"The destination lists more than {MOST_LISTED} entries at {where}."
            advice = "Choose another destination.folder or name, or remove what does not belong there."
            raise ImportFailure(Reason.DESTINATION_UNAVAILABLE, message, advice=advice)
        yield one


def exists(uri: str) -> ImportFailure:
    """The failure for a key that another import's object holds."""
    return ImportFailure(Reason.DESTINATION_EXISTS, f"{uri} exists and is not this import's.")


def is_same_version(seen: Facts, now: Facts | None) -> bool:
    """Whether an object is still the one that was seen: its size and, as far as the store tells them both times, its
    ETag and checksum."""
    if now is None or now.size != seen.size:
        return False
    return all(
        None in names or len(set(names)) == 1 for names in ((seen.etag, now.etag), (seen.checksum, now.checksum))
    )


def has_marks(facts: Facts | None, marks: Mapping[str, str]) -> bool:
    """Whether there is an object that carries these marks; other metadata among them is not compared."""
    wanted = ((name, value) for name, value in marks.items() if name in _MARKS)
    return facts is not None and all(_is_same(facts.metadata.get(name, ""), value) for name, value in wanted)


_ENOUGH = 32
"""Characters of a UID or a hash that tell it from any other: 128 bits of a hash, 116 of a UID."""


def is_whole(uid: str | None) -> bool:
    """Return whether a kept UID is long enough to tell an import from any other."""
    return uid is not None and len(uid) >= _ENOUGH


def _is_same(kept: str, value: str) -> bool:
    """Whether a store kept a value, perhaps only the start of it: some trim long values."""
    return kept == value or (len(kept) >= _ENOUGH and value.startswith(kept))
