"""The BulkImport resource: many videos as one."""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field

from videoimport.api.base import ByteCount, Message, Model, Percent, Timestamp
from videoimport.api.conditions import Condition
from videoimport.api.destination import Destination
from videoimport.api.labels import API_VERSION, BULK_KIND
from videoimport.api.metadata import Metadata
from videoimport.api.output import Output
from videoimport.api.reasons import Reason
from videoimport.api.requirements import Requirements
from videoimport.api.source import HttpUrl
from videoimport.api.status import Count
from videoimport.api.videoimport import ObjectMeta, RetryToken
from videoimport.api.worker import WorkerOptions

MAX_NAME = 40
"""Longest name: a child's name adds a hyphen and ten hex digits and must fit a VideoImport's."""
MAX_ITEMS = 1000
MAX_INLINE_RESULTS = 50
"""Results shown in status itself; all of them stand in the shards that resultsRef names."""
IDENTITY = {"apiVersion": API_VERSION, "kind": BULK_KIND}
_ATOMIC = {"x-kubernetes-list-type": "atomic"}


class BulkPhase(StrEnum):
    """Where a BulkImport is. Completed may have failed items; the condition AllSucceeded tells."""

    PROCESSING = "Processing"
    COMPLETED = "Completed"
    FAILED = "Failed"
    CANCELLED = "Cancelled"


class Item(Model):
    """One video of the list."""

    url: HttpUrl
    """A media file or a page, as in a VideoImport."""
    name: Annotated[str, Field(pattern=r"^[^/\\{}\x00-\x1f\x7f]+$", max_length=128)] | None = None
    """Its folder in the destination; absent means the template's destination.name."""


class BulkSource(Model):
    """Where the list comes from."""

    items: Annotated[tuple[Item, ...], Field(min_length=1, max_length=MAX_ITEMS, json_schema_extra=_ATOMIC)]
    """The videos, at most 1,000. The same item twice is one import."""


class Template(Model):
    """What every child gets."""

    destination: Destination
    """Where the results go."""
    requirements: Requirements | None = None
    """Bounds a source must meet; absent means none, and {} means the defaults."""
    output: Output = Output()
    """What comes out."""
    metadata: Metadata | None = None
    """Kept with every video; see a VideoImport's metadata."""
    max_attempts: Annotated[int, Field(ge=1, le=20)] = 5
    """Most charged runs of a child."""
    timeout_seconds: Annotated[int, Field(ge=10, le=604800)] = 21600
    """Longest a run may take."""
    worker: WorkerOptions = WorkerOptions()
    """How the workers' pods are to be run."""


class BulkImportSpec(Model):
    """Which videos, what every one of them gets, and how many are imported at the same time."""

    source: BulkSource
    """Which videos."""
    template: Template
    """What every one of them gets."""
    incremental: bool = True
    """True: a video that the destination already has is not stored again; see a VideoImport's incremental."""
    parallelism: Annotated[int, Field(ge=1, le=100)] = 4
    """How many are imported at the same time."""
    cancel: bool = False
    """True ends it within seconds; what is done stays."""
    retry_token: RetryToken = ""
    """Change it to retry the failed items; the successes are kept."""


class ItemResult(Model):
    """How one item ended."""

    name: Annotated[str, Field(max_length=128)] | None = None
    """The item's name, where it has one."""
    url: Annotated[str, Field(max_length=2048)]
    """The item's address, without user info and signatures."""
    success: bool
    """Whether the video stands in the destination."""
    video_id: Annotated[str, Field(max_length=64)] | None = None
    """The VideoImport's status.videoId."""
    import_name: Annotated[str, Field(max_length=63)]
    """The VideoImport that brought it."""
    reason: Reason | None = None
    """Why it failed; Duplicate where the destination had the video already."""
    error: Message | None = None
    """What happened, in a sentence."""
    attempts: Count = 0
    """Runs that were charged."""
    uri: Annotated[str, Field(max_length=2048)] | None = None
    """Where the video is."""


class LedgerEntry(ItemResult):
    """A result as a shard keeps it, with what the controller needs to count again from nothing."""

    retry_token: RetryToken = ""
    """The token the item was tried under; a failure under an older token is no result any more."""
    bytes_in: ByteCount = 0
    bytes_out: ByteCount = 0


class ShardReference(Model):
    """A ConfigMap that holds results, one key an item."""

    name: Annotated[str, Field(max_length=63)]
    """The ConfigMap's name."""
    count: Annotated[int, Field(ge=0)]
    """How many results it holds."""


class BulkImportStatus(Model):
    """Written by the controller only; recomputed from the children and the ledger, never counted up."""

    observed_generation: Annotated[int, Field(ge=0)] | None = None
    """The metadata.generation this status speaks of."""
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
    """Distinct items."""
    active: Annotated[int, Field(ge=0)] | None = None
    """Items being imported now."""
    completed: Annotated[int, Field(ge=0)] | None = None
    """Items that succeeded."""
    failed: Annotated[int, Field(ge=0)] | None = None
    """Items that ended without success."""
    progress_percent: Percent | None = None
    """Moves with every video's own progress; never backwards unless items are added or retried."""
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
    results_ref: Annotated[tuple[ShardReference, ...], Field(max_length=64, json_schema_extra=_ATOMIC)] = ()
    """The ConfigMaps that hold every result."""


class BulkImport(Model):
    """Imports many videos: a child VideoImport each, a window of them at a time."""

    metadata: ObjectMeta
    spec: BulkImportSpec
    status: BulkImportStatus = BulkImportStatus()

    @classmethod
    def parse(cls, raw: dict[str, Any]) -> "BulkImport":
        """From an object as the API server gives it. Raises pydantic.ValidationError."""
        return cls.model_validate(raw)
