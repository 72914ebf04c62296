"""The task of a worker. The task is an annotation of the pod. The worker reads the annotation from a file of the
downward API."""

from typing import Annotated, Literal

from pydantic import Field

from videoimport.api.base import Model
from videoimport.api.field_types import Sha256
from videoimport.api.videoimport import VideoImportSpec

TASK_PATH = "/etc/videoimport/task.json"
DESTINATION_CREDENTIALS_PATH = "/var/run/secrets/videoimport.io/destination"
"""Folder with one file for each key of the destination's Secret. Without the Secret the folder is empty, because the
mount is optional."""
SOURCE_CREDENTIALS_PATH = "/var/run/secrets/videoimport.io/source"
"""Folder with one file for each key of the source's Secret. Without the Secret the folder is empty."""
SOURCE_VOLUME_PATH = "/source"
"""Read-only mount point of source.persistentVolumeClaim."""
DESTINATION_VOLUME_PATH = "/destination"
"""Mount point of destination.persistentVolumeClaim."""
CA_BUNDLE_PATH = "/etc/videoimport/ca/ca.crt"
"""File with the certificates of worker.caBundleConfigMapRef."""
SCRATCH_PATH = "/scratch"
TERMINATION_MESSAGE_PATH = "/dev/termination-log"


class Politeness(Model):
    """Limits of the requests to a source."""

    bytes_per_second: Annotated[int, Field(ge=1)] | None = None
    """Maximum number of bytes fetched in a second, or None for no limit."""
    sleep_seconds: Annotated[int, Field(ge=0, le=60)] = 0
    """Seconds between two requests of yt-dlp while it reads a web page."""


UPLOAD_PORT = 8081
"""Port on the pod's loopback address at which a worker receives the file of source.upload."""


class UploadTask(Model):
    """The session of source.upload that this run serves."""

    token_sha256: Sha256
    """SHA-256 of the token that the client must present."""
    idle_seconds: Annotated[int, Field(ge=1)] = 600
    """Seconds without a byte after which the run ends with UploadIdle. The value is a setting of the
    controller."""
    port: Annotated[int, Field(ge=1, le=65535)] = UPLOAD_PORT
    """Port on the loopback address at which the worker listens."""


class Task(Model):
    """The task of one run of one import, without secrets."""

    schema_version: Literal[1] = 1
    """Version of this model. A worker rejects an unknown version with InvalidSpec."""
    uid: str
    """UID of the VideoImport, which is the name of the commit record."""
    namespace: str
    name: str
    run: Annotated[int, Field(ge=1)]
    spec: VideoImportSpec
    spec_hash: str
    """Value of spec_hash(spec). A commit record with another hash is not valid for this spec."""
    allowed_networks: tuple[str, ...] = ()
    """CIDRs that the address guard permits in addition to public addresses. The value is a setting of the
    controller."""
    stall_seconds: Annotated[int, Field(ge=1)] = 600
    """Seconds without progress in any stage after which the run ends as Stalled. The value is a setting of the
    controller."""
    upload: UploadTask | None = None
    """Set for source.upload."""
    politeness: Politeness = Politeness()
    """Limits of the requests to sources. The values are settings of the controller."""
    progress_seconds: Annotated[int, Field(ge=1, le=5)] = 2
    """Maximum number of seconds between two progress lines."""
