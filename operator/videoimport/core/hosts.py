"""Hosts that asked for fewer requests: every import from there waits, whoever was told."""

from datetime import datetime, timedelta
from urllib.parse import urlsplit

from videoimport.api.reasons import Reason
from videoimport.api.videoimport import VideoImport
from videoimport.core.retry import jitter
from videoimport.core.scene import Scene

_SPREAD = 0.5
"""Those that waited come back within this part of the shortest rest, and not all at once."""


def host_of(video: VideoImport) -> str | None:
    """Whom its source is asked from; None for a volume. AWS itself limits each bucket by itself, and so do its hosts'
    names: one busy bucket is no reason to leave the others alone."""
    stored = video.spec.source.s3
    if stored is not None and stored.endpoint is None:
        return f"{stored.bucket}.s3.amazonaws.com"
    if video.spec.source.persistent_volume_claim is not None:
        return None
    try:
        host = urlsplit(video.spec.source.locator).hostname
    except ValueError:
        return None
    return host.removeprefix("www.") if host else None


def told_to_rest(video: VideoImport) -> datetime | None:
    """Until when its host wants to be left alone, if it was this import that the host said so to. One that only waits
    with it is no witness, or they would keep each other waiting for ever."""
    attempts = video.status.attempts
    if attempts is None or attempts.reasons[-1:] != (Reason.RATE_LIMITED,):
        return None
    return attempts.next_retry_time


def may_start_at(scene: Scene) -> datetime | None:
    """When a run of this import may start; None for now."""
    until = scene.observed.host_rests_until
    if until is None or until <= scene.now:
        return None
    spread = scene.settings.host_rest * _SPREAD * jitter(scene.video.metadata.uid, scene.run)
    return until + timedelta(seconds=int(spread.total_seconds()))
