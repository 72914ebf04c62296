"""The output of a worker: progress as JSON lines on stdout, each a whole snapshot, and at the end one report.

The report is the container's termination message and a copy of it is the commit record in the destination. A worker
handles untrusted files, so nothing it reports is trusted beyond these models: all values that they accept fit a status.
"""

import base64
import zlib
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from videoimport.api.base import DEFERRED, ByteCount, Message, Model, Timestamp
from videoimport.api.reasons import Reason
from videoimport.api.untrusted_text import DisplayText, DisplayUri
from videoimport.api.videoimport_status import MAX_STAGES, Outputs, SourceStatus, Stage, Usage, VideoMetadata

MAX_BYTES = 4096
"""Kubernetes keeps this much of a termination message, its tail."""
MAX_UNPACKED = 65_536
"""Bytes that a packed report may unpack to; a whole one with every output at its longest has less."""
MAX_RETRY_AFTER = 86_400
"""Seconds that a report may state; the controller's own bound is lower."""
RunNumber = Annotated[int, Field(ge=0, le=2**31 - 1)]
"""0 only where the task could not be read."""


class Progress(Model):
    """A snapshot during a run; one JSON line with ``kind: Progress``."""

    schema_version: Literal[1] = 1
    kind: Literal["Progress"] = "Progress"
    run: RunNumber
    stages: Annotated[tuple[Stage, ...], Field(min_length=1, max_length=MAX_STAGES)]
    """All stages of the run, in order, whatever their state."""
    bytes_per_second: ByteCount | None = None
    """Rate of the earliest running stage."""
    source: SourceStatus | None = None
    metadata: VideoMetadata | None = None
    validated: bool = False
    """True once the source met the requirements."""


class Report(Model):
    """How a run ended."""

    schema_version: Literal[1] = 1
    kind: Literal["Report"] = "Report"
    uid: str
    run: RunNumber
    spec_hash: str
    outcome: Literal["Succeeded", "Failed"]
    reason: Reason | None = None
    """Set when it failed."""
    message: Message = ""
    """The finding, with the found and the expected value; no secrets, no signed URLs."""
    advice: Annotated[str, Field(max_length=512)] = ""
    """What to do, where that is more exact than the reason's own advice."""
    stages: Annotated[tuple[Stage, ...], Field(max_length=MAX_STAGES)] = ()
    source: SourceStatus | None = None
    metadata: VideoMetadata | None = None
    outputs: Outputs | None = None
    video_id: Annotated[DisplayText, Field(max_length=64)] | None = None
    duplicate_of: Annotated[DisplayUri, Field(max_length=2048)] | None = None
    """Set on success when nothing was stored, because the destination had the video: where it is."""
    retry_after_seconds: Annotated[int, Field(ge=0, le=MAX_RETRY_AFTER)] | None = None
    """The host's Retry-After, with RateLimited; None if it sent none."""
    unguarded: bool = False
    """True where ``destination.ifExists: Fail`` was checked by requests only: the store has no conditional writes, so
    two imports at one moment may overwrite each other."""
    usage: Usage = Usage()
    finished_at: Timestamp


class PackedReport(Model):
    """A report that is too long as it is. Its addresses repeat each other, so deflated it has a third of its bytes."""

    schema_version: Literal[1] = 1
    kind: Literal["PackedReport"] = "PackedReport"
    data: str
    """The report's JSON, deflated, in base64."""


_MESSAGES: TypeAdapter[Report | PackedReport] = TypeAdapter(
    Annotated[Report | PackedReport, Field(discriminator="kind")], config=DEFERRED
)


def written(report: Report) -> bytes:
    """The report as a termination message, packed where it is too long as it is; perhaps still too long."""
    plain = report.model_dump_json(by_alias=True, exclude_none=True).encode()
    if len(plain) <= MAX_BYTES:
        return plain
    data = base64.b64encode(zlib.compress(plain, 9)).decode()
    return PackedReport(data=data).model_dump_json(by_alias=True).encode()


def read_report(text: str) -> Report:
    """The report of a termination message. Raises ValueError for anything else, and for one that unpacks too far."""
    found = _MESSAGES.validate_json(text)
    if isinstance(found, Report):
        return found
    unpacking = zlib.decompressobj()
    try:
        plain = unpacking.decompress(base64.b64decode(found.data, validate=True), MAX_UNPACKED)
    except zlib.error as broken:
        raise ValueError("a packed report cannot be unpacked") from broken
    if not unpacking.eof:
        raise ValueError(f"a packed report has more than {MAX_UNPACKED} bytes or is cut short")
    return Report.model_validate_json(plain)
