"""The BulkImport resource, which imports many videos."""

from typing import Annotated, Any

from pydantic import Field

from videoimport.api.base import Model
from videoimport.api.bulkimport_source import MAX_ITEMS, BulkSource, Item
from videoimport.api.bulkimport_status import BulkImportStatus
from videoimport.api.destination import Destination
from videoimport.api.labels import API_VERSION, BULK_KIND
from videoimport.api.metadata import Metadata
from videoimport.api.output_options import Output
from videoimport.api.requirements import Requirements
from videoimport.api.tasks.webhook_task import Webhook
from videoimport.api.videoimport import ObjectMeta, RetryToken
from videoimport.api.worker_options import WorkerOptions

__all__ = ["MAX_ITEMS", "BulkImport", "BulkImportSpec", "BulkSource", "FailurePolicy", "Item", "Template"]

MAX_NAME = 40
"""Maximum number of characters of a BulkImport's name.

The name of a child has at least a hyphen and ten hex digits more, and must fit the limit of VideoImports.
"""
IDENTITY = {"apiVersion": API_VERSION, "kind": BULK_KIND}


class Template(Model):
    """The spec of every child."""

    destination: Destination
    """The destination of the results."""
    requirements: Requirements | None = None
    """Requirements for the source. Absent means no requirements, and {} means the defaults."""
    output: Output = Output()
    """The files to make."""
    metadata: Metadata | None = None
    """Metadata that is stored with every video. See the metadata of a VideoImport."""
    max_attempts: Annotated[int, Field(ge=1, le=20)] = 5
    """Maximum number of counted runs of a child. After that number the child fails for good."""
    timeout_seconds: Annotated[int, Field(ge=10, le=604800)] = 21600
    """Maximum duration of a run in seconds."""
    worker: WorkerOptions = WorkerOptions()
    """Options of the worker pods."""


class FailurePolicy(Model):
    """Limits for the number of failed items. If a limit is exceeded, the BulkImport starts no more items, finishes
    active runs and ends."""

    max_failed: Annotated[int, Field(ge=0, le=100_000)] | None = None
    """Maximum number of items that may fail. One more failed item ends the BulkImport."""
    max_failed_percent: Annotated[int, Field(ge=0, le=100)] | None = None
    """Maximum percentage of all listed items that may fail. The percentage is checked after the listing is done."""


class BulkImportSpec(Model):
    """The list of videos, the spec of every child, and the number of simultaneous imports."""

    source: BulkSource
    """The list of videos."""
    template: Template
    """The spec of every child. A change applies to items that have not started."""
    incremental: bool = True
    """True skips a video that the destination already has. See incremental of a VideoImport."""
    dry_run: bool = False
    """True lists the videos and reports which videos would be imported, but imports none."""
    parallelism: Annotated[int, Field(ge=1, le=100)] = 4
    """Maximum number of imports at the same time."""
    failure_policy: FailurePolicy | None = None
    """Limits of failures that end the BulkImport early. Absent means no limits."""
    suspend: bool = False
    """True ends the running pods and starts no others. False continues."""
    cancel: bool = False
    """True ends the BulkImport within seconds. Finished imports stay."""
    retry_token: RetryToken = ""
    """A new value retries the failed items. Successful results are kept."""
    retry_failed: bool = False
    """True retries the failed items once, including the failed items of earlier BulkImports with the same source and
    destination. A new retryToken retries these items once more."""
    child_history_limit: Annotated[int, Field(ge=0, le=10_000)] = 1000
    """Maximum number of finished VideoImports that are kept. The oldest are deleted first, but the results of deleted
    VideoImports are kept."""
    child_ttl_seconds: Annotated[int, Field(ge=0, le=31_536_000)] = Field(default=604_800, alias="childTTLSeconds")
    """Seconds for which a finished VideoImport is kept."""
    webhook: Webhook | None = None
    """The receiver of a message when the BulkImport has ended."""


class BulkImport(Model):
    """Imports many videos. Each video has a child VideoImport, and a limited number of children run at the same
    time."""

    metadata: ObjectMeta
    spec: BulkImportSpec
    status: BulkImportStatus = BulkImportStatus()

    @classmethod
    def parse(cls, raw: dict[str, Any]) -> "BulkImport":
        """Parse an object as the API server returns it. Raises pydantic.ValidationError."""
        return cls.model_validate(raw)
