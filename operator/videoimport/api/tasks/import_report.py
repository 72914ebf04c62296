"""The output of a worker: JSON lines with progress on stdout, and one report at the end.

Each JSON line is a complete snapshot. The report is the termination message of the container, and the commit record in
the destination has a copy. A worker handles untrusted files, so the controller accepts only reports that match these
models. All values that the models accept fit into a status.
"""

import base64
import zlib
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from videoimport.api.base import DEFERRED, Model
from videoimport.api.field_types import ByteCount, Message, Timestamp
from videoimport.api.reasons import Reason
from videoimport.api.untrusted_text import DisplayText, DisplayUri
from videoimport.api.videoimport_status import MAX_STAGES, Outputs, SourceStatus, Stage, Usage, VideoMetadata

MAX_BYTES = 4096
"""Maximum number of bytes of a termination message. Kubernetes keeps only the last bytes of a longer message."""
MAX_UNPACKED = 65_536
"""Maximum number of bytes of an unpacked report. A complete report with the longest values for all outputs is
shorter."""
MAX_RETRY_AFTER = 86_400
"""Maximum number of seconds that a report may state. The limit of the controller is lower."""
RunNumber = Annotated[int, Field(ge=0, le=2**31 - 1)]
"""Number of a run. The number is 0 only if the task could not be read."""


class Progress(Model):
    """A snapshot during a run: one JSON line with ``kind: Progress``."""

    schema_version: Literal[1] = 1
    kind: Literal["Progress"] = "Progress"
    run: RunNumber
    stages: Annotated[tuple[Stage, ...], Field(min_length=1, max_length=MAX_STAGES)]
    """All stages of the run in order, in any state."""
    bytes_per_second: ByteCount | None = None
    """Bytes per second in the earliest running stage."""
    source: SourceStatus | None = None
    metadata: VideoMetadata | None = None
    validated: bool = False
    """True if the source has met the requirements."""


class Report(Model):
    """The outcome of a run."""

    schema_version: Literal[1] = 1
    kind: Literal["Report"] = "Report"
    uid: str
    run: RunNumber
    spec_hash: str
    outcome: Literal["Succeeded", "Failed"]
    reason: Reason | None = None
    """Reason of a failure, or None after success."""
    message: Message = ""
    """The finding with the found and the expected value, without secrets and signed URLs."""
    advice: Annotated[str, Field(max_length=512)] = ""
    """The solution for the user, if more exact than the advice of the reason."""
    stages: Annotated[tuple[Stage, ...], Field(max_length=MAX_STAGES)] = ()
    source: SourceStatus | None = None
    metadata: VideoMetadata | None = None
    outputs: Outputs | None = None
    video_id: Annotated[DisplayText, Field(max_length=64)] | None = None
    duplicate_of: Annotated[DisplayUri, Field(max_length=2048)] | None = None
    """The address of the existing video, if nothing was stored because the destination already had the video."""
    retry_after_seconds: Annotated[int, Field(ge=0, le=MAX_RETRY_AFTER)] | None = None
    """The Retry-After of the host in seconds, with the reason RateLimited. The value is None if the host sent none."""
    unguarded: bool = False
    """True if ``destination.ifExists: Fail`` or ``KeepBoth`` was checked only by requests, because the store has no
    conditional writes.

    Two simultaneous imports may then overwrite each other.
    """
    usage: Usage = Usage()
    finished_at: Timestamp


class PackedReport(Model):
    """The compressed form of a report that is too long in its plain form. The addresses in a report are similar, so
    compression reduces the report to a third of its bytes."""

    schema_version: Literal[1] = 1
    kind: Literal["PackedReport"] = "PackedReport"
    data: str
    """The report as JSON, compressed with zlib, in base64."""


_MESSAGES: TypeAdapter[Report | PackedReport] = TypeAdapter(
    Annotated[Report | PackedReport, Field(discriminator="kind")], config=DEFERRED
)


def written(report: Report) -> bytes:
    """Return the report as a termination message. If the plain form is too long, the report is compressed. The
    compressed form may still be too long."""
    plain = report.model_dump_json(by_alias=True, exclude_none=True).encode()
    if len(plain) <= MAX_BYTES:
        return plain
    data = base64.b64encode(zlib.compress(plain, 9)).decode()
    return PackedReport(data=data).model_dump_json(by_alias=True).encode()


def read_report(text: str) -> Report:
    """Return the report of a termination message.

    Raises ValueError for any other text, and for a report with more than MAX_UNPACKED bytes after decompression.
    """
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
