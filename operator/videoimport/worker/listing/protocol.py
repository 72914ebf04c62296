"""The messages between the listing worker and its guarded process: a request, then questions on stdin; answers as JSON
lines on stdout.

The worker requests more entries, or the first bytes of objects. So the process reads no more of a list than fits into
the page.
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
from videoimport.worker.fetch.protocol import Failed, Request


class ListRequest(Model):
    """What is to be listed."""

    fetch: Request
    """How sources are reached, with which Secret; its url is the list's, where that has one."""
    source: BulkSource
    cursor: str | None = None
    """Where the page before ended."""
    manifest: str | None = None
    """The path of a manifest that is a file of the pod's."""
    is_own: bool = False
    """The bucket is the destination's too: results of imports must not be imported again."""
    wants_versions: bool = False
    """Objects are to be named by their versions, where the bucket has such."""


class Ask(Model):
    """One question; exactly one of both."""

    more: int | None = None
    """So many entries more."""
    look: tuple[str, ...] = ()
    """The first bytes of these objects, of the last answer."""


class ListEntry(Model):
    """One entry of the list, with the list's data about it. It is untrusted: nothing of it is checked yet, but texts
    can be encoded in JSON."""

    kind: Literal["Entry"] = "Entry"
    cursor: str
    """Where the list continues behind it."""
    url: str | None = None
    key: str | None = None
    """Of an object; else it has a url, or neither where it is rejected."""
    name: str | None = None
    title: str | None = None
    """As the list has it."""
    metadata: dict[str, Scalar] | None = None
    checksum: str | None = None
    identity: str | None = None
    """The bytes' name, as an import of it would find."""
    size_bytes: int | None = None
    duration_ms: int | None = None
    width: int | None = None
    height: int | None = None
    reason: Reason | None = None
    """Why it cannot be imported, whatever is wanted of it."""
    message: ShownText = ""
    skipped: Skipped | None = None
    """What the list has before it, and within it, that is left out."""


class Passed(Model):
    """So far nothing counts: the list continues behind this."""

    kind: Literal["Passed"] = "Passed"
    cursor: str
    skipped: Skipped | None = None
    """What of it is left out."""


class Enough(Model):
    """As many entries as were asked for."""

    kind: Literal["Enough"] = "Enough"


class ListEnd(Model):
    """There is no more."""

    kind: Literal["End"] = "End"


class Look(Model):
    """An object's first bytes, and its index where that is at the end."""

    kind: Literal["Look"] = "Look"
    key: str
    path: str | None = None
    """A file of the bytes that were read; None where bytes decide nothing."""
    container: ContainerFormat | None = None
    is_fragmented: bool = False
    """Its head has the duration of its first fragment, not of the whole."""
    reason: Reason | None = None
    """What the bytes prove already."""
    message: ShownText = ""


class Looked(Model):
    """All that was to be looked at."""

    kind: Literal["Looked"] = "Looked"


Answer = Annotated[ListEntry | Passed | Enough | ListEnd | Look | Looked | Failed, Field(discriminator="kind")]
ANSWERS: TypeAdapter[Answer] = TypeAdapter(Answer, config=DEFERRED)
