"""The VideoImport resource: one video, from a source to a destination."""

import hashlib
import json
from typing import Annotated, Any

from pydantic import Field

from videoimport.api.base import Model, Timestamp
from videoimport.api.destination import Destination
from videoimport.api.labels import API_VERSION, VIDEO_KIND
from videoimport.api.metadata import Metadata
from videoimport.api.output_options import Output
from videoimport.api.requirements import Requirements
from videoimport.api.videoimport_source import VideoSource
from videoimport.api.videoimport_status import VideoImportStatus
from videoimport.api.worker_options import WorkerOptions

_SHAPING = {"source", "destination", "requirements", "output", "metadata"}
_STEERING = {"suspend", "cancel", "retryToken"}

MAX_NAME = 52
"""Longest name: its Job's name adds a hyphen and the run and must fit a label's 63 characters."""
RetryToken = Annotated[str, Field(max_length=128)]


class OwnerReference(Model):
    """The parts of metav1.OwnerReference we read."""

    api_version: str
    kind: str
    name: str
    uid: str
    controller: bool = False


class ObjectMeta(Model):
    """The parts of metav1.ObjectMeta we read."""

    name: str
    namespace: str
    uid: str
    resource_version: str = ""
    generation: int = 0
    creation_timestamp: Timestamp | None = None
    deletion_timestamp: Timestamp | None = None
    labels: dict[str, str] = Field(default_factory=dict)
    annotations: dict[str, str] = Field(default_factory=dict)
    owner_references: tuple[OwnerReference, ...] = ()


class VideoImportSpec(Model):
    """The source and destination of the video, the requirements and the output. Only source and destination are
    required."""

    source: VideoSource
    """Where the video comes from. Immutable while a run is active and once Completed."""
    destination: Destination
    """Where the results go. Immutable while a run is active and once Completed."""
    requirements: Requirements | None = None
    """Bounds the source must meet; absent means none, and {} means the defaults."""
    output: Output = Output()
    """The files to make. Immutable while a run is active and once Completed."""
    metadata: Metadata | None = None
    """Kept with the video: strings, numbers and booleans, under names that the importer does not set itself."""
    incremental: bool = True
    """True: a video that the destination already has, with the same output and in the same folder, is not stored again.
    The import is then Completed with reason Duplicate. False stores it again."""
    max_attempts: Annotated[int, Field(ge=1, le=20)] = 5
    """Maximum number of counted runs before it fails for good."""
    timeout_seconds: Annotated[int, Field(ge=10, le=604800)] = 21600
    """Longest a run may take."""
    suspend: bool = False
    """True ends the running pod and starts no other; false continues. The stopped run is not counted toward
    maxAttempts."""
    cancel: bool = False
    """True ends the import within seconds, for good: until cancel is removed and the retryToken changes."""
    retry_token: RetryToken = ""
    """Change it to start a failed or cancelled import again, with its attempts counted from zero."""
    worker: WorkerOptions = WorkerOptions()
    """How the worker's pod is to be run."""


class VideoImport(Model):
    """Imports one video: fetches, checks, transcodes where needed, uploads and verifies it."""

    metadata: ObjectMeta
    spec: VideoImportSpec
    status: VideoImportStatus = VideoImportStatus()

    @classmethod
    def parse(cls, raw: dict[str, Any]) -> "VideoImport":
        """From an object as the API server gives it. Raises pydantic.ValidationError."""
        return cls.model_validate(raw)


IDENTITY = {"apiVersion": API_VERSION, "kind": VIDEO_KIND}


def spec_hash(spec: VideoImportSpec) -> str:
    """SHA-256 (hex) of the parts of a spec that shape the result."""
    return _hashed({name: value for name, value in spec.canonical().items() if name in _SHAPING})


def wish_hash(spec: VideoImportSpec) -> str:
    """Sixteen hex digits for all mutable fields of a spec. Two specs that differ only in suspend, cancel and retryToken
    have the same hash."""
    return _hashed({name: value for name, value in spec.canonical().items() if name not in _STEERING})[:16]


def _hashed(canonical: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(canonical, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
