"""When a VideoImport has ended, and when an ended one starts again. Its own reconcile and that of its bulk use this."""

from videoimport.api.tasks.import_task import wish_hash
from videoimport.api.videoimport import VideoImport
from videoimport.api.videoimport_status import VideoImportStatus, VideoPhase

ENDED = frozenset({VideoPhase.COMPLETED, VideoPhase.FAILED, VideoPhase.CANCELLED})


def is_finished(status: VideoImportStatus) -> bool:
    """Whether its last run is over and no other is to come."""
    return status.phase in ENDED


def has_active_run(status: VideoImportStatus) -> bool:
    """Whether a run of it is decided and not over, as far as the status shows."""
    between = status.attempts is not None and status.attempts.next_retry_time is not None
    return status.job is not None and not between and status.phase not in (None, VideoPhase.SUSPENDED, *ENDED)


def needs_restart(video: VideoImport) -> bool:
    """Whether an import that ended without success is to start again: by a new retryToken, or, when it failed, by a
    changed spec. A cancelled one waits for the token, so that taking ``cancel`` back does not start it by itself."""
    if video.spec.cancel or video.status.phase not in (VideoPhase.FAILED, VideoPhase.CANCELLED):
        return False
    return has_new_token(video) or (video.status.phase is VideoPhase.FAILED and _has_changed_spec(video))


def _has_changed_spec(video: VideoImport) -> bool:
    """Whether its spec is another than the one that failed. A spec that could not be read has no hash."""
    if video.status.observed_generation == video.metadata.generation:
        return False
    return video.status.observed_spec_hash != wish_hash(video.spec)


def has_new_token(video: VideoImport) -> bool:
    """Whether its token is another than the one last acted upon."""
    return (video.status.observed_retry_token or "") != video.spec.retry_token


def is_settled(video: VideoImport) -> bool:
    """Ended, and not about to start again."""
    return is_finished(video.status) and not needs_restart(video)
