"""The parts of a BulkImport's status, and the ledger from which it is counted."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field, PlainSerializer

from videoimport.api.base import ByteCount, Message, Model, Percent, Timestamp
from videoimport.api.conditions import Condition
from videoimport.api.reasons import Reason
from videoimport.api.redaction import ShownUrl, shown_text
from videoimport.api.rules.validation import Checked, requires
from videoimport.api.tasks.listing_task import RejectedItem
from videoimport.api.tasks.webhook_task import WebhookStatus
from videoimport.api.untrusted_text import DisplayText, DisplayUri
from videoimport.api.videoimport_status import Attempts, Count

MAX_INLINE_RESULTS = 50
"""Results shown in status itself; all of them are in the shards that resultsRef names."""
MAX_INLINE_ITEMS = 50
"""Accepted and rejected items shown in status itself; all of them are in the pages that itemsRef names."""
MAX_REFERENCES = 256
MAX_HOSTS = 20
_ATOMIC = {"x-kubernetes-list-type": "atomic"}
MAX_PAGE_DIGESTS = 130
"""Of a list of 4,000 pages 127 digests are kept. Of the pages with failed items of earlier bulks, the newest 128 are.
"""
_DIGEST = requires("[0-9a-f]{32}", "a digest of a page has 32 lowercase hexadecimal digits; the controller writes it.")
RetryToken = Annotated[str, Field(max_length=256)]
PageDigests = Annotated[
    dict[str, Annotated[str, Field(max_length=32), Checked((_DIGEST,))]], Field(max_length=MAX_PAGE_DIGESTS)
]


class BulkPhase(StrEnum):
    """Where a BulkImport is. Completed may have failed items; see the condition AllSucceeded."""

    QUEUED = "Queued"
    DISCOVERING = "Discovering"
    PROCESSING = "Processing"
    SUSPENDED = "Suspended"
    COMPLETED = "Completed"
    FAILED = "Failed"
    CANCELLED = "Cancelled"


class ItemResult(Model):
    """How one item ended."""

    name: Annotated[DisplayText, Field(max_length=128)] | None = None
    """The item's name, where it has one."""
    url: Annotated[ShownUrl, Field(max_length=2048)]
    """The item's address, without user info and signatures."""
    success: bool
    """Whether the video is in the destination."""
    video_id: Annotated[DisplayText, Field(max_length=64)] | None = None
    """The VideoImport's status.videoId."""
    import_name: Annotated[str, Field(max_length=63)] | None = None
    """The VideoImport that imported it; absent if the listing found it in the destination."""
    reason: Reason | None = None
    """Why it failed; Duplicate where the destination had the video already."""
    error: Message | None = None
    """What happened, in a sentence."""
    attempts: Count = 0
    """Runs that counted toward maxAttempts."""
    uri: Annotated[DisplayUri, Field(max_length=2048)] | None = None
    """Where the video is."""


class LedgerEntry(ItemResult):
    """A result in a shard, with the facts from which the controller can count again."""

    error: Annotated[str, PlainSerializer(shown_text, return_type=str), Field(max_length=1024)] | None = None
    """Cleaned where it is written and where it is shown. Reading keeps it as the shard has it: shards are read often,
    and every user who may write ConfigMaps may write one."""
    retry_token: RetryToken = ""
    """The token the item was tried under; a failure under an older token is no result any more."""
    bytes_in: ByteCount = 0
    bytes_out: ByteCount = 0


class ShardReference(Model):
    """A ConfigMap that holds a part of a list."""

    name: Annotated[str, Field(max_length=63)]
    """The ConfigMap's name."""
    count: Annotated[int, Field(ge=0)]
    """How many entries it holds."""


class AcceptedItem(Model):
    """What will be imported, or was."""

    name: Annotated[DisplayText, Field(max_length=128)] | None = None
    """The item's name, where it has one."""
    url: Annotated[ShownUrl, Field(max_length=2048)]
    """Its address, without user info and signatures, or s3://bucket/key."""


class DiscoveryStatus(Model):
    """How far the list is known."""

    listing: Annotated[str, Field(max_length=16)] | None = None
    """Identifies the list: changes with the source and the checks."""
    pages: Count = 0
    """Pages that are kept."""
    cursor: Annotated[str, Field(max_length=2048)] | None = None
    """Where the next page begins, in the worker's own format."""
    page_digests: PageDigests = Field(default_factory=dict)
    """Digests by the number of pages that each covers, from the first on, written before the last of these pages is
    stored. Only pages that match are used."""
    done: bool = False
    """The whole list is known."""
    wish: Annotated[str, Field(max_length=16)] = ""
    """Changes with the list, its Secret's name and the worker's options. Each change resets the number of tries."""
    run: Count = 0
    """Jobs that were made to list it; the last is <bulk>-list-r<run>."""
    attempts: Attempts = Attempts()
    """How often the present page was tried."""
    since: Timestamp | None = None
    """When the tries began; time in which no page was wanted does not count."""
    host_failures: Count = 0
    """Failures in a row with RateLimited; each one doubles the backoff of the host."""
    reason: Reason | None = None
    """Why the last try failed, or what keeps it from starting."""
    message: Message | None = None
    """The same in a sentence."""


class HostStatus(Model):
    """The circuit breaker of a host, while it is not closed."""

    host: Annotated[str, Field(max_length=253)]
    """Its name."""
    state: Literal["Open", "HalfOpen"]
    """Open: no import contacts the host. HalfOpen: one import probes it, and all others wait."""
    until: Timestamp | None = None
    """End of the backoff: then one import probes the host."""
    failures: Count = 0
    """Failures in a row with RateLimited."""


class BulkImportStatus(Model):
    """Written by the controller only; recomputed from the children and the ledger, never counted up."""

    observed_generation: Annotated[int, Field(ge=0)] | None = None
    """The metadata.generation that this status belongs to."""
    phase: BulkPhase | None = None
    """Where it is."""
    message: Message | None = None
    """What happened, in a sentence."""
    conditions: Annotated[tuple[Condition, ...], Field(max_length=16, json_schema_extra={
        "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]})] = ()  # fmt: skip
    """Ready, Reconciling, Stalled, Finished, AllSucceeded."""
    observed_retry_token: Annotated[str, Field(max_length=128)] | None = None
    """spec.retryToken as last acted upon."""
    total: Annotated[int, Field(ge=0)] | None = None
    """Distinct accepted items, as far as they are known."""
    active: Annotated[int, Field(ge=0)] | None = None
    """Items being imported now."""
    completed: Annotated[int, Field(ge=0)] | None = None
    """Items that succeeded, duplicates included."""
    failed: Annotated[int, Field(ge=0)] | None = None
    """Items that ended without success."""
    rejected_count: Annotated[int, Field(ge=0)] | None = None
    """Items of the list that were rejected before any import; not part of total."""
    skipped_duplicates: Annotated[int, Field(ge=0)] | None = None
    """Of the completed, those that the destination had already."""
    queue_position: Annotated[int, Field(ge=1)] | None = None
    """While Queued: 1 is the next."""
    discovery: DiscoveryStatus | None = None
    """How far the list is known; absent for inline items."""
    progress_percent: Percent | None = None
    """Grows with every video's own progress; falls only if items are added or retried."""
    eta_seconds: Annotated[int, Field(ge=0)] | None = None
    """Estimated seconds until the end, where known."""
    bytes_in: ByteCount | None = None
    """Bytes fetched for finished items."""
    bytes_out: ByteCount | None = None
    """Bytes uploaded for finished items."""
    start_time: Timestamp | None = None
    """When it was first seen."""
    completion_time: Timestamp | None = None
    """When it ended."""
    updated_time: Timestamp | None = None
    """When this status last changed."""
    results: Annotated[tuple[ItemResult, ...], Field(max_length=MAX_INLINE_RESULTS, json_schema_extra=_ATOMIC)] = ()
    """Results as items finish, failures first; at most 50 here, all of them in the shards."""
    results_ref: Annotated[tuple[ShardReference, ...], Field(max_length=MAX_REFERENCES, json_schema_extra=_ATOMIC)] = ()
    """The ConfigMaps that hold every result, a key an item."""
    accepted: Annotated[tuple[AcceptedItem, ...], Field(max_length=MAX_INLINE_ITEMS, json_schema_extra=_ATOMIC)] = ()
    """The accepted items, in the list's order; at most 50 here, all of them in the pages."""
    rejected: Annotated[tuple[RejectedItem, ...], Field(max_length=MAX_INLINE_ITEMS, json_schema_extra=_ATOMIC)] = ()
    """The rejected items, and why; at most 50 here, all of them in the pages."""
    items_ref: Annotated[tuple[ShardReference, ...], Field(max_length=MAX_REFERENCES, json_schema_extra=_ATOMIC)] = ()
    """The ConfigMaps that hold the whole list, a line an item; none for inline items."""
    earlier_digests: PageDigests = Field(default_factory=dict)
    """With retryFailed: digests of the pages with failed items of earlier bulks, by page number, written before these
    pages are stored. Only pages that match are used."""
    hosts: Annotated[tuple[HostStatus, ...], Field(max_length=MAX_HOSTS, json_schema_extra=_ATOMIC)] = ()
    """Open and half-open circuit breakers of hosts of its items."""
    webhook: WebhookStatus | None = None
    """The last ending that was, or is being, sent."""
