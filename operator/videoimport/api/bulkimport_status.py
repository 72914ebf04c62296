"""The status of a BulkImport, and the ledger from which the status is computed."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, PlainSerializer

from videoimport.api.base import Model
from videoimport.api.conditions import Condition
from videoimport.api.field_types import ByteCount, Message, Percent, Timestamp
from videoimport.api.reasons import Reason
from videoimport.api.redaction import ShownUrl, shown_text
from videoimport.api.rules.validation import Checked, requires
from videoimport.api.tasks.listing_task import RejectedItem
from videoimport.api.tasks.webhook_task import WebhookStatus
from videoimport.api.untrusted_text import DisplayText, DisplayUri
from videoimport.api.videoimport_status import Attempts, Count

MAX_INLINE_RESULTS = 50
"""Maximum number of results in the status. The shards in resultsRef have all results."""
MAX_INLINE_ITEMS = 50
"""Maximum number of accepted items, and of rejected items, in the status. The pages in itemsRef have all items."""
MAX_REFERENCES = 256
MAX_HOSTS = 20
_ATOMIC = {"x-kubernetes-list-type": "atomic"}
MAX_PAGE_DIGESTS = 130
"""Maximum number of page digests.

A list of 4,000 pages has 127 digests. For the pages with failed items of earlier BulkImports, the newest 128 digests
are kept.
"""
_DIGEST = requires("[0-9a-f]{32}", "a digest of a page has 32 lowercase hexadecimal digits; the controller writes it.")
RetryToken = Annotated[str, Field(max_length=256)]
PageDigests = Annotated[
    dict[str, Annotated[str, Field(max_length=32), Checked((_DIGEST,))]], Field(max_length=MAX_PAGE_DIGESTS)
]


class BulkPhase(StrEnum):
    """The phase of a BulkImport. A Completed BulkImport may have failed items. See the condition AllSucceeded."""

    QUEUED = "Queued"
    DISCOVERING = "Discovering"
    PROCESSING = "Processing"
    SUSPENDED = "Suspended"
    COMPLETED = "Completed"
    FAILED = "Failed"
    CANCELLED = "Cancelled"


class ItemResult(Model):
    """The result of one item."""

    name: Annotated[DisplayText, Field(max_length=128)] | None = None
    """The name of the item, if the item has a name."""
    url: Annotated[ShownUrl, Field(max_length=2048)]
    """The address of the item, without user info and signatures."""
    success: bool
    """True if the video is in the destination."""
    video_id: Annotated[DisplayText, Field(max_length=64)] | None = None
    """The status.videoId of the VideoImport."""
    import_name: Annotated[str, Field(max_length=63)] | None = None
    """Name of the VideoImport that imported the item. Absent if the listing found the video in the destination."""
    reason: Reason | None = None
    """Reason of a failure, or Duplicate if the destination already had the video."""
    error: Message | None = None
    """The failure in a sentence."""
    attempts: Count = 0
    """Number of runs that counted toward maxAttempts."""
    uri: Annotated[DisplayUri, Field(max_length=2048)] | None = None
    """The address of the stored video."""


class LedgerEntry(ItemResult):
    """A result in a shard, with the values from which the controller computes the sums."""

    error: Annotated[str, PlainSerializer(shown_text, return_type=str), Field(max_length=1024)] | None = None
    """The failure in a sentence. Secrets are removed on writing and before display, but not on reading.

    Shards are read often. Every user who may write ConfigMaps may also write a shard.
    """
    retry_token: RetryToken = ""
    """Value of retryToken when the item was tried. A failure under an older token is no longer a result."""
    bytes_in: ByteCount = 0
    bytes_out: ByteCount = 0


class ShardReference(Model):
    """A reference to a ConfigMap that holds one page or one shard."""

    name: Annotated[str, Field(max_length=63)]
    """The name of the ConfigMap."""
    count: Annotated[int, Field(ge=0)]
    """Number of entries in the ConfigMap."""


class AcceptedItem(Model):
    """An item that was imported or will be imported."""

    name: Annotated[DisplayText, Field(max_length=128)] | None = None
    """The name of the item, if the item has a name."""
    url: Annotated[ShownUrl, Field(max_length=2048)]
    """The address of the item without user info and signatures, or s3://bucket/key."""


class DiscoveryStatus(Model):
    """The progress of the listing."""

    listing: Annotated[str, Field(max_length=16)] | None = None
    """Hash that identifies the list. The hash changes with the source and the checks."""
    pages: Count = 0
    """Number of stored pages."""
    cursor: Annotated[str, Field(max_length=2048)] | None = None
    """Cursor of the next page, in the worker's own format."""
    page_digests: PageDigests = Field(default_factory=dict)
    """Digests of the stored pages. Each key is the number of pages that the digest covers, from the first page on. A
    digest is written before the last of its pages is stored. Only pages that match their digest are used."""
    done: bool = False
    """True if the whole list is known."""
    wish: Annotated[str, Field(max_length=16)] = ""
    """Hash of the list, the name of the list's Secret and the worker's options. Each change resets the number of
    tries."""
    run: Count = 0
    """Number of Jobs that were created for the listing. The last Job is <bulk>-list-r<run>."""
    attempts: Attempts = Attempts()
    """Tries of the present page."""
    since: Timestamp | None = None
    """Start time of the tries. Time in which no page was needed does not count."""
    host_failures: Count = 0
    """Number of failures in a row with RateLimited. Each further failure doubles the backoff of the host."""
    reason: Reason | None = None
    """Reason of the last failure, or the cause that prevents a start."""
    message: Message | None = None
    """The reason in a sentence."""


class HostStatus(Model):
    """The circuit breaker of a host that is open or half-open."""

    host: Annotated[str, Field(max_length=253)]
    """The name of the host."""
    state: Literal["Open", "HalfOpen"]
    """Open: no import contacts the host. HalfOpen: one import probes the host, and all others wait."""
    until: Timestamp | None = None
    """End of the backoff. After this time one import probes the host."""
    failures: Count = 0
    """Number of failures in a row with RateLimited."""


class BulkImportStatus(Model):
    """The observed state. Only the controller writes the status. It always computes the status from the children and
    the ledger."""

    observed_generation: Annotated[int, Field(ge=0)] | None = None
    """The metadata.generation that this status belongs to."""
    phase: BulkPhase | None = None
    """The phase of the BulkImport."""
    message: Message | None = None
    """The state in a sentence."""
    conditions: Annotated[tuple[Condition, ...], Field(max_length=16, json_schema_extra={
        "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]})] = ()  # fmt: skip
    """Conditions of the types Ready, Reconciling, Stalled, Finished and AllSucceeded."""
    observed_retry_token: Annotated[str, Field(max_length=128)] | None = None
    """The spec.retryToken that the controller last processed."""
    total: Annotated[int, Field(ge=0)] | None = None
    """Number of different accepted items that are known so far."""
    active: Annotated[int, Field(ge=0)] | None = None
    """Number of items that are being imported."""
    completed: Annotated[int, Field(ge=0)] | None = None
    """Number of successful items, including duplicates."""
    failed: Annotated[int, Field(ge=0)] | None = None
    """Number of items that ended without success."""
    rejected_count: Annotated[int, Field(ge=0)] | None = None
    """Number of items that were rejected before any import. Rejected items are not part of total."""
    skipped_duplicates: Annotated[int, Field(ge=0)] | None = None
    """Number of completed items that the destination already had."""
    queue_position: Annotated[int, Field(ge=1)] | None = None
    """Position in the queue while the phase is Queued. The next BulkImport has position 1."""
    discovery: DiscoveryStatus | None = None
    """The progress of the listing. Absent for inline items."""
    progress_percent: Percent | None = None
    """Progress in percent, including the progress of active videos. The value falls only if items are added or
    retried."""
    eta_seconds: Annotated[int, Field(ge=0)] | None = None
    """Estimated seconds until the end, if known."""
    bytes_in: ByteCount | None = None
    """Number of bytes fetched for finished items."""
    bytes_out: ByteCount | None = None
    """Number of bytes uploaded for finished items."""
    start_time: Timestamp | None = None
    """Time when the controller first processed the BulkImport."""
    completion_time: Timestamp | None = None
    """Time when the BulkImport ended."""
    updated_time: Timestamp | None = None
    """Time when this status last changed."""
    results: Annotated[tuple[ItemResult, ...], Field(max_length=MAX_INLINE_RESULTS, json_schema_extra=_ATOMIC)] = ()
    """At most 50 results of finished items, failures first. The ConfigMaps in resultsRef have all results."""
    results_ref: Annotated[tuple[ShardReference, ...], Field(max_length=MAX_REFERENCES, json_schema_extra=_ATOMIC)] = ()
    """The ConfigMaps that hold all results, with one key for each item."""
    accepted: Annotated[tuple[AcceptedItem, ...], Field(max_length=MAX_INLINE_ITEMS, json_schema_extra=_ATOMIC)] = ()
    """At most 50 accepted items, in the order of the list. The ConfigMaps in itemsRef have all items."""
    rejected: Annotated[tuple[RejectedItem, ...], Field(max_length=MAX_INLINE_ITEMS, json_schema_extra=_ATOMIC)] = ()
    """At most 50 rejected items with their reasons. The ConfigMaps in itemsRef have all items."""
    items_ref: Annotated[tuple[ShardReference, ...], Field(max_length=MAX_REFERENCES, json_schema_extra=_ATOMIC)] = ()
    """The ConfigMaps that hold the whole list, with one line for each item. Absent for inline items."""
    earlier_digests: PageDigests = Field(default_factory=dict)
    """Digests of the pages with failed items of earlier BulkImports, by page number, if retryFailed is set. A digest is
    written before its page is stored. Only pages that match their digest are used."""
    hosts: Annotated[tuple[HostStatus, ...], Field(max_length=MAX_HOSTS, json_schema_extra=_ATOMIC)] = ()
    """Open and half-open circuit breakers of the items' hosts."""
    webhook: WebhookStatus | None = None
    """The state of the last message that the BulkImport has ended."""
