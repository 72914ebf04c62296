"""A VideoImport's state in the words of hosted upload services."""

from typing import Literal

from videoimport.api.reasons import UploadText, info
from videoimport.api.videoimport_status import UploadStatus, VideoImportStatus, VideoPhase

_PENDING: tuple[Literal[1], Literal["pending"]] = (1, "pending")
_UPLOADING: tuple[Literal[5], Literal["uploading"]] = (5, "uploading")
_FAILED: tuple[Literal[7], Literal["failed"]] = (7, "failed")
_CODES: dict[
    VideoPhase,
    tuple[Literal[1, 3, 5, 6, 7], Literal["pending", "processing", "uploading", "completed", "failed"]],
] = {
    VideoPhase.PENDING: _PENDING,
    VideoPhase.QUEUED: _PENDING,
    VideoPhase.SUSPENDED: _PENDING,
    VideoPhase.DOWNLOADING: _PENDING,
    VideoPhase.TRANSCODING: (3, "processing"),
    VideoPhase.UPLOADING: _UPLOADING,
    VideoPhase.FINALIZING: _UPLOADING,
    VideoPhase.COMPLETED: (6, "completed"),
    VideoPhase.FAILED: _FAILED,
    VideoPhase.CANCELLED: _FAILED,
}


def build_upload_status(status: VideoImportStatus) -> UploadStatus:
    """``status.upload`` for the other fields of a status."""
    code, text = _CODES[status.phase or VideoPhase.PENDING]
    return UploadStatus(status=_find_upload_text(status), code=code, text=text, message=status.message)


def _find_upload_text(status: VideoImportStatus) -> UploadText:
    if status.phase is VideoPhase.COMPLETED:
        return UploadText.COMPLETED
    if status.phase in (VideoPhase.FAILED, VideoPhase.CANCELLED):
        return info(status.reason).upload_status if status.reason else UploadText.FAILED
    return UploadText.IN_PROGRESS
