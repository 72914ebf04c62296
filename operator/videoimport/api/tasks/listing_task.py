"""Discovery of a list page by page: the worker's task, the printed lines, the report, and the stored page.

A worker prints a page to stdout among its log lines, in the encoding of ``api.tasks.listing_log``. The report has
the number of the page's lines, their size in bytes and their hash. With these values, the controller detects a cut
or lost log.
"""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from videoimport.api.base import Model
from videoimport.api.bulkimport_source import BulkSource, ItemName
from videoimport.api.destination import Destination
from videoimport.api.field_types import ByteCount, ConfigMapReference, HttpUrl, Message, Sha256
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
"""Maximum number of bytes of a page's lines, each with its newline.

A page of this size fits into one ConfigMap, and its log is not rotated.
"""
PAGE_SECONDS = 20
"""Seconds after which a page ends early. Thus the first videos start before a long listing ends."""
MANIFEST_PATH = "/etc/videoimport/manifest"
"""Folder where the ConfigMap of source.manifest is mounted, with one file for each key. Without the ConfigMap the
folder is empty."""
RetryAfter = Annotated[int, Field(ge=0, le=MAX_RETRY_AFTER)]
MAX_SLUG = 40
"""Maximum number of characters of a slug. The name of an import has a slug and the name of the BulkImport."""
Identity = Annotated[str, Checked((requires("[0-9a-f]{10}", "an identity has ten lowercase hexadecimal digits."),))]


Lines = Annotated[int, Field(ge=0, json_schema_extra={"format": "int64"})]


class Known(Model):
    """The video of an item that the destination already has, according to the video index."""

    video_id: Annotated[DisplayText, Field(max_length=64)] | None = None
    uri: Annotated[DisplayUri, Field(max_length=2048)] | None = None


class FoundItem(Model):
    """One video of the list."""

    id: Identity
    """Identity of the item: api.identity.item_identity of the URL or locator."""
    url: HttpUrl | None = None
    """Address of the video, or None for an object of source.s3."""
    key: Annotated[str, Field(min_length=1, max_length=1024)] | None = None
    """Object key in source.s3."""
    name: ItemName | None = None
    metadata: Annotated[Metadata, AfterValidator(clean_values)] | None = None
    checksum: Checksum | None = None
    known: Known | None = None
    """Existing video in the destination. If set, the item need not be imported."""
    slug: Annotated[str, Field(pattern=r"^[a-z0-9-]+$", max_length=MAX_SLUG)] | None = None
    """Slug of the title in the list, for the name of the import."""


class RejectedItem(Model):
    """An item that was rejected before any import."""

    name: Annotated[DisplayText, Field(max_length=128)] | None = None
    """The name of the item, if the item has a name."""
    url: Annotated[ShownUrl, Field(max_length=2048)] | None = None
    """The address of the item without user info and signatures, or s3://bucket/key. Absent if the line has no
    address."""
    reason: Reason
    """The reason of the rejection, such as a requirement that the item does not meet."""
    message: Annotated[ShownText, Field(max_length=512)] = ""
    """The found and the expected value. For a manifest, also the number of the line."""


class RejectedLine(RejectedItem):
    """A rejected item as a page stores it."""

    id: Identity | None = None
    """Identity of the item, as for a found item. The value is None if the line has no address.

    An item that is found and rejected counts as found. An item that is rejected twice counts once.
    """


class Skipped(Model):
    """Counts of the parts of a list that do not become items, such as comments, blank rows and repeated entries."""

    blank: Lines = 0
    """Blank rows, including rows that have only delimiters."""
    comments: Lines = 0
    """Comments, which are lines that begin with #."""
    remarks: Lines = 0
    """Remarks after an address."""
    values: Lines = 0
    """Values of columns that have no name, or a name that the importer sets for every video."""
    repeats: Lines = 0
    """Rows that name a video again that the same page has already."""

    @property
    def total(self) -> int:
        """The sum of all counts."""
        return self.blank + self.comments + self.remarks + self.values + self.repeats

    def plus(self, other: "Skipped | None") -> "Skipped":
        """Return the sums of the counts of two objects."""
        if other is None:
            return self
        return Skipped(**{name: getattr(self, name) + getattr(other, name) for name in Skipped.model_fields})


class PageLine(Model):
    """A line of a page. Exactly one of ``found`` and ``rejected`` is set."""

    page: Literal[1] = 1
    """Version of this model."""
    found: FoundItem | None = None
    rejected: RejectedLine | None = None


class PageFacts(Model):
    """The properties of a stored page, without its lines."""

    cursor: Annotated[str, Field(max_length=2048)] | None = None
    """Cursor of the next page, or None for the last page."""
    done: bool = False
    """True if this page is the last."""
    pushed_back: Reason | None = None
    """Reason of the failure that ended the listing after this page. The next page waits as after a failure."""
    integration: Annotated[str, Field(max_length=64)] | None = None
    """Shortened api.identity.integration, for a page of items that failed in earlier BulkImports."""
    retry_after_seconds: RetryAfter | None = None
    """Value from the report."""
    skipped: Skipped | None = None
    """Value from the report."""


class ListingTask(Model):
    """The task of one run for one page, without secrets.

    The source's Secret is mounted as for an import. The destination's Secret is mounted too, for the index.
    """

    schema_version: Literal[1] = 1
    kind: Literal["Listing"] = "Listing"
    uid: str
    """UID of the BulkImport."""
    namespace: str
    name: str
    run: Count
    page: Count
    """Number of the page, from 0."""
    cursor: Annotated[str, Field(max_length=2048)] | None = None
    """Cursor at the end of the previous page, in the worker's own format. None for the first page."""
    source: BulkSource
    """The source without inline items."""
    requirements: Requirements | None = None
    """Requirements that are checked if the check needs no download."""
    destination: Destination
    output: Output
    incremental: bool
    """True if the worker reads the destination's index for existing videos."""
    allowed_networks: tuple[str, ...] = ()
    politeness: Politeness = Politeness()
    proxy: str | None = None
    ca_bundle_config_map_ref: ConfigMapReference | None = None
    """Value of worker.caBundleConfigMapRef of the template."""
    timeout_seconds: Annotated[int, Field(ge=10)] = 900
    max_items: Annotated[int, Field(ge=1, le=MAX_PAGE_ITEMS)] = MAX_PAGE_ITEMS
    page_seconds: Annotated[int, Field(ge=1)] = PAGE_SECONDS


class PageReport(Model):
    """The outcome of a run for a page. The termination message has this report."""

    schema_version: Literal[1] = 1
    kind: Literal["PageReport"] = "PageReport"
    uid: str
    run: Count
    page: Count
    reason: Reason | None = None
    """Reason for which there is no page, or None if there is a page."""
    message: Message = ""
    advice: Annotated[str, Field(max_length=512)] = ""
    """The solution for the user, if more exact than the advice of the reason."""
    pushed_back: Reason | None = None
    """Reason of the failure that ended the listing after this page.

    The next run waits as long as after a run that failed with this reason.
    """
    retry_after_seconds: RetryAfter | None = None
    """The Retry-After of the host in seconds, if ``reason`` or ``pushed_back`` is RateLimited. The value is None if the
    host sent none."""
    cursor: Annotated[str, Field(max_length=2048)] | None = None
    """Cursor of the next page, or None for the last page."""
    done: bool = False
    """True if this page is the last."""
    count: Count = 0
    """Number of lines."""
    skipped: Skipped | None = None
    """Skipped rows of this list page."""
    bytes: ByteCount = 0
    """Number of bytes of all lines, each with its newline."""
    sha256: Sha256 = "0" * 64
    """SHA-256 of all lines, each with its newline."""
