"""Circuit breaker of a source's host in one namespace: whether imports may contact the host, and when.

    Closed ── RateLimited ──> Open ── backoff is over, one import probes ──> HalfOpen ──┬── download done ──> Closed
                               ▲                                                        │
                               └────────────── RateLimited, backoff doubles ────────────┘

The statuses of imports hold the whole state, so a restart of the controller loses nothing. Each status has at most one
record (``HostBackoff``): the failure of its own run, the state that its run probes, or the host's first success after
that. The latest success voids all earlier records. Runs that were active together count as one failure, because none of
them was a probe. ``core.start_limits`` has what one import or listing reports to the breaker of its host.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import NamedTuple
from urllib.parse import urlsplit

from videoimport.api.bulkimport_source import BulkSource
from videoimport.api.reasons import Reason, RetryClass, info
from videoimport.api.videoimport import VideoImport
from videoimport.api.videoimport_source import VideoSource
from videoimport.api.videoimport_status import HostBackoff, StageName, VideoImportStatus, VideoPhase
from videoimport.core.message_format import format_time
from videoimport.core.retry_policy import compute_jitter
from videoimport.core.settings import Settings
from videoimport.core.video_status import has_active_run, is_done, is_finished

_MAX_DOUBLINGS = 20
_SHORTEST = timedelta(seconds=1)
"""Times in a status are whole seconds."""
_SPREAD = 0.5
"""Waiting imports start within this part of the shortest backoff after ``until``, and not all at once."""
_SILENT_BACKOFFS = 2
"""Number of shortest backoffs after which a probe without readable progress counts as a success. A host that answers
with RateLimited ends the run long before."""
_INCONCLUSIVE = frozenset(
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
"""Reasons of runs that may not have contacted the host at all. Lost runs are inconclusive too."""
_MAX_HOST = 253


@dataclass(frozen=True, slots=True)
class BreakerState:
    """State of a host's breaker, as all imports of a namespace know it together; a closed one is None."""

    host: str
    failures: int
    """In a row; 0 if only a listing asked for a pause, so that no probe is needed after it."""
    time: datetime
    """Of the last failure."""
    until: datetime
    """End of the backoff; may be in the past."""
    probing: bool = False
    """Half-open: another import probes the host now."""


class HostRecord(NamedTuple):
    """The part of a HostBackoff that concerns the host, and not the import itself."""

    failures: int
    time: datetime
    until: datetime | None


def combine_records(host: str, records: Iterable[HostBackoff | HostRecord]) -> BreakerState | None:
    """Return the state that all records together describe; None if the breaker is closed. A success and a failure in
    the same second count as a failure."""
    records = tuple(records)
    success = max((record.time for record in records if not record.failures), default=None)
    valid = [record for record in records if record.failures and (success is None or record.time >= success)]
    if not valid:
        return None
    time = max(record.time for record in valid)
    until = max((record.until for record in valid if record.until), default=time)
    return BreakerState(host, max(record.failures for record in valid), time, until)


@dataclass(frozen=True, slots=True)
class HostContext:
    """What a decision about one import or listing needs to know of its host."""

    host: str
    record: HostBackoff | None
    """In the present status; of another host if the source changed since."""
    breaker: BreakerState | None
    now: datetime
    settings: Settings
    job_created: datetime | None = None
    """When the current run's Job was created."""
    worker_since: datetime | None = None
    """When the current run's worker started."""

    @property
    def own_record(self) -> HostBackoff | None:
        """The record, if it is of the present source's host."""
        return self.record if self.record is not None and self.record.host == self.host else None

    @property
    def silent_until(self) -> datetime | None:
        """When a probe without readable progress has succeeded; None before its worker starts."""
        return self.worker_since + _SILENT_BACKOFFS * self.settings.host_backoff if self.worker_since else None


@dataclass(frozen=True, slots=True)
class HostWait:
    """An import's wait for its host."""

    host: str
    until: datetime
    """End of the backoff."""
    requeue_at: datetime | None
    """When this import is decided upon again; None while another import probes."""


def describe_wait(host: str, until: datetime) -> str:
    """Return the message about a wait for this host, without a full stop."""
    return f"No import contacts {host} until {format_time(until)}, then one tries first"


def find_wait(context: HostContext, uid: str) -> HostWait | None:
    """Return what a run of this import must wait for; None if it may start. Waiting imports start in an order that
    differs from time to time, and those with a failure of their own come last. The first that can start is the probe.
    """
    breaker, record = context.breaker, context.record
    if breaker is None:
        return None
    if breaker.probing:
        return HostWait(breaker.host, breaker.until, None)
    spread = context.settings.host_backoff.total_seconds() * _SPREAD / 2
    failed = record is not None and record.failures > 0
    start = breaker.until + timedelta(seconds=int(spread * (failed + compute_jitter(uid, breaker.failures))))
    return HostWait(breaker.host, breaker.until, start) if context.now < start else None


def record_failure(context: HostContext, retry_after: int | None) -> HostBackoff:
    """Return the record of an import whose run just ended with RateLimited; ``retry_after`` are the seconds that the
    host asked for. Only a failed probe adds one to the failures in a row."""
    before, breaker, now = context.own_record, context.breaker, context.now
    probed = before is not None and before.probing
    known = max(breaker.failures if breaker else 0, before.failures if before and probed else 0)
    failures = known + 1 if probed else max(1, known)
    wanted = min(timedelta(seconds=retry_after or 0), context.settings.host_backoff_max)
    until = max(now + max(_compute_backoff(failures, context.settings), wanted), breaker.until if breaker else now)
    since = before.since if before and before.since else now
    return HostBackoff(host=context.host, failures=failures, time=now, until=until, since=since)


def _compute_backoff(failures: int, settings: Settings) -> timedelta:
    doubled: timedelta = settings.host_backoff * 2 ** min(failures - 1, _MAX_DOUBLINGS)
    return timedelta(seconds=ceil(max(min(doubled, settings.host_backoff_max), _SHORTEST).total_seconds()))


def record_start(context: HostContext) -> HostBackoff | None:
    """Return the record of an import whose run starts. A probe copies the state, so that it outlives the imports that
    reported it. An import that failed before keeps the time since when it waits."""
    breaker, before = context.breaker, context.own_record
    if breaker is None or not breaker.failures:
        return _clear_failures(before)
    since = (before.since if before else None) or context.now
    return HostBackoff(
        host=context.host,
        failures=breaker.failures,
        time=breaker.time,
        until=breaker.until,
        since=since,
        probing=True,
    )


def _clear_failures(record: HostBackoff | None) -> HostBackoff | None:
    return HostBackoff(host=record.host, time=record.time, since=record.since) if record and record.since else None


def update_backoff(context: HostContext, status: VideoImportStatus) -> HostBackoff | None:
    """Return the record for this next status, unless the decision set one. It is the success of a probe, its end
    without an answer, or that another import closed the breaker."""
    record = status.host_backoff
    if record is None or record is not context.record:
        return record
    if (record.probing or not record.failures) and _has_succeeded(context, status):
        if record.probing:
            return HostBackoff(host=record.host, time=context.now)
        return None if record.since else record  # it waits no longer, so since when is of no use
    if has_active_run(status):
        return _stop_probe_that_cannot_start(status, record)
    if record.failures and (context.breaker is None or context.own_record is None):
        return None if is_finished(status) else _clear_failures(record)
    return record


def find_probe_deadline(context: HostContext, status: VideoImportStatus) -> datetime | None:
    """Return when a probe without readable progress must be decided upon again. No event comes then, and all other
    imports of the host wait for it."""
    probes = status.host_backoff is not None and status.host_backoff.probing and has_active_run(status)
    return context.silent_until if probes else None


def _stop_probe_that_cannot_start(status: VideoImportStatus, record: HostBackoff) -> HostBackoff:
    """Let another import probe, or all would wait for a node with this one."""
    stuck = status.reason is not None and info(status.reason).retry is RetryClass.WAITING
    stops = record.probing and (stuck or status.phase is VideoPhase.QUEUED)
    return record.model_copy(update={"probing": False}) if stops else record


def _has_succeeded(context: HostContext, status: VideoImportStatus) -> bool:
    """Whether the host served the run. Its download is done or has lasted for the shortest backoff, or its worker has
    run for longer. It also did if the run ended with a verdict on the host's data."""
    if is_done(status.stages, StageName.DOWNLOAD) or status.phase is VideoPhase.COMPLETED:
        return True
    if has_active_run(status):
        silent_until = context.silent_until
        return _has_fetched(context, status) or (silent_until is not None and context.now >= silent_until)
    reason = status.reason
    if reason is None or reason in _INCONCLUSIVE or status.phase in (VideoPhase.SUSPENDED, VideoPhase.CANCELLED):
        return False
    return info(reason).retry in (RetryClass.PERMANENT, RetryClass.USER, RetryClass.RETRIED, RetryClass.LATER)


def _has_fetched(context: HostContext, status: VideoImportStatus) -> bool:
    has_bytes = any(stage.name == StageName.DOWNLOAD and stage.bytes_done for stage in status.stages)
    created = context.job_created
    return has_bytes and created is not None and context.now - created >= context.settings.host_backoff


def find_host(video: VideoImport) -> str | None:
    """Return the host of a VideoImport's source; None for a volume."""
    return find_source_host(video.spec.source)


def find_source_host(source: VideoSource) -> str | None:
    """Return the host of a source; None for a volume."""
    if source.s3 is not None:
        return find_store_host(source.s3.endpoint, source.s3.bucket)
    return parse_host(source.url) if source.url is not None else None


def find_list_host(source: BulkSource) -> str | None:
    """Return the host of a BulkImport's list; None for a list in the cluster."""
    if source.s3 is not None:
        return find_store_host(source.s3.endpoint, source.s3.bucket)
    if source.manifest is not None and source.manifest.s3 is not None:
        return find_store_host(source.manifest.s3.endpoint, source.manifest.s3.bucket)
    url = source.playlist.url if source.playlist else source.manifest.url if source.manifest else None
    return parse_host(url) if url is not None else None


def find_store_host(endpoint: str | None, bucket: str) -> str | None:
    """Return the host of a bucket. On AWS it is the bucket's own, because AWS limits the rate of each bucket apart."""
    return f"{bucket}.s3.amazonaws.com" if endpoint is None else parse_host(endpoint)


def parse_host(url: str) -> str | None:
    """Return a URL's host without ``www.``; None if it has none."""
    try:
        host = urlsplit(url).hostname
    except ValueError:
        return None
    return host.removeprefix("www.")[:_MAX_HOST] if host else None
