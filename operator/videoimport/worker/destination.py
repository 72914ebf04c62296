"""What an import asks of its destination, whichever home it has: a bucket (``s3``) or a volume (``volume``).

Keys are paths with slashes, below the bucket or the volume's root. Every call raises ImportFailure with a Destination*
reason when the destination does not do its part.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from videoimport.api.base import Model
from videoimport.api.reasons import Reason
from videoimport.worker.errors import ImportFailure
from videoimport.worker.growing import Growing

Moved = Callable[[int], None]
"""Hears of the bytes of one file so far, from any thread."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of an object without reading it."""

    size: int
    checksum: str | None
    """SHA-256 as the store has it (of a multipart object the composite one), or None."""
    metadata: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Content:
    """A small object, and the word that a later write may be bound to."""

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


class Ticket(Model):
    """What a later run needs to make visible what an earlier one sent."""

    key: str
    upload: str
    """The upload's id, or a temporary file's key."""
    size_bytes: int
    checksum: str | None = None
    """As ``Facts.checksum`` will be."""
    seal: str
    """Tells what lies in the store from anything else."""


class UnmetError(Exception):
    """A conditional write found something else than it was bound to."""


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

    def complete(self, *, replace: bool) -> None:
        """Make it visible. DESTINATION_EXISTS where something stands at the key and ``replace`` is False."""

    def stop(self) -> None:
        """Send no more; does not wait."""

    def abort(self) -> bool:
        """Take back what is not visible yet. False where that could not be done: a later run has to."""


class Store(Protocol):
    """A destination."""

    def uri(self, key: str) -> str:
        """How an object is named to users."""

    def head(self, key: str) -> Facts | None:
        """What an object is, or None where there is none."""

    def read(self, key: str) -> Content | None:
        """A small object, or None where there is none."""

    def write(self, key: str, body: bytes, metadata: Mapping[str, str], *, shown: bool = False) -> None:
        """A small JSON object, whole. ``shown``: it is for users, and has what they want of visible objects."""

    def write_if(self, key: str, body: bytes, version: str | None) -> str:
        """As ``write``, but only if the object has this version still, or, with None, is not there.

        Returns its new version. Raises UnmetError.
        """

    def delete(self, key: str) -> None:
        """An object is no more; nor was it perhaps."""

    def keys(self, prefix: str) -> Iterator[str]:
        """Of the objects whose keys begin so."""

    def begin(self, key: str, content_type: str, metadata: Mapping[str, str]) -> Upload:
        """Open an upload; nothing is visible."""

    def is_ready(self, ticket: Ticket) -> bool:
        """Whether what an earlier run sent lies there as that left it, not visible yet."""

    def finish(self, ticket: Ticket, marks: Mapping[str, str], *, replace: bool) -> bool:
        """Make visible what an earlier run sent; False where it is not there any more, or not as it was."""

    def is_there(self, ticket: Ticket, marks: Mapping[str, str]) -> bool:
        """Whether the object at the ticket's key is that very upload's, whole and unharmed."""

    def unfinished(self, key: str) -> list[Unfinished]:
        """Uploads to this very key, anybody's. What the store does not tell is only logged."""

    def abort(self, key: str, upload: str) -> bool:
        """Take one upload back. False where that could not be done, which is only logged."""

    def probe(self, key: str) -> None:
        """Find out that we may write at a key; leaves nothing."""

    def close(self) -> None:
        """No thread of ours goes on."""


def exists(uri: str) -> ImportFailure:
    """The failure for a key that another import's object holds."""
    message = f"{uri} exists and is not this import's; choose another destination.name, or set "
    return ImportFailure(Reason.DESTINATION_EXISTS, message + "destination.ifExists: Replace.")


def has_marks(facts: Facts | None, marks: Mapping[str, str]) -> bool:
    """Whether there is an object that carries these marks."""
    return facts is not None and all(facts.metadata.get(name) == value for name, value in marks.items())
