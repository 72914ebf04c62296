"""The task of a worker. It reaches the pod as an annotation, through a downward-API file."""

from typing import Annotated, Literal

from pydantic import Field

from videoimport.api.base import Model
from videoimport.api.videoimport import VideoImportSpec

TASK_PATH = "/etc/videoimport/task.json"
DESTINATION_CREDENTIALS_PATH = "/var/run/secrets/videoimport.io/destination"
"""A file for each key of the destination's Secret; empty when the Secret is missing (the mount is optional)."""
SOURCE_CREDENTIALS_PATH = "/var/run/secrets/videoimport.io/source"
"""A file for each key of the source's Secret; empty when the Secret is missing."""
SOURCE_VOLUME_PATH = "/source"
"""Where source.persistentVolumeClaim is mounted, for reading only."""
DESTINATION_VOLUME_PATH = "/destination"
"""Where destination.persistentVolumeClaim is mounted."""
CA_BUNDLE_PATH = "/etc/videoimport/ca/ca.crt"
"""The certificates of worker.caBundleConfigMapRef."""
SCRATCH_PATH = "/scratch"
TERMINATION_MESSAGE_PATH = "/dev/termination-log"


class Politeness(Model):
    """How gently a source is asked."""

    bytes_per_second: Annotated[int, Field(ge=1)] | None = None
    """Maximum of bytes fetched a second; None for no limit."""
    sleep_seconds: Annotated[int, Field(ge=0, le=60)] = 0
    """Pause between two requests of yt-dlp while it reads a page."""


class Task(Model):
    """One run of one import. Holds no secret."""

    schema_version: Literal[1] = 1
    """Of this model. A worker refuses a version it does not know with InvalidSpec."""
    uid: str
    """Of the VideoImport; names the commit record."""
    namespace: str
    name: str
    run: Annotated[int, Field(ge=1)]
    spec: VideoImportSpec
    spec_hash: str
    """spec_hash(spec): a commit record made for another spec does not count for this one."""
    allowed_networks: tuple[str, ...] = ()
    """CIDRs the address guard lets through besides public addresses; a setting of the controller."""
    stall_seconds: Annotated[int, Field(ge=1)] = 600
    """Without any progress in any stage for so long, the run ends as Stalled; a setting of the controller."""
    politeness: Politeness = Politeness()
    """Limits of requests to sources; settings of the controller."""
    progress_seconds: Annotated[int, Field(ge=1, le=5)] = 2
    """Longest pause between two progress lines."""
