"""What a worker is told. It reaches the pod as an annotation, through a downward-API file."""

import hashlib
import json
from typing import Annotated, Literal

from pydantic import Field

from videoimport.api.base import Model
from videoimport.api.videoimport import VideoImportSpec

TASK_PATH = "/etc/videoimport/task.json"
DESTINATION_CREDENTIALS_PATH = "/var/run/secrets/videoimport.io/destination"
"""A file for each key of the destination's Secret; empty when the Secret is missing (the mount is optional)."""
SCRATCH_PATH = "/scratch"
TERMINATION_MESSAGE_PATH = "/dev/termination-log"


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
    """spec_hash(spec): a commit record made for another wish does not stand for this one."""
    allowed_networks: tuple[str, ...] = ()
    """CIDRs the address guard lets through besides public addresses; a setting of the controller."""
    progress_seconds: Annotated[int, Field(ge=1, le=5)] = 2
    """Longest pause between two progress lines."""


def spec_hash(spec: VideoImportSpec) -> str:
    """SHA-256 (hex) of the parts of a spec that shape the result: source, destination, requirements and output."""
    shaping = spec.model_dump(mode="json", by_alias=True, include={"source", "destination", "requirements", "output"})
    return hashlib.sha256(json.dumps(shaping, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
