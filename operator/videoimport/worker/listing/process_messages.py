"""Messages between the listing worker and its sandboxed process.

The worker sends a request, then questions, on stdin. The process writes answers as JSON lines to stdout.

A question asks for more entries, or for the first bytes of objects. So the process reads only as much of a list as
the page has space for.
"""

from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from videoimport.api.base import DEFERRED, Model
from videoimport.api.bulkimport_source import BulkSource
from videoimport.api.container_formats import ContainerFormat
from videoimport.api.metadata import Scalar
from videoimport.api.reasons import Reason
from videoimport.api.redaction import ShownText
from videoimport.api.tasks.listing_task import Skipped
from videoimport.worker.fetch.process_messages import Failed, Request


class ListRequest(Model):
    """The list to read."""

    fetch: Request
    """Access to the source, including its Secret. The field ``url`` is the list's URL, if the list has one."""
    source: BulkSource
    cursor: str | None = None
    """Cursor at which the previous list page ended."""
    manifest: str | None = None
    """Path of a manifest that is a file in the pod."""
    is_own: bool = False
    """True if the bucket may also be the destination. Results of imports must not be imported again."""
    wants_versions: bool = False
    """True if the identity of objects must include their versions, in a bucket that has versions."""


class Ask(Model):
    """One question, with exactly one of the two fields."""

    more: int | None = None
    """Number of further entries."""
    look: tuple[str, ...] = ()
    """Object keys from the last answer, whose first bytes are to be read."""


class ListEntry(Model):
    """One entry of the list, with the list's data about it.

    The data is untrusted and not checked yet. The only guarantee is that JSON can encode the texts.
    """

    kind: Literal["Entry"] = "Entry"
    cursor: str
    """Cursor after this entry."""
    url: str | None = None
    key: str | None = None
    """Object key. Other entries have a ``url``. A rejected entry may have neither."""
    name: str | None = None
    title: str | None = None
    """Title in the list."""
    metadata: dict[str, Scalar] | None = None
    checksum: str | None = None
    identity: str | None = None
    """Identity of the bytes, equal to the identity that the import of this entry would report."""
    size_bytes: int | None = None
    duration_ms: int | None = None
    width: int | None = None
    height: int | None = None
    reason: Reason | None = None
    """Reason why the entry cannot be imported, whatever the requirements are."""
    message: ShownText = ""
    skipped: Skipped | None = None
    """Skipped parts of the list before this entry and inside it."""


class Passed(Model):
    """The process has read the list up to this cursor. It found no entry since the previous answer."""

    kind: Literal["Passed"] = "Passed"
    cursor: str
    skipped: Skipped | None = None
    """Skipped parts of the list before the cursor."""


class Enough(Model):
    """All requested entries were sent."""

    kind: Literal["Enough"] = "Enough"


class ListEnd(Model):
    """The list has no more entries."""

    kind: Literal["End"] = "End"


class Look(Model):
    """Facts from an object's first bytes, and from its index if the index is at the end."""

    kind: Literal["Look"] = "Look"
    key: str
    path: str | None = None
    """Path of a file with the bytes that were read. The value is None if the bytes prove nothing."""
    container: ContainerFormat | None = None
    is_fragmented: bool = False
    """True if the first bytes only have the duration of the first fragment."""
    reason: Reason | None = None
    """Reason for rejection that the bytes prove."""
    message: ShownText = ""


class Looked(Model):
    """All requested objects were read."""

    kind: Literal["Looked"] = "Looked"


Answer = Annotated[ListEntry | Passed | Enough | ListEnd | Look | Looked | Failed, Field(discriminator="kind")]
ANSWERS: TypeAdapter[Answer] = TypeAdapter(Answer, config=DEFERRED)
