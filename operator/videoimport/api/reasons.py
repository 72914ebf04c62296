"""Why an import is where it is: a closed set, each with its exit code, its retry class and one sentence of advice.

A worker exits with the code of its reason; the code stands in the Job's condition and outlives the pod, so the reason
is known even when the report is gone. Codes are API: one reason each, 64 to 113, never given to another reason.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class RetryClass(StrEnum):
    """What follows when a run ends, or waits, with a reason of this class."""

    PERMANENT = "Permanent"
    """Failed at once; only a mended spec or a new retryToken starts it again."""
    USER = "WantsUser"
    """Failed at once, for something outside the spec that the user must mend (a Secret, a bucket, a login)."""
    RETRIED = "Retried"
    """Tried again with backoff, charged as an attempt."""
    UNCHARGED = "Uncharged"
    """Tried again, not charged: the run did nothing wrong."""
    HOST = "HostRests"
    """Tried again, not charged, once the host that pushes back answers again: it is left alone by every import."""
    LATER = "Later"
    """Tried again after a long delay, not charged: the source says it is not there yet."""
    WAITING = "Waiting"
    """Not an end: a run that could not start yet, shown with the cluster's own message while it lasts."""
    END = "End"
    """Nothing follows: the user's own wish, or nothing to be done."""


class UploadText(StrEnum):
    """The five words of ``status.upload.status``."""

    IN_PROGRESS = "InProgress"
    COMPLETED = "Completed"
    FAILED = "Failed"
    FILE_NOT_EXIST = "FileNotExist"
    INVALID_METADATA = "InvalidMetadata"


class Reason(StrEnum):
    """The closed set. ``info(reason)`` has the rest."""

    INVALID_SPEC = "InvalidSpec"
    SOURCE_NOT_FOUND = "SourceNotFound"
    UNSUPPORTED_SOURCE = "UnsupportedSource"
    DRM_PROTECTED = "DRMProtected"
    GEO_BLOCKED = "GeoBlocked"
    ADDRESS_FORBIDDEN = "AddressForbidden"
    CERTIFICATE_INVALID = "CertificateInvalid"
    CHECKSUM_MISMATCH = "ChecksumMismatch"
    NOT_VIDEO = "NotVideo"
    UNSUPPORTED_FORMAT = "UnsupportedFormat"
    UNSUPPORTED_RESOLUTION = "UnsupportedResolution"
    UNSUPPORTED_DURATION = "UnsupportedDuration"
    SOURCE_TOO_LARGE = "SourceTooLarge"
    SOURCE_CORRUPT = "SourceCorrupt"
    ENCODER_UNAVAILABLE = "EncoderUnavailable"
    DESTINATION_EXISTS = "DestinationExists"
    DEADLINE_EXCEEDED = "DeadlineExceeded"

    SOURCE_AUTH_REQUIRED = "SourceAuthRequired"
    CREDENTIALS_NOT_FOUND = "CredentialsNotFound"
    DESTINATION_NOT_FOUND = "DestinationNotFound"
    DESTINATION_DENIED = "DestinationDenied"

    SOURCE_UNAVAILABLE = "SourceUnavailable"
    SOURCE_TRUNCATED = "SourceTruncated"
    SOURCE_CHANGED = "SourceChanged"
    DESTINATION_UNAVAILABLE = "DestinationUnavailable"
    OUT_OF_MEMORY = "OutOfMemory"
    SCRATCH_FULL = "ScratchFull"
    STALLED = "Stalled"
    TRANSCODE_FAILED = "TranscodeFailed"
    VERIFICATION_FAILED = "VerificationFailed"
    INTERNAL = "Internal"

    WORKER_LOST = "WorkerLost"
    REPORT_LOST = "ReportLost"

    RATE_LIMITED = "RateLimited"
    SOURCE_NOT_YET_AVAILABLE = "SourceNotYetAvailable"

    WEBHOOK_FAILED = "WebhookFailed"
    WEBHOOK_GONE = "WebhookGone"

    JOB_REJECTED = "JobRejected"
    POD_REJECTED = "PodRejected"
    UNSCHEDULABLE = "Unschedulable"
    IMAGE_UNAVAILABLE = "ImageUnavailable"
    MOUNT_FAILED = "MountFailed"

    CANCELLED = "Cancelled"
    DUPLICATE = "Duplicate"


@dataclass(frozen=True, slots=True)
class ReasonInfo:
    """What is known of a reason wherever it appears."""

    retry: RetryClass
    advice: str
    """One sentence: what the user does now."""
    exit_code: int | None = None
    """Of the worker, 64 to 113; None where no worker can say it."""
    max_retries: int | None = None
    """How many times this very reason is tried again within an import; None: as often as ``maxAttempts`` allows."""
    upload_status: UploadText = UploadText.FAILED


_P, _U, _R, _W = RetryClass.PERMANENT, RetryClass.USER, RetryClass.RETRIED, RetryClass.WAITING
_BAD = UploadText.INVALID_METADATA

_TABLE: dict[Reason, ReasonInfo] = {
    Reason.INVALID_SPEC: ReasonInfo(_P, "Correct the field that the message names.", 64),
    Reason.SOURCE_NOT_FOUND: ReasonInfo(
        _P, "Check the address: nothing is there.", 65, upload_status=UploadText.FILE_NOT_EXIST
    ),
    Reason.UNSUPPORTED_SOURCE: ReasonInfo(
        _P, "Give the address of a media file or of a page that yt-dlp understands.", 66
    ),
    Reason.DRM_PROTECTED: ReasonInfo(_P, "Protected media cannot be imported; ask its owner for a plain copy.", 67),
    Reason.GEO_BLOCKED: ReasonInfo(_P, "The source refuses this region; run where it is allowed.", 68),
    Reason.ADDRESS_FORBIDDEN: ReasonInfo(
        _P, "The address is not public; allow its network in the controller's setting worker.allowedNetworks.", 69
    ),
    Reason.CERTIFICATE_INVALID: ReasonInfo(_P, "Have the server's certificate mended, or use the right host name.", 70),
    Reason.CHECKSUM_MISMATCH: ReasonInfo(_P, "The source is not the file that was expected; check both.", 71),
    Reason.NOT_VIDEO: ReasonInfo(_P, "Give a source that has a video stream.", 72, upload_status=_BAD),
    Reason.UNSUPPORTED_FORMAT: ReasonInfo(
        _P, "Add the format to requirements.formats or convert the source.", 73, upload_status=_BAD
    ),
    Reason.UNSUPPORTED_RESOLUTION: ReasonInfo(
        _P, "Change requirements.minHeight or maxHeight, or use another source.", 74, upload_status=_BAD
    ),
    Reason.UNSUPPORTED_DURATION: ReasonInfo(
        _P, "Raise requirements.maxDurationSeconds, or use a shorter source.", 75, upload_status=_BAD
    ),
    Reason.SOURCE_TOO_LARGE: ReasonInfo(_P, "Raise requirements.maxSize, or use a smaller source.", 76),
    Reason.SOURCE_CORRUPT: ReasonInfo(
        _P, "The source itself is damaged; get an undamaged copy.", 77, upload_status=_BAD
    ),
    Reason.ENCODER_UNAVAILABLE: ReasonInfo(
        _P, "The worker image lacks this encoder; choose another codec or image.", 78
    ),
    Reason.DESTINATION_EXISTS: ReasonInfo(
        _P, "Choose another destination.name, or set destination.ifExists: Replace.", 79
    ),
    Reason.DEADLINE_EXCEEDED: ReasonInfo(_P, "Raise timeoutSeconds.", 80),
    Reason.SOURCE_AUTH_REQUIRED: ReasonInfo(
        _U, "The source wants a login; put cookies.txt, headers or netrc into source.credentialsSecretRef's Secret.", 81
    ),
    Reason.CREDENTIALS_NOT_FOUND: ReasonInfo(
        _U, "Create or correct the Secret as the message says, then change retryToken.", 82
    ),
    Reason.DESTINATION_NOT_FOUND: ReasonInfo(_U, "Create the bucket or correct its name, then change retryToken.", 83),
    Reason.DESTINATION_DENIED: ReasonInfo(_U, "Correct the keys or their permissions, then change retryToken.", 84),
    Reason.SOURCE_UNAVAILABLE: ReasonInfo(_R, "The source did not answer; it is tried again.", 85),
    Reason.SOURCE_TRUNCATED: ReasonInfo(
        _R, "The source ended too early; if this stays, it is incomplete.", 86, max_retries=2
    ),
    Reason.SOURCE_CHANGED: ReasonInfo(_R, "The source changed while it was read; it is read again.", 87),
    Reason.DESTINATION_UNAVAILABLE: ReasonInfo(_R, "The object store did not answer; it is tried again.", 88),
    Reason.OUT_OF_MEMORY: ReasonInfo(_R, "Raise worker.resources.limits.memory.", 89, max_retries=1),
    Reason.SCRATCH_FULL: ReasonInfo(_R, "Raise worker.scratch.size.", 90, max_retries=1),
    Reason.STALLED: ReasonInfo(_R, "No progress for too long; it is tried again.", 91),
    Reason.TRANSCODE_FAILED: ReasonInfo(_R, "ffmpeg failed; the message has its words.", 92, max_retries=1),
    Reason.VERIFICATION_FAILED: ReasonInfo(
        _R, "The result did not match its source; it is made again.", 93, max_retries=1
    ),
    Reason.INTERNAL: ReasonInfo(_R, "Unexpected; please report it with the worker's log.", 94, max_retries=1),
    Reason.WORKER_LOST: ReasonInfo(RetryClass.UNCHARGED, "The worker's pod was taken away; a new one goes on.", 95),
    Reason.REPORT_LOST: ReasonInfo(RetryClass.UNCHARGED, "The run's report is gone; a new run asks the destination."),
    Reason.RATE_LIMITED: ReasonInfo(
        RetryClass.HOST, "The host asks for fewer requests; it is left alone for a while.", 96
    ),
    Reason.SOURCE_NOT_YET_AVAILABLE: ReasonInfo(
        RetryClass.LATER, "The source is not published yet; it is tried later.", 97
    ),
    Reason.WEBHOOK_FAILED: ReasonInfo(
        _R, "The receiver did not take the message; it is sent again, later and later, for more than a day.", 98
    ),
    Reason.WEBHOOK_GONE: ReasonInfo(_P, "The receiver wants no more messages; correct webhook.url or remove it.", 99),
    Reason.JOB_REJECTED: ReasonInfo(
        _W, "The cluster refuses the Job or its volume; see the message for what it wants changed."
    ),
    Reason.POD_REJECTED: ReasonInfo(_W, "The cluster refuses the pod; see the message for what it wants changed."),
    Reason.UNSCHEDULABLE: ReasonInfo(_W, "No node fits; lower worker.resources or add nodes."),
    Reason.IMAGE_UNAVAILABLE: ReasonInfo(_W, "The worker image cannot be pulled; check its name and the pull secret."),
    Reason.MOUNT_FAILED: ReasonInfo(_W, "A volume of the pod cannot be mounted; see the message."),
    Reason.CANCELLED: ReasonInfo(
        RetryClass.END, "Cancelled as asked; a new retryToken with cancel: false starts it again."
    ),
    Reason.DUPLICATE: ReasonInfo(
        RetryClass.END,
        "The destination has this video already; set incremental: false to store it again.",
        upload_status=UploadText.COMPLETED,
    ),
}

TABLE: Mapping[Reason, ReasonInfo] = MappingProxyType(_TABLE)
_BY_EXIT_CODE = {row.exit_code: reason for reason, row in _TABLE.items() if row.exit_code is not None}


def info(reason: Reason) -> ReasonInfo:
    """The row of a reason; every reason has one (a test holds that)."""
    return TABLE[reason]


def reason_of_exit_code(code: int) -> Reason | None:
    """The reason a worker's exit code names, or None for a code of nobody's (a crash, a signal)."""
    return _BY_EXIT_CODE.get(code)
