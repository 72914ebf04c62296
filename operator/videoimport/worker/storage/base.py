"""The interface of a destination, and the types that the interface uses. A destination is a bucket (``s3``) or a volume
(``volume``).

Object keys are paths with slashes, relative to the bucket or to the root of the volume. If the destination fails, every
method raises ImportFailure with a Destination* reason.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Protocol, TypeVar

from pydantic import Field

from videoimport.api.base import Model
from videoimport.api.field_types import Sha256
from videoimport.api.reasons import Reason
from videoimport.api.videoimport_status import Verified
from videoimport.worker.runtime.errors import ImportFailure
from videoimport.worker.runtime.growing_file import Growing

UID = "videoimport-uid"
"""User metadata of an object: the UID of the import that wrote the object."""
SPEC_HASH = "videoimport-spec-hash"
RUN = "videoimport-run"
_MARKS = (UID, SPEC_HASH, RUN)
"""Names of the marks: the user metadata that identifies the owner of an object. Other metadata is for users, and
servers may change its form."""

Moved = Callable[[int], None]
"""Callback with the number of bytes of one file that are sent so far. Any thread may call it."""


@dataclass(frozen=True, slots=True)
class Facts:
    """Properties of an object that are known without reading its content."""

    size: int
    checksum: str | None
    """SHA-256 as the store returns it, or None. For a multipart object this is the composite SHA-256."""
    metadata: Mapping[str, str]
    """User metadata; the names are in lower case."""
    etag: str | None = None
    """ETag without quotes: the name that the store gives to this version of the bytes. On a volume, only a file without
    metadata has an ETag. It distinguishes versions of that file."""


Replaceable = Facts | bool
"""The object that a write may replace. Facts: only the object that was just seen at the key, with these facts. False:
nothing, no object may exist at the key. True: any object."""


@dataclass(frozen=True, slots=True)
class Proof:
    """The evidence that an object has the bytes that were sent."""

    facts: Facts
    verified: Verified
    """The method that verified the bytes."""


@dataclass(frozen=True, slots=True)
class Content:
    """The content of a small object, and its version. A later write can require that the object still has this
    version.

    The body is empty if the object has more than ``strict.MOST_BYTES`` bytes, because the importer writes no such
    object.
    """

    body: bytes
    version: str


@dataclass(frozen=True, slots=True)
class Unfinished:
    """An upload that was neither completed nor aborted."""

    upload: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Sent:
    """A file that is completely uploaded. Its upload is not completed yet, so users cannot see the file."""

    size: int
    sha256: str


Key = Annotated[str, Field(min_length=1, max_length=1024)]
MOST_SUMS = 256
"""Maximum number of part checksums in a ticket: they take 12 KiB of an intent, which may have 4 MiB."""


class Ticket(Model):
    """The data that a later run needs to complete an earlier run's upload."""

    key: Key
    upload: Annotated[str, Field(min_length=1, max_length=4096)]
    """The ID of the upload, or on a volume the key of the temporary file."""
    size_bytes: Annotated[int, Field(ge=0)]
    sha256: Sha256
    """SHA-256 of the whole file, hex."""
    checksum: Annotated[str, Field(max_length=256)] | None = None
    """The composite SHA-256, if the store keeps SHA-256. On a volume the same as ``sha256``."""
    etags: Annotated[tuple[Annotated[str, Field(max_length=64)], ...], Field(max_length=2)] = ()
    """The possible ETags of an object whose ETag is an MD5: the MD5 of the whole file, and the ETag made from the
    MD5s of the parts. The value is empty if MD5 was not computed."""
    part_sums: Annotated[tuple[Annotated[str, Field(max_length=64)], ...], Field(max_length=MOST_SUMS)] = ()
    """SHA-256 of each part, in Base64, if the store keeps SHA-256. Some stores need these values to complete an upload,
    and do not list them. The value is empty if the upload has more than ``MOST_SUMS`` parts."""
    seal: Annotated[str, Field(max_length=256)]
    """Digest that identifies the uploaded data: of the list of parts in a bucket, of the file on a volume."""


class NotAFileError(ImportFailure):
    """The key of a small file has a symbolic link in place of a file. The importer does not follow links."""


class UnmetError(Exception):
    """The condition of a conditional write was not met."""

    def __init__(self, *, is_repeated: bool = False) -> None:
        """``is_repeated`` states that the request was sent more than once. In this case, an earlier try of the same
        request may have caused this error."""
        super().__init__()
        self.is_repeated = is_repeated


class Upload(Protocol):
    """The upload of one file to an object key."""

    key: str
    id: str
    """The store's ID of the upload."""

    def send(self, file: Growing, moved: Moved, *, held: int = 0, expected: int | None = None) -> Sent:
        """Upload the whole file. Users cannot see the object before ``complete``."""

    @property
    def ticket(self) -> Ticket:
        """The ticket of this upload. The ticket is available only after ``send``."""

    def complete(self, *, replace: Replaceable) -> None:
        """Complete the upload, so that users see the object. Raises ImportFailure DESTINATION_EXISTS if ``replace``
        does not allow replacing the present object at the key."""

    def stop(self) -> None:
        """Stop sending, without waiting."""

    def abort(self) -> bool:
        """Abort the upload if it is not completed. Return False if the abort failed. In this case a later run must
        abort the upload."""


class DestinationStore(Protocol):
    """A destination."""

    witness: Callable[[], tuple[str, Mapping[str, str]]] | None
    """Function that writes a small object of this import and returns its key and its marks. The object shows whether
    the store keeps metadata. An object of another run does not show that."""
    went_on: Callable[[], None]
    """Called while an object is read, to report progress."""
    in_doubt: set[str]
    """Object keys at which an upload with an unknown ID may be open, because the request to open the upload was
    repeated or failed."""

    @property
    def guards(self) -> bool | None:
        """True if ``complete`` with ``replace=False`` checks that no object exists and completes the upload in one
        atomic step. The value is None if the support of the store is unknown."""

    @property
    def guards_own(self) -> bool | None:
        """True if ``complete`` is also atomic when ``replace`` names an object. The value is None if the support of
        the store is unknown."""

    @property
    def guards_writes(self) -> bool | None:
        """True if ``write_if`` with version None checks that no object exists and writes in one atomic step. The
        value is None if the support of the store is unknown."""

    def uri(self, key: str) -> str:
        """Return the address of an object in the form for users."""

    def head(self, key: str) -> Facts | None:
        """Return the properties of an object. Return None if the object does not exist."""

    def read(self, key: str) -> Content | None:
        """Return the content and the version of a small object. Return None if the object does not exist."""

    def write(
        self, key: str, body: bytes, metadata: Mapping[str, str], *, shown: bool = False, replace: Replaceable = True
    ) -> None:
        """Write a whole small JSON object. ``shown`` states that the object is for users. Such an object gets the
        same options as the result files. Raises UnmetError if ``replace`` does not allow replacing the present
        object at the key."""

    def write_if(self, key: str, body: bytes, version: str | None, metadata: Mapping[str, str] | None = None) -> str:
        """Write a small object only if the present object still has this version. If ``version`` is None, write only if
        there is no object.

        Return the new version. Raises UnmetError.
        """

    def delete(self, key: str, only: Facts | None = None) -> None:
        """Delete the object at a key if it exists. Raises UnmetError if ``only`` is given and the key has another
        object."""

    def delete_if(self, key: str, version: str) -> None:
        """Delete a small object if it exists. Raises UnmetError if the present object has another version."""

    def keys(self, prefix: str) -> Iterator[str]:
        """Yield the keys of at most ``MOST_LISTED`` objects whose keys begin with the prefix."""

    def begin(self, key: str, content_type: str, metadata: Mapping[str, str]) -> Upload:
        """Open an upload. Users cannot see the object before ``Upload.complete``."""

    def is_ready(self, ticket: Ticket) -> bool:
        """Return whether the upload of an earlier run is still in the store, unchanged and not completed."""

    def finish(self, ticket: Ticket, marks: Mapping[str, str], *, replace: Replaceable) -> bool:
        """Complete the upload of an earlier run. Return False if the upload no longer exists or has changed."""

    def is_there(self, ticket: Ticket, marks: Mapping[str, str]) -> Proof | None:
        """Return the evidence that the object at the ticket's key comes from this upload and has all its bytes
        unchanged. Return None if the key has no such object."""

    def own(self, ticket: Ticket, marks: Mapping[str, str]) -> Facts | None:
        """Return the properties of the object at the ticket's key if this upload created it, even if bytes are missing.

        The object must have these marks. If the store keeps no metadata, this run must have written the object.
        """

    def keeps(self) -> bool:
        """Return whether the store returns metadata in the form in which it was written. Return True if the worker
        cannot determine this."""

    def sha256_of(self, key: str, size: int) -> str | None:
        """Read an object and return its SHA-256 in hex. Return None if the object does not exist or has another
        size."""

    def is_upload(self, key: str, upload: str) -> bool:
        """Return whether an upload to this key can have this ID."""

    def unfinished(self, key: str) -> list[Unfinished] | None:
        """Return the unfinished uploads of all imports to exactly this key. If the store cannot list uploads now,
        log the failure and return None. The result is empty for a store that never lists uploads."""

    def abort(self, key: str, upload: str) -> bool:
        """Abort one upload. If the abort fails, log the failure and return False."""

    def probe(self, key: str, note: tuple[str, bytes] | None = None, *, replaces: bool = False) -> None:
        """Check that the worker may write at a key. The check leaves no objects behind.

        ``note`` is the key and the content of a small existing object of this import. The probe uses this object to
        find out which conditions the store honours, and leaves it unchanged. ``replaces`` states whether the run may
        replace objects of this import. If so, the probe also tests the condition for a replacement.
        """

    def check_options(self, key: str) -> None:
        """Check that the store accepts the options of ``destination.s3`` for result files. The check writes a small
        test object at ``key`` and removes it. ``key`` must have no object."""

    def close(self) -> None:
        """Stop all threads of the store."""


MOST_LISTED = 100_000
"""Maximum number of objects, uploads or parts that are read from a list. The largest result has some thousands."""
Found = TypeVar("Found")


def bounded(found: Iterable[Found], where: str) -> Iterator[Found]:
    """Yield the first ``MOST_LISTED`` entries. Raises ImportFailure DESTINATION_UNAVAILABLE if there are more
    entries, because the list of a faulty store may never end."""
    for number, one in enumerate(found):
        if number >= MOST_LISTED:
            message = f"The destination lists more than {MOST_LISTED} entries at {where}."
            advice = "Choose another destination.folder or name, or remove other files there."
            raise ImportFailure(Reason.DESTINATION_UNAVAILABLE, message, advice=advice)
        yield one


def exists(uri: str) -> ImportFailure:
    """Return the failure for a key at which another import's object exists."""
    return ImportFailure(Reason.DESTINATION_EXISTS, f"{uri} exists and was not written by this import.")


def is_same_version(seen: Facts, now: Facts | None) -> bool:
    """Return whether an object still has the version with the properties ``seen``.

    The sizes must be equal. The ETags and the checksums must be equal too, if the store returned them both times.
    """
    if now is None or now.size != seen.size:
        return False
    return all(
        None in names or len(set(names)) == 1 for names in ((seen.etag, now.etag), (seen.checksum, now.checksum))
    )


def has_marks(facts: Facts | None, marks: Mapping[str, str]) -> bool:
    """Return whether the object exists and has these marks. Metadata in ``marks`` that is not a mark is ignored."""
    wanted = ((name, value) for name, value in marks.items() if name in _MARKS)
    return facts is not None and all(_is_same(facts.metadata.get(name, ""), value) for name, value in wanted)


_ENOUGH = 32
"""Number of characters that identify a UID or a hash: 128 bits of a hash, 116 bits of a UID."""


def is_whole(uid: str | None) -> bool:
    """Return whether a stored UID is long enough to identify an import. Some stores cut long values."""
    return uid is not None and len(uid) >= _ENOUGH


def _is_same(kept: str, value: str) -> bool:
    """Return whether a store kept a value, or at least the start of it: some stores cut long values."""
    return kept == value or (len(kept) >= _ENOUGH and value.startswith(kept))
