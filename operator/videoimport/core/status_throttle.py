"""When a status is written: at once, unless only progress changed."""

from datetime import datetime, timedelta
from typing import TypeVar

from videoimport.api.bulkimport_status import BulkImportStatus
from videoimport.api.videoimport_status import VideoImportStatus
from videoimport.core.plan import Plan

S = TypeVar("S", VideoImportStatus, BulkImportStatus)
_STAMP = "updated_time"


def plan_status_write(old: S, new: S, progress: frozenset[str], now: datetime, interval: timedelta) -> Plan[S]:
    """Return the plan to write ``new`` with its time stamp if it differs. Progress alone waits until the interval is
    over."""
    changed = {name for name in type(new).model_fields if getattr(old, name) != getattr(new, name)} - {_STAMP}
    if not changed:
        return Plan()
    earliest = old.updated_time + interval if old.updated_time else now
    if changed <= progress and now < earliest:
        return Plan(requeue_at=earliest)
    return Plan(new.model_copy(update={_STAMP: now}))
