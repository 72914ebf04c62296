"""The VideoImport resource, which imports one video from a source to a destination."""

import hashlib
import json
from typing import Annotated, Any

from pydantic import Field

from videoimport.api.base import Model
from videoimport.api.destination import Destination
from videoimport.api.field_types import Timestamp
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
"""Maximum number of characters of a VideoImport's name.

The name of a Job has a hyphen and the run in addition, and must fit into a label of 63 characters.
"""
RetryToken = Annotated[str, Field(max_length=128)]


class OwnerReference(Model):
    """The fields of metav1.OwnerReference that this project reads."""

    api_version: str
    kind: str
    name: str
    uid: str
    controller: bool = False


class ObjectMeta(Model):
    """The fields of metav1.ObjectMeta that this project reads."""

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
    """The source of the video. Immutable while a run is active and once Completed."""
    destination: Destination
    """The destination of the results. Immutable while a run is active and once Completed."""
    requirements: Requirements | None = None
    """Requirements for the source. Absent means no requirements, and {} means the defaults."""
    output: Output = Output()
    """The files to make. Immutable while a run is active and once Completed."""
    metadata: Metadata | None = None
    """Metadata that is stored with the video: strings, numbers and booleans. The importer sets some names itself, and
    these names are not allowed."""
    incremental: bool = True
    """True skips a video that the destination already has with the same output and in the same folder. The import is
    then Completed with reason Duplicate. False stores the video again."""
    max_attempts: Annotated[int, Field(ge=1, le=20)] = 5
    """Maximum number of counted runs. After that number the import fails for good."""
    timeout_seconds: Annotated[int, Field(ge=10, le=604800)] = 21600
    """Maximum duration of a run in seconds."""
    suspend: bool = False
    """True ends the running pod and starts no other. False continues. The stopped run does not count toward
    maxAttempts."""
    cancel: bool = False
    """True ends the import within seconds. To start the import again, remove cancel and change the retryToken."""
    retry_token: RetryToken = ""
    """A new value starts a failed or cancelled import again. The attempts are then counted from zero."""
    worker: WorkerOptions = WorkerOptions()
    """Options of the worker pod."""


class VideoImport(Model):
    """Imports one video. The import fetches, checks, uploads and verifies the video. If needed, it also transcodes
    the video."""

    metadata: ObjectMeta
    spec: VideoImportSpec
    status: VideoImportStatus = VideoImportStatus()

    @classmethod
    def parse(cls, raw: dict[str, Any]) -> "VideoImport":
        """Parse an object as the API server returns it. Raises pydantic.ValidationError."""
        return cls.model_validate(raw)


IDENTITY = {"apiVersion": API_VERSION, "kind": VIDEO_KIND}


def spec_hash(spec: VideoImportSpec) -> str:
    """Return the SHA-256 (hex) of the fields of a spec that affect the result."""
    return _hashed({name: value for name, value in spec.canonical().items() if name in _SHAPING})


def wish_hash(spec: VideoImportSpec) -> str:
    """Return sixteen hex digits of the hash of a spec without suspend, cancel and retryToken."""
    return _hashed({name: value for name, value in spec.canonical().items() if name not in _STEERING})[:16]


def _hashed(canonical: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(canonical, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
