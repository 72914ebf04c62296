"""The status of a VideoImport. Reports of workers use the same models, so the controller copies their values."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from videoimport.api.base import Model
from videoimport.api.conditions import Condition
from videoimport.api.field_types import ByteCount, Message, Percent, Sha256, Timestamp
from videoimport.api.reasons import Reason, UploadText
from videoimport.api.redaction import ShownText, ShownUrl
from videoimport.api.rules.validation import Checked, requires
from videoimport.api.untrusted_text import DisplayText, DisplayUri

MAX_STAGES = 8
_RATIONAL = requires("[0-9]+/[0-9]+", "it must be a rational number, such as 30000/1001.")
Seconds = Annotated[int, Field(ge=0, le=1_000_000_000)]
"""A duration in seconds in a run or report. The maximum is far above any real duration and safe in calculations."""
Pixels = Annotated[int, Field(ge=0, le=1_000_000)]
Count = Annotated[int, Field(ge=0, le=2**31 - 1)]


class VideoPhase(StrEnum):
    """The earliest unfinished stage of an import, or the final state of an ended import."""

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
    """The name of the stage: Download, Transcode, Upload or Finalize."""
    state: Literal["Waiting", "Running", "Done", "Failed"]
    """The state of the stage."""
    percent: Percent = 0
    """Progress of the stage in percent."""
    bytes_done: ByteCount | None = None
    """Number of bytes that were transferred so far."""
    bytes_total: ByteCount | None = None
    """Number of bytes to transfer, if known."""
    seconds: Seconds | None = None
    """Duration of the stage so far, or in all, in seconds."""
    mode: StageMode | None = None
    """Mode of Transcode: Remux (the video is copied), Encode, or Original (the bytes are unchanged). Mode of Download
    and Upload: Overlapped (at the same time as adjacent stages) or Staged."""
    why: Annotated[DisplayText, Field(max_length=256)] | None = None
    """Reason for the mode: the first rule that needs an encode, why the streams were copied, or why the stages did not
    overlap."""


class SourceStatus(Model):
    """Properties that were found at the source."""

    type: Annotated[DisplayText, Field(max_length=64)]
    """The type of the source: Url for a plain file, S3, PersistentVolumeClaim, or the name of the extractor such as
    Generic."""
    url: Annotated[ShownUrl, Field(max_length=2048)] | None = None
    """The address of the source, without user info and signatures."""
    filename: Annotated[ShownText, Field(max_length=512)] | None = None
    """The file name that the source gives."""
    source_id: Annotated[ShownText, Field(max_length=256)] | None = None
    """The id that the source gives to the video."""
    title: Annotated[ShownText, Field(max_length=512)] | None = None
    """The title that the source gives to the video."""
    sha256: Sha256 | None = None
    """SHA-256 of the fetched bytes."""
    duration_ms: ByteCount | None = None
    """Duration in milliseconds."""


class VideoMetadata(Model):
    """Technical facts of the source. The facts are also present if the source was rejected."""

    resolution: Annotated[DisplayText, Field(max_length=32)] | None = None
    """Width and height as displayed, such as 1920x1080."""
    width: Pixels | None = None
    """Displayed width in pixels."""
    height: Pixels | None = None
    """Displayed height in pixels."""
    duration: Annotated[DisplayText, Field(max_length=32)] | None = None
    """Duration for display, such as 1:02:03. The controller sets this field."""
    duration_ms: ByteCount | None = None
    """Duration in milliseconds."""
    size_bytes: ByteCount | None = None
    """Size of the fetched source in bytes."""
    format: Annotated[DisplayText, Field(max_length=64)] | None = None
    """The container format: mp4, mov, mkv, webm, or the name in ffprobe."""
    video_codec: Annotated[DisplayText, Field(max_length=64)] | None = None
    """Name of the video codec in ffprobe."""
    audio_codec: Annotated[DisplayText, Field(max_length=64)] | None = None
    """Name of the audio codec in ffprobe."""
    frames_per_second: Annotated[str, Field(max_length=32), Checked((_RATIONAL,))] | None = None
    """Frames per second as a rational number, such as 30000/1001."""


class OutputFile(Model):
    """A file that was written."""

    uri: Annotated[DisplayUri, Field(max_length=2048)]
    """The address of the file, such as s3://bucket/key or pvc://claim/path."""
    url: Annotated[DisplayUri, Field(max_length=2048)] | None = None
    """The public address, if destination.publicBaseURL is set."""
    size_bytes: ByteCount | None = None
    """Size of the file in bytes."""
    sha256: Sha256 | None = None
    """SHA-256 of the whole file."""
    duration_ms: ByteCount | None = None
    """Duration in milliseconds."""
    resolution: Annotated[DisplayText, Field(max_length=32)] | None = None
    """Width and height as displayed."""
    verified: Verified | None = None
    """The method by which the worker verified that the file has the sent bytes. SHA256 and MD5: by the hash in the
    store. ReadBack: by reading the file. Synced: by writing the file to the disk of a volume."""


class RenditionFile(OutputFile):
    """A rendition that was written."""

    name: Annotated[DisplayText, Field(max_length=32)]
    """The name in output.renditions."""


class ThumbnailSet(Model):
    """The still images, all in one folder and numbered from 001."""

    uri: Annotated[DisplayUri, Field(max_length=2048)]
    """The address of the first image."""
    url: Annotated[DisplayUri, Field(max_length=2048)] | None = None
    """The public address of the first image."""
    count: Annotated[int, Field(ge=1, le=20)]
    """Number of images."""
    verified: Verified | None = None
    """The method by which the worker verified the images, as for the video. If the images differ, this is the method of
    the first image."""


class Outputs(Model):
    """The files of the import in the destination."""

    video: OutputFile | None = None
    """The video."""
    audio: OutputFile | None = None
    """The audio file."""
    renditions: Annotated[
        tuple[RenditionFile, ...],
        Field(max_length=8, json_schema_extra={
            "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]}),
    ] = ()  # fmt: skip
    """The renditions."""
    thumbnails: ThumbnailSet | None = None
    """The still images."""
    original: OutputFile | None = None
    """The unchanged bytes of the source."""
    result: OutputFile | None = None
    """The file result.json, which is written last."""


class UploadStatus(Model):
    """The state of the upload, with the status values that hosted upload services use."""

    status: UploadText
    """The state: InProgress, Completed, Failed, FileNotExist or InvalidMetadata."""
    code: Literal[1, 3, 5, 6, 7]
    """The state as a number: 1 pending, 3 processing, 5 uploading, 6 completed, 7 failed."""
    text: Literal["pending", "processing", "uploading", "completed", "failed"]
    """The code as a word."""
    message: Message | None = None
    """A sentence for users."""


class JobReference(Model):
    """The Job of the current run."""

    name: Annotated[str, Field(max_length=63)]
    """The name of the Job, derived from the name of the import and the run."""
    uid: Annotated[str, Field(max_length=64)] | None = None
    """The UID of the Job, set after the Job was observed. After that, a missing Job means that the run is lost.
    Without a UID, the controller must still create the Job."""


class Attempts(Model):
    """The attempts since the last change of the spec or the retryToken."""

    count: Count = 0
    """Number of runs that count toward maxAttempts, including the current run."""
    max: Annotated[int, Field(ge=1)] = 5
    """The value of spec.maxAttempts."""
    uncharged: Count = 0
    """Number of runs that do not count toward maxAttempts, such as lost runs."""
    reasons: Annotated[
        tuple[Reason, ...], Field(max_length=20, json_schema_extra={"x-kubernetes-list-type": "atomic"})
    ] = ()
    """Reasons of the earlier counted runs, oldest first."""
    next_retry_time: Timestamp | None = None
    """Start time of the next run."""


class HostBackoff(Model):
    """The record of this import about the host of its source. The records of all imports in a namespace form the
    state of the host's circuit breaker. So the state survives a restart of the controller."""

    host: Annotated[str, Field(max_length=253)]
    """The name of the host."""
    failures: Count = 0
    """Number of failures in a row with RateLimited, or 0 after a success."""
    time: Timestamp
    """Time of the last failure or success."""
    until: Timestamp | None = None
    """End of the backoff."""
    since: Timestamp | None = None
    """Start time of this import's wait for the host. The wait includes failed runs."""
    probing: bool = False
    """True if the breaker is half-open. The current run then probes the host, and all other imports of the host
    wait."""


class UploadSession(Model):
    """The upload session of an import with source.upload."""

    token_sha256: Sha256 | None = None
    """SHA-256 of the token of the last session that a run used. Another hash in the annotation
    videoimport.io/upload-session opens a new session."""
    deadline: Timestamp | None = None
    """Time until which the import waits for a session. Absent while a run has a session."""


class Usage(Model):
    """Resources that the last run used."""

    cpu_seconds: Seconds = 0
    """CPU time in seconds of the worker and its child processes."""
    bytes_in: ByteCount = 0
    """Number of bytes fetched."""
    bytes_out: ByteCount = 0
    """Number of bytes uploaded."""


class VideoImportStatus(Model):
    """The observed state. Only the controller writes the status."""

    observed_generation: Annotated[int, Field(ge=0)] | None = None
    """The metadata.generation that this status belongs to."""
    phase: VideoPhase | None = None
    """The phase: the earliest unfinished stage, or the final state."""
    reason: Reason | None = None
    """Reason of a failure, a delay or a retry. The set of reasons is fixed."""
    message: Message | None = None
    """The state and the solution, in a sentence or two."""
    conditions: Annotated[tuple[Condition, ...], Field(max_length=16, json_schema_extra={
        "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]})] = ()  # fmt: skip
    """Conditions of the types Ready, Reconciling, Stalled, Finished, Validated, Transcoded and Uploaded."""
    video_id: Annotated[DisplayText, Field(max_length=64)] | None = None
    """Stable id of the imported video: a hash of the source's hash, the output settings and the folder."""
    format: Literal["Video"] | None = None
    """The kind of the imported file."""
    duplicate_of: Annotated[DisplayUri, Field(max_length=2048)] | None = None
    """The address of the existing video, with reason Duplicate."""
    run: Annotated[int, Field(ge=0)] | None = None
    """Number of the current run, which is part of the Job's name."""
    job: JobReference | None = None
    """The Job of the current run."""
    attempts: Attempts | None = None
    """The attempts so far."""
    host_backoff: HostBackoff | None = None
    """The backoff of the source's host for this import. Set after RateLimited, while the run probes the host, and after
    a successful probe."""
    observed_retry_token: Annotated[str, Field(max_length=128)] | None = None
    """The spec.retryToken that the controller last processed."""
    observed_spec_hash: Annotated[str, Field(max_length=64)] | None = None
    """Hash of the spec that the controller last processed, without suspend, cancel and retryToken. A failed import
    starts again if the hash changes."""
    start_time: Timestamp | None = None
    """Time when the controller decided the first run."""
    completion_time: Timestamp | None = None
    """Time when the import ended."""
    updated_time: Timestamp | None = None
    """Time when this status last changed."""
    progress_percent: Percent | None = None
    """Progress of the current run in percent. The value never falls within a run, and is at most 99 until Completed."""
    bytes_per_second: ByteCount | None = None
    """Bytes per second in the running stage."""
    eta_seconds: Annotated[int, Field(ge=0)] | None = None
    """Estimated seconds until the end, if known."""
    stages: Annotated[
        tuple[Stage, ...], Field(max_length=MAX_STAGES, json_schema_extra={"x-kubernetes-list-type": "atomic"})
    ] = ()
    """The stages of the current run."""
    display_name: Annotated[str, Field(max_length=64)] | None = None
    """Name of the video for tables: the title of the source, otherwise its file name, otherwise its host."""
    source: SourceStatus | None = None
    """Properties that were found at the source."""
    metadata: VideoMetadata | None = None
    """Technical facts of the source."""
    upload: UploadStatus | None = None
    """The state of the import in the terms of hosted upload services."""
    outputs: Outputs | None = None
    """The files that were written."""
    upload_session: UploadSession | None = None
    """The session in which a client sends the file of source.upload."""
    usage: Usage | None = None
    """Resources that the last run used."""
