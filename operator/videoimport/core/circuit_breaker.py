"""When a host that pushed back may be asked again: a state machine over what the statuses of a namespace say of it.

    open ── RateLimited ──> resting ── its time is over ──> one import tries ──┬── its download is through ──> open
                               ▲                                               │
                               └──────────────── RateLimited, twice as long ───┘

Nothing of it is kept anywhere else, so a restart loses nothing. Each status holds one record: what its import was told,
or, while it tries, what it has taken over from those that were told, or that the host answered. The newest answer voids
all records before it. Runs that were under way together count as one push-back, since none of them was a try.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import NamedTuple

from videoimport.api.bulkimport import BulkImport
from videoimport.api.bulkimport_status import BulkPhase
from videoimport.api.reasons import Reason, RetryClass, info
from videoimport.api.videoimport import VideoImport
from videoimport.api.videoimport_status import HostRest, StageName, VideoImportStatus, VideoPhase
from videoimport.core.lifecycle import ENDED, ended, under_way
from videoimport.core.messages import clock
from videoimport.core.progress import is_done
from videoimport.core.retry_policy import jitter
from videoimport.core.settings import Settings
from videoimport.core.source_host import host_of, host_of_list

_MAX_DOUBLINGS = 20
_SHORTEST = timedelta(seconds=1)
"""Times in a status are whole seconds."""
_SPREAD = 0.5
"""Those that waited come back within this part of the shortest rest, and not all at once."""
_SILENT = 2
"""A worker that says nothing, or whose words nobody can read, has got through after so many of the shortest rests: a
host that pushes back ends its run long before."""
_SAY_NOTHING = frozenset(
    {
        Reason.INVALID_SPEC,
        Reason.CREDENTIALS_NOT_FOUND,
        Reason.ENCODER_UNAVAILABLE,
        Reason.DESTINATION_EXISTS,
        Reason.DESTINATION_NOT_FOUND,
        Reason.DESTINATION_DENIED,
        Reason.DESTINATION_UNAVAILABLE,
        Reason.DESTINATION_CORRUPT,
        Reason.UNSUPPORTED_DESTINATION,
        Reason.INTERNAL,
    }
)
"""Ends of a run that may not have asked the host at all. Lost runs say nothing either."""


@dataclass(frozen=True, slots=True)
class HostView:
    """A host that pushed back and has not answered since, as all imports of a namespace together know it."""

    name: str
    failures: int
    """How often in a row; 0 where it is only to be left alone for a while, and nobody need try first."""
    time: datetime
    """When it pushed back last."""
    until: datetime
    """Until when it is left alone; may lie in the past."""
    tried: bool = False
    """Another import tries now whether it answers."""


class Word(NamedTuple):
    """What a record says of its host, without what concerns only the import itself."""

    failures: int
    time: datetime
    until: datetime | None


def seen_of(host: str, records: Iterable[HostRest | Word]) -> HostView | None:
    """What all records together say; None when the host is open. Of an answer and a push-back in the same second the
    latter counts."""
    records = tuple(records)
    answered = max((record.time for record in records if not record.failures), default=None)
    valid = [record for record in records if record.failures and (answered is None or record.time >= answered)]
    if not valid:
        return None
    time = max(record.time for record in valid)
    until = max((record.until for record in valid if record.until), default=time)
    return HostView(host, max(record.failures for record in valid), time, until)


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What one import, or one bulk's listing, contributes to what is known of a host."""

    host: str
    record: HostRest | None = None
    pause: datetime | None = None
    """Until when the host wants to be left alone, by the word of a listing; nobody need try first after that."""
    tries: bool = False
    waits: bool = False
    """Nothing keeps it from running but the host."""
    starts: bool = False
    """Its run is decided and has not begun to ask the host, as far as that is known."""

    @property
    def says_something(self) -> bool:
        """Of the host."""
        return self.record is not None or self.pause is not None or self.tries

    @property
    def hears(self) -> bool:
        """A change of the host's state concerns it."""
        return self.waits or self.starts or (self.record is not None and self.record.failures > 0)


def knowledge_of(video: VideoImport, *, working: bool) -> Knowledge | None:
    """``working``: a Job of it has not ended, whatever the status says. None for most imports."""
    rest = video.status.host_rest
    starts = under_way(video.status) and not video.status.stages
    if rest is None and not starts and video.status.reason is not Reason.RATE_LIMITED:
        return None
    host = host_of(video)
    if host is None:
        return None
    if rest is not None and rest.host != host:  # the source was mended meanwhile
        rest = None
    leaving = video.metadata.deletion_timestamp is not None
    tries = rest is not None and rest.probing and (working or (under_way(video.status) and not leaving))
    return Knowledge(host, rest, tries=tries, waits=waits_for_host(video), starts=starts)


def knowledge_of_list(bulk: BulkImport) -> Knowledge | None:
    """A listing that was told to come back later is a witness too, but it tries nothing for others. One that is not to
    go on never asks again, so that nothing would ever replace what it was told."""
    discovery = bulk.status.discovery
    stopped = bulk.spec.suspend or bulk.spec.cancel or bulk.metadata.deletion_timestamp is not None
    over = bulk.status.phase in (BulkPhase.COMPLETED, BulkPhase.FAILED, BulkPhase.CANCELLED)
    if discovery is None or discovery.reason is not Reason.RATE_LIMITED or stopped or over:
        return None
    host, until = host_of_list(bulk.spec.source), discovery.attempts.next_retry_time
    return Knowledge(host, pause=until) if host is not None and until is not None else None


def waits_for_host(video: VideoImport) -> bool:
    """Whether nothing keeps it from running but a host that pushed back."""
    status = video.status
    between = status.attempts is not None and status.attempts.next_retry_time is not None
    return between and status.reason is Reason.RATE_LIMITED and status.phase not in ENDED


@dataclass(frozen=True, slots=True)
class HostContext:
    """What a decision about one import, or one listing, depends on besides its status."""

    host: str
    record: HostRest | None
    """As its status has it now; of another host where the source was mended meanwhile."""
    seen: HostView | None
    now: datetime
    settings: Settings
    job_created: datetime | None = None
    """When the current run's Job was created."""
    worker_since: datetime | None = None
    """When the current run's worker started."""

    @property
    def own(self) -> HostRest | None:
        """Its record, unless its source was mended meanwhile."""
        return self.record if self.record is not None and self.record.host == self.host else None

    @property
    def silent_until(self) -> datetime | None:
        """Until when a try that says nothing has not got through."""
        return self.worker_since + _SILENT * self.settings.host_rest if self.worker_since else None


@dataclass(frozen=True, slots=True)
class Wait:
    """For a host."""

    host: str
    until: datetime
    """When the host has rested."""
    again_at: datetime | None
    """When this import looks again by itself; None while another one tries."""


def describe_wait(host: str, until: datetime) -> str:
    """Return what a message says of a wait for this host, without a full stop."""
    return f"No import contacts {host} until {clock(until)}, then one tries first"


def wait_for_host(context: HostContext, uid: str) -> Wait | None:
    """What a run of this import would have to wait for; None when it may start. Who waits comes back in an order that
    differs from time to time, those last that were told to go: the first that can start is the one that tries."""
    seen, record = context.seen, context.record
    if seen is None:
        return None
    if seen.tried:
        return Wait(seen.name, seen.until, None)
    spread = context.settings.host_rest.total_seconds() * _SPREAD / 2
    told = record is not None and record.failures > 0
    turn = seen.until + timedelta(seconds=int(spread * (told + jitter(uid, seen.failures))))
    return Wait(seen.name, seen.until, turn) if context.now < turn else None


def pushed_back(context: HostContext, asked: int | None) -> HostRest:
    """The record of an import whose run has just ended with RateLimited; ``asked`` are the seconds for which the host
    itself wanted to be left alone. Only a try that failed counts as one more time."""
    before, seen, now = context.own, context.seen, context.now
    probed = before is not None and before.probing
    known = max(seen.failures if seen else 0, before.failures if before and probed else 0)
    failures = known + 1 if probed else max(1, known)
    wanted = min(timedelta(seconds=asked or 0), context.settings.host_rest_cap)
    until = max(now + max(_rest(failures, context.settings), wanted), seen.until if seen else now)
    since = before.since if before and before.since else now
    return HostRest(host=context.host, failures=failures, time=now, until=until, since=since)


def _rest(failures: int, settings: Settings) -> timedelta:
    doubled: timedelta = settings.host_rest * 2 ** min(failures - 1, _MAX_DOUBLINGS)
    return timedelta(seconds=ceil(max(min(doubled, settings.host_rest_cap), _SHORTEST).total_seconds()))


def starting(context: HostContext) -> HostRest | None:
    """The record of an import whose run starts: a try takes over what is known, so that it stays known whatever becomes
    of those that were told. Who was told before remembers since when it waits."""
    seen, before = context.seen, context.own
    if seen is None or not seen.failures:
        return _waiting_since(before)
    since = (before.since if before else None) or context.now
    return HostRest(
        host=context.host, failures=seen.failures, time=seen.time, until=seen.until, since=since, probing=True
    )


def _waiting_since(record: HostRest | None) -> HostRest | None:
    return HostRest(host=record.host, time=record.time, since=record.since) if record and record.since else None


def remembered(context: HostContext, status: VideoImportStatus) -> HostRest | None:
    """What is to stand of it in this status, where that says nothing new of it."""
    record = status.host_rest
    if record is None or record is not context.record:
        return record
    if (record.probing or not record.failures) and _got_through(context, status):
        if record.probing:
            return HostRest(host=record.host, time=context.now)
        return None if record.since else record  # since when it waited is of no interest any more
    if under_way(status):
        return _given_way(status, record)
    if record.failures and (context.seen is None or context.own is None):  # the host has answered another import since
        return None if ended(status) else _waiting_since(record)
    return record


def through_at(context: HostContext, status: VideoImportStatus) -> datetime | None:
    """When a try that says nothing is to be looked at again, since nothing else would tell: all others wait for it."""
    tries = status.host_rest is not None and status.host_rest.probing and under_way(status)
    return context.silent_until if tries else None


def _given_way(status: VideoImportStatus, record: HostRest) -> HostRest:
    """A try that cannot start at all, or everybody would wait for a node with it."""
    stuck = status.reason is not None and info(status.reason).retry is RetryClass.WAITING
    waits = record.probing and (stuck or status.phase is VideoPhase.QUEUED)
    return record.model_copy(update={"probing": False}) if waits else record


def _got_through(context: HostContext, status: VideoImportStatus) -> bool:
    """The download is done, or has lasted for as long as the host would have rested, or its worker has run for longer;
    or the run ended with a verdict on what the host gave."""
    if is_done(status.stages, StageName.DOWNLOAD) or status.phase is VideoPhase.COMPLETED:
        return True
    if under_way(status):
        silent_until = context.silent_until
        return _has_fetched(context, status) or (silent_until is not None and context.now >= silent_until)
    reason = status.reason
    if reason is None or reason in _SAY_NOTHING or status.phase in (VideoPhase.SUSPENDED, VideoPhase.CANCELLED):
        return False
    return info(reason).retry in (RetryClass.PERMANENT, RetryClass.USER, RetryClass.RETRIED, RetryClass.LATER)


def _has_fetched(context: HostContext, status: VideoImportStatus) -> bool:
    flows = any(stage.name == StageName.DOWNLOAD and stage.bytes_done for stage in status.stages)
    created = context.job_created
    return flows and created is not None and context.now - created >= context.settings.host_rest
