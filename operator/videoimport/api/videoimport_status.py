"""The parts of a VideoImport's status. The worker reports the same shapes, so the controller copies them."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from videoimport.api.base import ByteCount, Message, Model, Percent, Sha256, Timestamp
from videoimport.api.conditions import Condition
from videoimport.api.reasons import Reason, UploadText
from videoimport.api.redaction import ShownText, ShownUrl
from videoimport.api.rules.validation import Checked, requires
from videoimport.api.untrusted_text import DisplayText, DisplayUri

MAX_STAGES = 8
_RATIONAL = requires("[0-9]+/[0-9]+", "it must be a rational number, such as 30000/1001.")
Seconds = Annotated[int, Field(ge=0, le=1_000_000_000)]
"""A time that a run may take or report; far beyond any real one, and harmless to calculate with."""
Pixels = Annotated[int, Field(ge=0, le=1_000_000)]
Count = Annotated[int, Field(ge=0, le=2**31 - 1)]


class VideoPhase(StrEnum):
    """The earliest unfinished stage, or the end."""

    PENDING = "Pending"
    QUEUED = "Queued"
    SUSPENDED = "Suspended"
    DOWNLOADING = "Downloading"
    TRANSCODING = "Transcoding"
    UPLOADING = "Uploading"
    FINALIZING = "Finalizing"
    COMPLETED = "Completed"
    FAILED = "Failed"
    CANCELLED = "Cancelled"


Verified = Literal["SHA256", "MD5", "ReadBack", "Synced"]
StageMode = Literal["Remux", "Encode", "Original", "Overlapped", "Staged"]


class StageName(StrEnum):
    """The stages of a run, in order."""

    DOWNLOAD = "Download"
    TRANSCODE = "Transcode"
    UPLOAD = "Upload"
    FINALIZE = "Finalize"


class Stage(Model):
    """One stage of the current run."""

    name: StageName
    """Download, Transcode, Upload or Finalize."""
    state: Literal["Waiting", "Running", "Done", "Failed"]
    """Where it is."""
    percent: Percent = 0
    """How much of it is done."""
    bytes_done: ByteCount | None = None
    """Bytes moved so far."""
    bytes_total: ByteCount | None = None
    """Bytes to move, where known."""
    seconds: Seconds | None = None
    """How long it has run, or took."""
    mode: StageMode | None = None
    """Of Transcode: Remux (the video is copied), Encode or Original (the bytes are kept). Of Download and Upload:
    Overlapped (with the stages beside it) or Staged."""
    why: Annotated[DisplayText, Field(max_length=256)] | None = None
    """Why this mode: the first rule that needs an encode, why the streams were copied, or why the stages did not
    overlap."""


class SourceStatus(Model):
    """What was found at the source."""

    type: Annotated[DisplayText, Field(max_length=64)]
    """Url for a plain file, S3, PersistentVolumeClaim, otherwise the extractor's name such as Generic."""
    url: Annotated[ShownUrl, Field(max_length=2048)] | None = None
    """The address, without user info and signatures."""
    filename: Annotated[ShownText, Field(max_length=512)] | None = None
    """The file's name as the source gives it."""
    source_id: Annotated[ShownText, Field(max_length=256)] | None = None
    """The source's own id of the video."""
    title: Annotated[ShownText, Field(max_length=512)] | None = None
    """The source's title of the video."""
    sha256: Sha256 | None = None
    """Of the bytes as fetched."""
    duration_ms: ByteCount | None = None
    """Duration in milliseconds."""


class VideoMetadata(Model):
    """Technical facts of the source, present on refusal too."""

    resolution: Annotated[DisplayText, Field(max_length=32)] | None = None
    """Width and height as displayed, such as 1920x1080."""
    width: Pixels | None = None
    """Displayed width in pixels."""
    height: Pixels | None = None
    """Displayed height in pixels."""
    duration: Annotated[DisplayText, Field(max_length=32)] | None = None
    """Duration for display, such as 1:02:03; the controller fills it in."""
    duration_ms: ByteCount | None = None
    """Duration in milliseconds."""
    size_bytes: ByteCount | None = None
    """Size of the source as fetched."""
    format: Annotated[DisplayText, Field(max_length=64)] | None = None
    """The container: mp4, mov, mkv, webm or ffprobe's own name."""
    video_codec: Annotated[DisplayText, Field(max_length=64)] | None = None
    """ffprobe's name of the video codec."""
    audio_codec: Annotated[DisplayText, Field(max_length=64)] | None = None
    """ffprobe's name of the audio codec."""
    frames_per_second: Annotated[str, Field(max_length=32), Checked((_RATIONAL,))] | None = None
    """A rational number, such as 30000/1001."""


class OutputFile(Model):
    """One object that was written."""

    uri: Annotated[DisplayUri, Field(max_length=2048)]
    """Where it is, such as s3://bucket/key or pvc://claim/path."""
    url: Annotated[DisplayUri, Field(max_length=2048)] | None = None
    """The public address, if destination.publicBaseURL is set."""
    size_bytes: ByteCount | None = None
    """Its size."""
    sha256: Sha256 | None = None
    """Of the whole object."""
    duration_ms: ByteCount | None = None
    """Duration in milliseconds."""
    resolution: Annotated[DisplayText, Field(max_length=32)] | None = None
    """Width and height as displayed."""
    verified: Verified | None = None
    """How the worker verified that the object has the bytes it sent. SHA256 and MD5: by the hash that the store keeps.
    ReadBack: by reading the object. Synced: by writing the file to the disk of a volume."""


class RenditionFile(OutputFile):
    """A rendition that was written."""

    name: Annotated[DisplayText, Field(max_length=32)]
    """As in output.renditions."""


class ThumbnailSet(Model):
    """The still pictures, side by side, numbered from 001."""

    uri: Annotated[DisplayUri, Field(max_length=2048)]
    """Of the first one."""
    url: Annotated[DisplayUri, Field(max_length=2048)] | None = None
    """Where the first one is served."""
    count: Annotated[int, Field(ge=1, le=20)]
    """How many there are."""
    verified: Verified | None = None
    """How they were verified, as for the video; where they differ, how the first one was."""


class Outputs(Model):
    """The files of the import in the destination."""

    video: OutputFile | None = None
    """The video."""
    audio: OutputFile | None = None
    """The audio alone."""
    renditions: Annotated[
        tuple[RenditionFile, ...],
        Field(max_length=8, json_schema_extra={
            "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]}),
    ] = ()  # fmt: skip
    """The renditions."""
    thumbnails: ThumbnailSet | None = None
    """The still pictures."""
    original: OutputFile | None = None
    """The source's very bytes."""
    result: OutputFile | None = None
    """result.json, the last visible object."""


class UploadStatus(Model):
    """The import in the words of hosted upload services."""

    status: UploadText
    """InProgress, Completed, Failed, FileNotExist or InvalidMetadata."""
    code: Literal[1, 3, 5, 6, 7]
    """1 pending, 3 processing, 5 uploading, 6 completed, 7 failed."""
    text: Literal["pending", "processing", "uploading", "completed", "failed"]
    """The code in a word."""
    message: Message | None = None
    """A sentence for people."""


class JobReference(Model):
    """The Job of the current run."""

    name: Annotated[str, Field(max_length=63)]
    """Its name, derived from the import's name and the run."""
    uid: Annotated[str, Field(max_length=64)] | None = None
    """Set once the Job was observed. After that, a missing Job is a lost one; before, it is still to be created."""


class Attempts(Model):
    """The attempts since the spec or the retryToken last changed."""

    count: Count = 0
    """Runs that count toward maxAttempts, the current one included."""
    max: Annotated[int, Field(ge=1)] = 5
    """spec.maxAttempts."""
    uncharged: Count = 0
    """Runs that do not count toward maxAttempts, such as lost ones."""
    reasons: Annotated[
        tuple[Reason, ...], Field(max_length=20, json_schema_extra={"x-kubernetes-list-type": "atomic"})
    ] = ()
    """Why earlier counted runs ended, oldest first."""
    next_retry_time: Timestamp | None = None
    """When the next run starts."""


class HostBackoff(Model):
    """The report of this import about its source's host. The reports of all imports of a namespace are the state of the
    host's circuit breaker. So a restart of the controller keeps that state."""

    host: Annotated[str, Field(max_length=253)]
    """Its name."""
    failures: Count = 0
    """Failures in a row with RateLimited; 0 after a success."""
    time: Timestamp
    """Of the last failure or success."""
    until: Timestamp | None = None
    """End of the backoff."""
    since: Timestamp | None = None
    """Since when this import waits for the host, its failed runs included."""
    probing: bool = False
    """The breaker is half-open: the current run probes the host, and all other imports of the host wait."""


class Usage(Model):
    """What the last run took."""

    cpu_seconds: Seconds = 0
    """CPU time of the worker and its children."""
    bytes_in: ByteCount = 0
    """Bytes fetched."""
    bytes_out: ByteCount = 0
    """Bytes uploaded."""


class VideoImportStatus(Model):
    """Written by the controller only."""

    observed_generation: Annotated[int, Field(ge=0)] | None = None
    """The metadata.generation that this status belongs to."""
    phase: VideoPhase | None = None
    """Where the import is: the earliest unfinished stage, or the end."""
    reason: Reason | None = None
    """Why it failed, waits or is retried; one of a closed set."""
    message: Message | None = None
    """What happened and what to do, in a sentence or two."""
    conditions: Annotated[tuple[Condition, ...], Field(max_length=16, json_schema_extra={
        "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]})] = ()  # fmt: skip
    """Ready, Reconciling, Stalled, Finished, Validated, Transcoded, Uploaded."""
    video_id: Annotated[DisplayText, Field(max_length=64)] | None = None
    """Stable id of the imported video: the hash of its source's hash, the output settings and the folder."""
    format: Literal["Video"] | None = None
    """What kind of thing was imported."""
    duplicate_of: Annotated[DisplayUri, Field(max_length=2048)] | None = None
    """Set with reason Duplicate: where the video already was."""
    run: Annotated[int, Field(ge=0)] | None = None
    """Number of the current run; it names the Job."""
    job: JobReference | None = None
    """The current run's Job."""
    attempts: Attempts | None = None
    """How often it was tried."""
    host_backoff: HostBackoff | None = None
    """Set after RateLimited, while the run probes the host, and by the run whose probe succeeded."""
    observed_retry_token: Annotated[str, Field(max_length=128)] | None = None
    """spec.retryToken as last acted upon."""
    observed_spec_hash: Annotated[str, Field(max_length=64)] | None = None
    """Of spec as last acted upon, without suspend, cancel and retryToken; a failed one starts again when it differs."""
    start_time: Timestamp | None = None
    """When the first run was decided."""
    completion_time: Timestamp | None = None
    """When it ended."""
    updated_time: Timestamp | None = None
    """When this status last changed."""
    progress_percent: Percent | None = None
    """Of the current run; never backwards within it, at most 99 until Completed."""
    bytes_per_second: ByteCount | None = None
    """Rate of the stage that is running."""
    eta_seconds: Annotated[int, Field(ge=0)] | None = None
    """Estimated seconds until the end, where known."""
    stages: Annotated[
        tuple[Stage, ...], Field(max_length=MAX_STAGES, json_schema_extra={"x-kubernetes-list-type": "atomic"})
    ] = ()
    """The stages of the current run."""
    display_name: Annotated[str, Field(max_length=64)] | None = None
    """Name of the video, for tables: the source's title once it is known, else its file name, else its host."""
    source: SourceStatus | None = None
    """What was found at the source."""
    metadata: VideoMetadata | None = None
    """Technical facts of the source."""
    upload: UploadStatus | None = None
    """The import in the words of hosted upload services."""
    outputs: Outputs | None = None
    """What was written."""
    usage: Usage | None = None
    """What the last run took."""
