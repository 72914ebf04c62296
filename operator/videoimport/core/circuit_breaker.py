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
from videoimport.core.message_format import format_time, join_sentences
from videoimport.core.retry_policy import compute_jitter
from videoimport.core.settings import Settings
from videoimport.core.video_status import has_active_run, is_done, is_finished

_MAX_DOUBLINGS = 20
_SHORTEST = timedelta(seconds=1)
"""Minimum backoff. Times in a status are whole seconds."""
_SPREAD = 0.5
"""Fraction of the shortest backoff. Waiting imports start at different times within this fraction after ``until``."""
_SILENT_BACKOFFS = 2
"""Number of shortest backoffs after which a probe without readable progress is treated as a success. If the host
answers with RateLimited, the run ends long before that."""
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
    """State of the breaker of a host, computed from all imports of a namespace. The state of a closed breaker is
    None."""

    host: str
    failures: int
    """Number of failures in a row. If only a listing asked for a pause, the number is 0, and no probe is needed
    later."""
    time: datetime
    """Time of the last failure."""
    until: datetime
    """End of the backoff; may be in the past."""
    probing: bool = False
    """True if the breaker is half-open: another import probes the host now."""


class HostRecord(NamedTuple):
    """The fields of a HostBackoff that describe the host. The other fields describe the import."""

    failures: int
    time: datetime
    until: datetime | None


def combine_records(host: str, records: Iterable[HostBackoff | HostRecord]) -> BreakerState | None:
    """Return the state of the breaker from all records of the host. Return None if the breaker is closed. If a
    success and a failure happened in the same second, the failure decides."""
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
    """Facts about a host for the decision about one import or listing."""

    host: str
    record: HostBackoff | None
    """Record in the present status. If the spec now names another source, the record is about the host of the old
    source."""
    breaker: BreakerState | None
    now: datetime
    settings: Settings
    job_created: datetime | None = None
    """Creation time of the current run's Job."""
    worker_since: datetime | None = None
    """Start time of the current run's worker."""

    @property
    def own_record(self) -> HostBackoff | None:
        """The record of this import if the record is about the host of the present source. Otherwise None."""
        return self.record if self.record is not None and self.record.host == self.host else None

    @property
    def silent_until(self) -> datetime | None:
        """Time from which a probe without readable progress is treated as a success. The value is None before the
        worker starts."""
        return self.worker_since + _SILENT_BACKOFFS * self.settings.host_backoff if self.worker_since else None


@dataclass(frozen=True, slots=True)
class HostWait:
    """The wait of an import for its host."""

    host: str
    until: datetime
    """End of the backoff."""
    requeue_at: datetime | None
    """Time of the next decision about this import; None while another import probes."""


def describe_wait(host: str, until: datetime) -> str:
    """Return the message about a wait for this host, without a full stop."""
    return f"No import contacts {host} until {format_time(until)}, then one tries first"


def describe_hold(wait: HostWait) -> str:
    """Return the message of an import that waits for its host."""
    return join_sentences(f"{wait.host} asks for fewer requests", describe_wait(wait.host, wait.until))


def find_wait(context: HostContext, uid: str) -> HostWait | None:
    """Return the wait before a run of this import. Return None if the run may start. After each failure, the order
    of the waiting imports changes. Imports that have failed come last. The first import that can start is the probe.
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
    """Return the record of an import whose run just ended with RateLimited.

    ``retry_after`` is the number of seconds that the host asked for. Only a failed probe increases the number of
    failures in a row.
    """
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
    """Return the record of an import whose run starts. The record of a probe is a copy of the breaker's state, because
    the imports that reported the state may be deleted. An import that failed before keeps ``since``, the start of its
    wait."""
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
    """Return the record for the status that is written next.

    If this decision has already set a record, the record stays unchanged. Otherwise the record changes in three
    cases: a probe succeeded, a probe cannot start, or another import closed the breaker.
    """
    record = status.host_backoff
    if record is None or record is not context.record:
        return record
    if (record.probing or not record.failures) and _has_succeeded(context, status):
        if record.probing:
            return HostBackoff(host=record.host, time=context.now)
        return None if record.since else record  # the import no longer waits, so ``since`` has no use
    if has_active_run(status):
        return _stop_probe_that_cannot_start(status, record)
    if record.failures and (context.breaker is None or context.own_record is None):
        return None if is_finished(status) else _clear_failures(record)
    return record


def find_probe_deadline(context: HostContext, status: VideoImportStatus) -> datetime | None:
    """Return the time of the next decision about an active probe without readable progress. Return None for all other
    imports.

    No event comes at that time, and all other imports of the host wait for the probe.
    """
    probes = status.host_backoff is not None and status.host_backoff.probing and has_active_run(status)
    return context.silent_until if probes else None


def _stop_probe_that_cannot_start(status: VideoImportStatus, record: HostBackoff) -> HostBackoff:
    """Return the record without ``probing`` if the run cannot start, so that another import can probe. Otherwise all
    imports of the host would wait for a node together with this import."""
    stuck = status.reason is not None and info(status.reason).retry is RetryClass.WAITING
    stops = record.probing and (stuck or status.phase is VideoPhase.QUEUED)
    return record.model_copy(update={"probing": False}) if stops else record


def _has_succeeded(context: HostContext, status: VideoImportStatus) -> bool:
    """Return whether the host served the run. One proof is that the download is done or has lasted for the shortest
    backoff. Other proofs are that the worker has run for twice that time, or that the run ended with a finding about
    the host's data."""
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
    """Return the host of a VideoImport's source. Return None for a volume."""
    return find_source_host(video.spec.source)


def find_source_host(source: VideoSource) -> str | None:
    """Return the host of a source. Return None for a volume."""
    if source.s3 is not None:
        return find_store_host(source.s3.endpoint, source.s3.bucket)
    return parse_host(source.url) if source.url is not None else None


def find_list_host(source: BulkSource) -> str | None:
    """Return the host of a BulkImport's list. Return None for a list from the spec or from a ConfigMap."""
    if source.s3 is not None:
        return find_store_host(source.s3.endpoint, source.s3.bucket)
    if source.manifest is not None and source.manifest.s3 is not None:
        return find_store_host(source.manifest.s3.endpoint, source.manifest.s3.bucket)
    url = source.playlist.url if source.playlist else source.manifest.url if source.manifest else None
    return parse_host(url) if url is not None else None


def find_store_host(endpoint: str | None, bucket: str) -> str | None:
    """Return the host of a bucket. On AWS, each bucket counts as a separate host, because AWS limits the request
    rate of each bucket separately."""
    return f"{bucket}.s3.amazonaws.com" if endpoint is None else parse_host(endpoint)


def parse_host(url: str) -> str | None:
    """Return the host of a URL without ``www.``, or None if the URL has no host."""
    try:
        host = urlsplit(url).hostname
    except ValueError:
        return None
    return host.removeprefix("www.")[:_MAX_HOST] if host else None
