"""Discovery, a page at a time: the worker's task, its printed lines, its report, and the stored page.

A page is on the worker's stdout among its log's lines, packed by ``api.tasks.listing_log``. The report has the number,
bytes and hash of its lines as they are kept, so that a cut or lost log is detected.
"""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from videoimport.api.base import ByteCount, Message, Model, Sha256
from videoimport.api.bulkimport_source import BulkSource, ItemName
from videoimport.api.destination import Destination
from videoimport.api.field_types import ConfigMapReference, HttpUrl
from videoimport.api.metadata import Metadata
from videoimport.api.output_options import Output
from videoimport.api.reasons import Reason
from videoimport.api.redaction import ShownText, ShownUrl
from videoimport.api.requirements import Requirements
from videoimport.api.rules.validation import Checked, requires
from videoimport.api.tasks.import_report import MAX_RETRY_AFTER
from videoimport.api.tasks.import_task import Politeness
from videoimport.api.untrusted_text import DisplayText, DisplayUri, clean_values
from videoimport.api.videoimport_source import Checksum
from videoimport.api.videoimport_status import Count

MAX_PAGE_ITEMS = 2000
MAX_PAGE_BYTES = 512 * 1024
"""Of a page's lines as they are kept, each with its newline: one ConfigMap takes them, and a container's log does not
rotate."""
PAGE_SECONDS = 20
"""A page that takes longer ends early: the first videos start before a long listing ends."""
MANIFEST_PATH = "/etc/videoimport/manifest"
"""Folder where the ConfigMap of source.manifest is mounted, a file a key; empty when it is missing."""
RetryAfter = Annotated[int, Field(ge=0, le=MAX_RETRY_AFTER)]
MAX_SLUG = 40
"""Characters that fit into the name of an import beside its bulk's name."""
Identity = Annotated[str, Checked((requires("[0-9a-f]{10}", "an identity has ten lowercase hexadecimal digits."),))]


Lines = Annotated[int, Field(ge=0, json_schema_extra={"format": "int64"})]


class Known(Model):
    """The destination has it already, according to its index."""

    video_id: Annotated[DisplayText, Field(max_length=64)] | None = None
    uri: Annotated[DisplayUri, Field(max_length=2048)] | None = None


class FoundItem(Model):
    """One video of the list."""

    id: Identity
    """Its identity: api.identity.item_identity of its URL or locator."""
    url: HttpUrl | None = None
    """Its address; or else its key."""
    key: Annotated[str, Field(min_length=1, max_length=1024)] | None = None
    """Of an object of source.s3."""
    name: ItemName | None = None
    metadata: Annotated[Metadata, AfterValidator(clean_values)] | None = None
    checksum: Checksum | None = None
    known: Known | None = None
    """Set when it need not be imported."""
    slug: Annotated[str, Field(pattern=r"^[a-z0-9-]+$", max_length=MAX_SLUG)] | None = None
    """Of the title that the list gives it, for the name of its import."""


class RejectedItem(Model):
    """A rejected item, known before any import."""

    name: Annotated[DisplayText, Field(max_length=128)] | None = None
    """The item's name, where it has one."""
    url: Annotated[ShownUrl, Field(max_length=2048)] | None = None
    """Its address, without user info and signatures, or s3://bucket/key; absent where a line has none."""
    reason: Reason
    """The requirement that it does not meet, or another reason."""
    message: Annotated[ShownText, Field(max_length=512)] = ""
    """The found and the wanted value; of a manifest, the line's number."""


class RejectedLine(RejectedItem):
    """The same as a page keeps it."""

    id: Identity | None = None
    """Its identity, as for a found item; None where a line has no address. An item that is also found in the list
    counts as found. One that is rejected twice counts once."""


class Skipped(Model):
    """What a list has that is neither imported nor rejected, counted."""

    blank: Lines = 0
    """Blank rows, those of delimiters only included."""
    comments: Lines = 0
    """Comments: lines that begin with #."""
    remarks: Lines = 0
    """Remarks behind an address."""
    values: Lines = 0
    """Values of columns without a name, or with a name that the importer sets for every video."""
    repeats: Lines = 0
    """Rows that name a video of the same page again."""

    @property
    def total(self) -> int:
        """All of it."""
        return self.blank + self.comments + self.remarks + self.values + self.repeats

    def plus(self, other: "Skipped | None") -> "Skipped":
        """Return the sum."""
        if other is None:
            return self
        return Skipped(**{name: getattr(self, name) + getattr(other, name) for name in Skipped.model_fields})


class PageLine(Model):
    """A line of a page: exactly one of both."""

    page: Literal[1] = 1
    """The version of this model."""
    found: FoundItem | None = None
    rejected: RejectedLine | None = None


class PageFacts(Model):
    """The properties of a kept page besides its lines."""

    cursor: Annotated[str, Field(max_length=2048)] | None = None
    """Where the next page begins; None when this is the last."""
    done: bool = False
    """This is the last page."""
    pushed_back: Reason | None = None
    """What broke the source off after this page; the next one waits as after a failure."""
    integration: Annotated[str, Field(max_length=64)] | None = None
    """Of a page of items that earlier bulks left failed: from where to where, as api.identity has it, shortened."""
    retry_after_seconds: RetryAfter | None = None
    """From the report."""
    skipped: Skipped | None = None
    """From the report."""


class ListingTask(Model):
    """One run for one page, for the worker. Holds no secret. The source's Secret is mounted as for an import, and the
    destination's too, for its index."""

    schema_version: Literal[1] = 1
    kind: Literal["Listing"] = "Listing"
    uid: str
    """Of the BulkImport."""
    namespace: str
    name: str
    run: Count
    page: Count
    """From 0."""
    cursor: Annotated[str, Field(max_length=2048)] | None = None
    """Where the page before ended, in the worker's own format; None for the first."""
    source: BulkSource
    """Without inline items."""
    requirements: Requirements | None = None
    """Bounds that are checked if this needs no download."""
    destination: Destination
    output: Output
    incremental: bool
    """Whether the destination's index is read for existing videos."""
    allowed_networks: tuple[str, ...] = ()
    politeness: Politeness = Politeness()
    proxy: str | None = None
    ca_bundle_config_map_ref: ConfigMapReference | None = None
    """As worker.caBundleConfigMapRef of the template."""
    timeout_seconds: Annotated[int, Field(ge=10)] = 900
    max_items: Annotated[int, Field(ge=1, le=MAX_PAGE_ITEMS)] = MAX_PAGE_ITEMS
    page_seconds: Annotated[int, Field(ge=1)] = PAGE_SECONDS


class PageReport(Model):
    """How a run for a page ended: the termination message."""

    schema_version: Literal[1] = 1
    kind: Literal["PageReport"] = "PageReport"
    uid: str
    run: Count
    page: Count
    reason: Reason | None = None
    """Why there is no page; None when there is one."""
    message: Message = ""
    advice: Annotated[str, Field(max_length=512)] = ""
    """What to do, where that is more exact than the reason's own advice."""
    pushed_back: Reason | None = None
    """There is a page, but the source broke off behind it. The next run gets the same pause as after a run that failed
    with this reason."""
    retry_after_seconds: RetryAfter | None = None
    """The host's Retry-After, with RateLimited as reason or pushed_back; None if it sent none."""
    cursor: Annotated[str, Field(max_length=2048)] | None = None
    """Where the next page begins; None when this is the last."""
    done: bool = False
    """This is the last page."""
    count: Count = 0
    """Lines."""
    skipped: Skipped | None = None
    """The skipped rows of the list up to the end of this page."""
    bytes: ByteCount = 0
    """Of all lines, each with its newline."""
    sha256: Sha256 = "0" * 64
    """Of the same."""
