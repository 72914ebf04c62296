"""When a status is written: at once, unless it tells of nothing but progress."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from videoimport.api.bulkimport_status import BulkImportStatus
from videoimport.api.videoimport_status import VideoImportStatus

S = TypeVar("S", VideoImportStatus, BulkImportStatus)
_STAMP = "updated_time"


@dataclass(frozen=True, slots=True)
class Writing(Generic[S]):
    """What to write now, or when to look again."""

    status: S | None = None
    again_at: datetime | None = None


def due(old: S, new: S, progress: frozenset[str], now: datetime, interval: timedelta) -> Writing[S]:
    """``new`` with its time stamp if it differs; progress alone is held back until the interval is over."""
    changed = {name for name in type(new).model_fields if getattr(old, name) != getattr(new, name)} - {_STAMP}
    if not changed:
        return Writing()
    earliest = old.updated_time + interval if old.updated_time else now
    if changed <= progress and now < earliest:
        return Writing(again_at=earliest)
    return Writing(new.model_copy(update={_STAMP: now}))
