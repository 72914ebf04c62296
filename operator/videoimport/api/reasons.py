"""The fixed set of reasons of imports. Each reason has an exit code, a retry class, a default finding and a default
advice.

A worker exits with the code of its reason. The condition of the Job contains the code, and still exists after the
pod is deleted. So the reason is known even if the report is lost. Codes are part of the API. Each code from 64 to
113 has one reason and is never given to another reason.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType


class RetryClass(StrEnum):
    """The action of the controller for a reason of this class. The action follows a run that ended with the reason,
    or applies while a run waits with the reason."""

    PERMANENT = "Permanent"
    """The import fails at once. Only a changed spec or a new retryToken starts the import again."""
    USER = "WantsUser"
    """The import fails at once. The user must correct a cause outside the spec, such as a Secret, a bucket or a
    login."""
    RETRIED = "Retried"
    """The import is retried with backoff. The run counts toward ``maxAttempts``."""
    UNCHARGED = "Uncharged"
    """The import is retried. The run does not count toward ``maxAttempts``, because the run did not cause the
    failure."""
    HOST = "HostBackoff"
    """The import is retried after the backoff of the host. The run does not count toward ``maxAttempts``.

    Until then, no import of the namespace contacts the host.
    """
    LATER = "Later"
    """The import is retried after a long delay, because the source is not published yet. The run does not count toward
    ``maxAttempts``."""
    WAITING = "Waiting"
    """The run could not start yet. The reason is shown with the message of the cluster as long as this lasts."""
    END = "End"
    """Nothing follows, because the user ended the import or nothing remains to be done."""


class UploadText(StrEnum):
    """The five values of ``status.upload.status``."""

    IN_PROGRESS = "InProgress"
    COMPLETED = "Completed"
    FAILED = "Failed"
    FILE_NOT_EXIST = "FileNotExist"
    INVALID_METADATA = "InvalidMetadata"


class Reason(StrEnum):
    """The fixed set of reasons. ``info(reason)`` returns the retry class, the texts and the exit code of a reason."""

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
    PAGE_TOO_LARGE = "PageTooLarge"
    SOURCE_CORRUPT = "SourceCorrupt"
    ENCODER_UNAVAILABLE = "EncoderUnavailable"
    DESTINATION_EXISTS = "DestinationExists"
    UNSUPPORTED_DESTINATION = "UnsupportedDestination"
    DEADLINE_EXCEEDED = "DeadlineExceeded"
    UPLOAD_DEADLINE_EXCEEDED = "UploadDeadlineExceeded"

    SOURCE_AUTH_REQUIRED = "SourceAuthRequired"
    CREDENTIALS_NOT_FOUND = "CredentialsNotFound"
    DESTINATION_NOT_FOUND = "DestinationNotFound"
    DESTINATION_DENIED = "DestinationDenied"
    DESTINATION_CORRUPT = "DestinationCorrupt"

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
    UPLOAD_IDLE = "UploadIdle"

    RATE_LIMITED = "RateLimited"
    SOURCE_NOT_YET_AVAILABLE = "SourceNotYetAvailable"

    WEBHOOK_FAILED = "WebhookFailed"
    WEBHOOK_GONE = "WebhookGone"

    JOB_REJECTED = "JobRejected"
    POD_REJECTED = "PodRejected"
    UNSCHEDULABLE = "Unschedulable"
    IMAGE_UNAVAILABLE = "ImageUnavailable"
    MOUNT_FAILED = "MountFailed"
    WAITING_FOR_UPLOAD = "WaitingForUpload"

    CANCELLED = "Cancelled"
    DUPLICATE = "Duplicate"


@dataclass(frozen=True, slots=True)
class ReasonInfo:
    """The constant properties of a reason."""

    retry: RetryClass
    finding: str
    """One sentence about the finding, if no exact message is known."""
    advice: str
    """One sentence about the next step of the user, if no exact advice is known. An automatic retry is not an
    advice."""
    exit_code: int | None = None
    """Exit code of the worker, from 64 to 113. The value is None if no worker can end with this reason."""
    max_retries: int | None = None
    """Maximum number of retries with this reason within an import. None means only the limit of ``maxAttempts``."""
    upload_status: UploadText = UploadText.FAILED


_P, _U, _R, _W = RetryClass.PERMANENT, RetryClass.USER, RetryClass.RETRIED, RetryClass.WAITING
_BAD = UploadText.INVALID_METADATA

_TABLE: dict[Reason, ReasonInfo] = {
    Reason.INVALID_SPEC: ReasonInfo(
        _P, "A field of the spec has a value that cannot be used.", "Correct the field that the message names.", 64
    ),
    Reason.SOURCE_NOT_FOUND: ReasonInfo(
        _P,
        "Nothing is at the address of the source.",
        "Correct the address of the source.",
        65,
        upload_status=UploadText.FILE_NOT_EXIST,
    ),
    Reason.UNSUPPORTED_SOURCE: ReasonInfo(
        _P,
        "The source is neither a media file nor a page that yt-dlp supports.",
        "Give the address of a media file or of a page that yt-dlp supports.",
        66,
    ),
    Reason.DRM_PROTECTED: ReasonInfo(
        _P, "The source is protected by DRM.", "Ask the owner of the source for a copy without DRM.", 67
    ),
    Reason.GEO_BLOCKED: ReasonInfo(
        _P, "The source refuses requests from this region.", "Run the import in a region that the source allows.", 68
    ),
    Reason.ADDRESS_FORBIDDEN: ReasonInfo(
        _P,
        "The address is not public.",
        "Add the network of the address to the controller's setting worker.allowedNetworks, if imports may contact it.",
        69,
    ),
    Reason.CERTIFICATE_INVALID: ReasonInfo(
        _P,
        "The certificate of the server is not valid.",
        "Correct the certificate or the host name, or give the server's CA in worker.caBundleConfigMapRef.",
        70,
    ),
    Reason.CHECKSUM_MISMATCH: ReasonInfo(
        _P, "The SHA-256 of the source differs from source.checksum.", "Correct source.checksum or the source.", 71
    ),
    Reason.NOT_VIDEO: ReasonInfo(
        _P, "The source has no video stream.", "Give a source that has a video stream.", 72, upload_status=_BAD
    ),
    Reason.UNSUPPORTED_FORMAT: ReasonInfo(
        _P,
        "requirements.formats does not accept the format of the source.",
        "Add the format to requirements.formats, or convert the source.",
        73,
        upload_status=_BAD,
    ),
    Reason.UNSUPPORTED_RESOLUTION: ReasonInfo(
        _P,
        "The height of the source is outside of requirements.minHeight and maxHeight.",
        "Change requirements.minHeight or maxHeight, or use another source.",
        74,
        upload_status=_BAD,
    ),
    Reason.UNSUPPORTED_DURATION: ReasonInfo(
        _P,
        "The source is longer than requirements.maxDurationSeconds.",
        "Raise requirements.maxDurationSeconds, or use a shorter source.",
        75,
        upload_status=_BAD,
    ),
    Reason.SOURCE_TOO_LARGE: ReasonInfo(
        _P,
        "The source is larger than requirements.maxSize.",
        "Raise requirements.maxSize, or use a smaller source.",
        76,
    ),
    Reason.PAGE_TOO_LARGE: ReasonInfo(
        _P,
        "A page or list of the source is larger than the worker's limit.",
        "Give the address of the video itself, or of a smaller page or list.",
        100,
    ),
    Reason.SOURCE_CORRUPT: ReasonInfo(
        _P,
        "The source is damaged.",
        "Get an undamaged copy, or set requirements.damage: Tolerate.",
        77,
        upload_status=_BAD,
    ),
    Reason.ENCODER_UNAVAILABLE: ReasonInfo(
        _P,
        "The worker image lacks an encoder that the output needs.",
        "Choose another codec, or a worker image that has the encoder.",
        78,
    ),
    Reason.DESTINATION_EXISTS: ReasonInfo(
        _P,
        "The destination has another video of this name.",
        "Choose another destination.name, or set destination.ifExists: KeepBoth or Replace.",
        79,
    ),
    Reason.UNSUPPORTED_DESTINATION: ReasonInfo(
        _P,
        "The destination lacks a feature that the import needs.",
        "Choose another object store, or an output that it accepts.",
        101,
    ),
    Reason.DEADLINE_EXCEEDED: ReasonInfo(_P, "The run took longer than timeoutSeconds.", "Raise timeoutSeconds.", 80),
    Reason.UPLOAD_DEADLINE_EXCEEDED: ReasonInfo(
        _P,
        "No client opened an upload session in time.",
        "Set a new retryToken, then open a session.",
        upload_status=UploadText.FILE_NOT_EXIST,
    ),
    Reason.SOURCE_AUTH_REQUIRED: ReasonInfo(
        _U,
        "The source requires a login.",
        "Put cookies.txt, headers or netrc into the Secret of source.credentialsSecretRef, then change retryToken.",
        81,
    ),
    Reason.CREDENTIALS_NOT_FOUND: ReasonInfo(
        _U, "A Secret is missing, or it lacks a key.", "Create or correct the Secret, then change retryToken.", 82
    ),
    Reason.DESTINATION_NOT_FOUND: ReasonInfo(
        _U,
        "The bucket of the destination does not exist.",
        "Create the bucket or correct its name, then change retryToken.",
        83,
    ),
    Reason.DESTINATION_DENIED: ReasonInfo(
        _U, "The destination refuses access.", "Correct the keys or their permissions, then change retryToken.", 84
    ),
    Reason.DESTINATION_CORRUPT: ReasonInfo(
        _U,
        "The destination stored other bytes than the worker sent.",
        "Check the object store or volume of the destination and any proxy in front of it, then change retryToken.",
        102,
    ),
    Reason.SOURCE_UNAVAILABLE: ReasonInfo(
        _R, "The source did not answer.", "Check that the source answers requests from the cluster.", 85
    ),
    Reason.SOURCE_TRUNCATED: ReasonInfo(
        _R, "The source ended before its declared end.", "Check that the source is complete.", 86, max_retries=2
    ),
    Reason.SOURCE_CHANGED: ReasonInfo(
        _R, "The source changed during the download.", "Wait until the source no longer changes.", 87
    ),
    Reason.DESTINATION_UNAVAILABLE: ReasonInfo(
        _R,
        "The destination did not answer, or has no free space.",
        "Check that the destination answers and has free space.",
        88,
    ),
    Reason.OUT_OF_MEMORY: ReasonInfo(
        _R, "The worker exceeded its memory limit.", "Raise worker.resources.limits.memory.", 89, max_retries=1
    ),
    Reason.SCRATCH_FULL: ReasonInfo(_R, "Scratch has no free space.", "Raise worker.scratch.size.", 90, max_retries=1),
    Reason.STALLED: ReasonInfo(
        _R, "No stage of the run made progress.", "Check the speed of the source and of the destination.", 91
    ),
    Reason.TRANSCODE_FAILED: ReasonInfo(
        _R, "ffmpeg failed.", "See the error of ffmpeg in the worker's log.", 92, max_retries=1
    ),
    Reason.VERIFICATION_FAILED: ReasonInfo(
        _R,
        "The result does not match its source.",
        "If this repeats, set output.mode to Encode, and report the problem with the worker's log.",
        93,
        max_retries=1,
    ),
    Reason.INTERNAL: ReasonInfo(
        _R, "The worker ended with an unexpected error.", "Report this with the worker's log.", 94, max_retries=1
    ),
    Reason.WORKER_LOST: ReasonInfo(
        RetryClass.UNCHARGED,
        "The pod was deleted, evicted or stopped before the worker finished.",
        "If this repeats, check the node, and find the program that deletes pods in this namespace.",
        95,
    ),
    Reason.REPORT_LOST: ReasonInfo(
        RetryClass.UNCHARGED,
        "The report of the run is missing.",
        "If this repeats, find the program that deletes Jobs and pods in this namespace.",
    ),
    Reason.UPLOAD_IDLE: ReasonInfo(
        RetryClass.UNCHARGED,
        "The upload session ended, because no bytes arrived.",
        "Open another upload session.",
        103,
    ),
    Reason.RATE_LIMITED: ReasonInfo(
        RetryClass.HOST,
        "The host asks for fewer requests.",
        "If this lasts, import fewer videos from this host at once, or ask the owner of the host for a higher limit.",
        96,
    ),
    Reason.SOURCE_NOT_YET_AVAILABLE: ReasonInfo(
        RetryClass.LATER, "The source is not published yet.", "Wait until the source is published.", 97
    ),
    Reason.WEBHOOK_FAILED: ReasonInfo(
        _R,
        "The webhook receiver did not accept the message.",
        "Check that the receiver answers with a status of 2xx.",
        98,
    ),
    Reason.WEBHOOK_GONE: ReasonInfo(
        _P, "The receiver refuses further messages.", "Correct webhook.url, or remove webhook.", 99
    ),
    Reason.JOB_REJECTED: ReasonInfo(
        _W, "The API server refuses the Job or its volume.", "Correct the setting that the API server's message names."
    ),
    Reason.POD_REJECTED: ReasonInfo(
        _W, "The cluster refuses the pod.", "Correct the setting that the cluster's message names."
    ),
    Reason.UNSCHEDULABLE: ReasonInfo(_W, "No node has room for the pod.", "Lower worker.resources, or add nodes."),
    Reason.IMAGE_UNAVAILABLE: ReasonInfo(
        _W, "The worker image cannot be pulled.", "Check the name of the worker image and its pull secret."
    ),
    Reason.MOUNT_FAILED: ReasonInfo(
        _W, "A volume of the pod cannot be mounted.", "Check the volume that the message names."
    ),
    Reason.WAITING_FOR_UPLOAD: ReasonInfo(
        _W, "No client is sending the file.", "Open an upload session and send the file."
    ),
    Reason.CANCELLED: ReasonInfo(
        RetryClass.END,
        "The import is cancelled, because spec.cancel is true.",
        "To start the import again, set a new retryToken, and set cancel to false.",
    ),
    Reason.DUPLICATE: ReasonInfo(
        RetryClass.END,
        "The destination already has this video.",
        "To store the video again, set incremental to false.",
        upload_status=UploadText.COMPLETED,
    ),
}

TABLE: Mapping[Reason, ReasonInfo] = MappingProxyType(_TABLE)
_BY_EXIT_CODE = {row.exit_code: reason for reason, row in _TABLE.items() if row.exit_code is not None}


def info(reason: Reason) -> ReasonInfo:
    """Return the properties of a reason. A test checks that every reason has properties."""
    return TABLE[reason]


def reason_of_exit_code(code: int) -> Reason | None:
    """Return the reason of a worker's exit code. Return None for any other code, for example after a crash."""
    return _BY_EXIT_CODE.get(code)
