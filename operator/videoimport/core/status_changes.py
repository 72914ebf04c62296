"""The facts that a written status has for the first time, for counters: each fact is counted by one write only."""

from dataclasses import dataclass

from videoimport.api.reasons import Reason
from videoimport.api.videoimport_status import Attempts, VideoImportStatus
from videoimport.core.lifecycle import has_active_run, is_finished

LOST = "Lost"
"""Of a run that was lost and is followed by the next one at once: its reason is in no status."""


@dataclass(frozen=True, slots=True)
class News:
    """Of one import."""

    ended: tuple[str, str] | None = None
    """Phase and reason."""
    retried: str | None = None
    """The reason for which another run follows."""
    bytes_in: int = 0
    bytes_out: int = 0
    seconds: tuple[tuple[str, int], ...] = ()
    """How long each stage of a run took that is over; those that it finished."""


def find_status_delta(old: VideoImportStatus, new: VideoImportStatus) -> News:
    """The facts that the new one has and the old one lacks."""
    over = has_active_run(old) and (not has_active_run(new) or new.run != old.run)
    report = new.usage if over and new.run == old.run else None
    return News(
        ended=(str(new.phase), str(new.reason or "")) if is_finished(new) and not is_finished(old) else None,
        retried=_find_lost_run(old, new) if over else None,
        bytes_in=report.bytes_in if report else 0,
        bytes_out=report.bytes_out if report else 0,
        seconds=_list_stage_seconds(new) if over and new.run == old.run else (),
    )


def _find_lost_run(old: VideoImportStatus, new: VideoImportStatus) -> str | None:
    before, after = old.attempts or Attempts(), new.attempts or Attempts()
    if after.next_retry_time is not None and new.reason is not None:
        told = new.reason is not Reason.RATE_LIMITED or old.host_backoff != new.host_backoff
        return str(new.reason) if told else LOST
    return LOST if new.run != old.run and after.uncharged > before.uncharged else None


def _list_stage_seconds(status: VideoImportStatus) -> tuple[tuple[str, int], ...]:
    done = (stage for stage in status.stages if stage.state == "Done" and stage.seconds is not None)
    return tuple((str(stage.name), stage.seconds or 0) for stage in done)
