"""The session of an upload, from the annotation of a VideoImport to the task of the worker."""

import re
from datetime import timedelta

from videoimport.api.labels import UPLOAD_SESSION
from videoimport.api.tasks.import_task import UploadTask
from videoimport.api.videoimport import VideoImport
from videoimport.core.settings import Settings

_SHA256 = re.compile("[0-9a-f]{64}")


def find_session(video: VideoImport) -> str | None:
    """Return the SHA-256 of the token in the annotation. Return None if the annotation is missing or no SHA-256."""
    value = video.metadata.annotations.get(UPLOAD_SESSION, "")
    return value if _SHA256.fullmatch(value) else None


def build_upload_task(video: VideoImport, settings: Settings) -> UploadTask | None:
    """Return the session that a run serves. Without a valid annotation, the session of the last run goes on."""
    recorded = video.status.upload_session
    session = find_session(video) or (recorded.token_sha256 if recorded else None)
    if video.spec.source.upload is None or session is None:
        return None
    return UploadTask(token_sha256=session, idle_seconds=settings.upload_idle // timedelta(seconds=1))
