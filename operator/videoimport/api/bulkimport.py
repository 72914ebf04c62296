"""The BulkImport resource: many videos as one."""

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
"""Longest name: a child's name adds at least a hyphen and ten hex digits and must fit a VideoImport's."""
IDENTITY = {"apiVersion": API_VERSION, "kind": BULK_KIND}


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
    """Maximum number of counted runs of a child before it fails for good."""
    timeout_seconds: Annotated[int, Field(ge=10, le=604800)] = 21600
    """Longest a run may take."""
    worker: WorkerOptions = WorkerOptions()
    """How the workers' pods are to be run."""


class FailurePolicy(Model):
    """When a list with too many failures ends: nothing more is started, and active runs are finished."""

    max_failed: Annotated[int, Field(ge=0, le=100_000)] | None = None
    """Most items that may fail; one more ends it."""
    max_failed_percent: Annotated[int, Field(ge=0, le=100)] | None = None
    """Most items that may fail, of all that are listed, once the listing is done."""


class BulkImportSpec(Model):
    """Which videos, the spec of every child, and how many are imported at the same time."""

    source: BulkSource
    """Which videos."""
    template: Template
    """The spec of every child; a change applies to items that are not yet started."""
    incremental: bool = True
    """True: a video that the destination already has is not stored again; see a VideoImport's incremental."""
    dry_run: bool = False
    """True lists the videos and reports which would be imported, and imports none."""
    parallelism: Annotated[int, Field(ge=1, le=100)] = 4
    """How many are imported at the same time."""
    failure_policy: FailurePolicy | None = None
    """When to end early after failures; absent means never."""
    suspend: bool = False
    """True ends the running pods and starts no others; false continues."""
    cancel: bool = False
    """True ends it within seconds; finished imports stay."""
    retry_token: RetryToken = ""
    """Change it to retry the failed items; the successes are kept."""
    retry_failed: bool = False
    """True retries the failed items once. It adds the failed items of earlier BulkImports with the same source and
    destination. Change retryToken to retry once more."""
    child_history_limit: Annotated[int, Field(ge=0, le=10_000)] = 1000
    """Maximum number of finished VideoImports that are kept; the oldest are deleted first. Their results are kept."""
    child_ttl_seconds: Annotated[int, Field(ge=0, le=31_536_000)] = Field(default=604_800, alias="childTTLSeconds")
    """How long a finished VideoImport is kept, in seconds."""
    webhook: Webhook | None = None
    """Where a message is sent when the BulkImport has ended."""


class BulkImport(Model):
    """Imports many videos: a child VideoImport each, a window of them at a time."""

    metadata: ObjectMeta
    spec: BulkImportSpec
    status: BulkImportStatus = BulkImportStatus()

    @classmethod
    def parse(cls, raw: dict[str, Any]) -> "BulkImport":
        """From an object as the API server gives it. Raises pydantic.ValidationError."""
        return cls.model_validate(raw)
