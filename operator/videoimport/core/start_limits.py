"""What one import means to others: its place among those that run, and what it reports of its host.

Owners are served in turn: first the one with the fewest running, then the one that has waited longest. A BulkImport is
one owner, whatever its size, and so is each import that no BulkImport created.

A run that cannot start (no node fits it, its queue has not admitted it) counts for its owner and its namespace, whose
own fault it nearly always is, and takes no place of the cluster. There may be as many of them again, so that a cluster
without room for more pods does not get them without end.
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from videoimport.api.bulkimport import BulkImport
from videoimport.api.bulkimport_status import BulkPhase
from videoimport.api.reasons import Reason, RetryClass, info
from videoimport.api.videoimport import VideoImport
from videoimport.api.videoimport_status import HostBackoff, VideoImportStatus, VideoPhase
from videoimport.core.circuit_breaker import find_host, find_list_host
from videoimport.core.names_and_owners import find_quota_owner
from videoimport.core.video_status import ENDED, has_active_run

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Limits:
    """Most imports that run."""

    cluster: int = 500
    namespace: int = 0
    """0 for no limit but the cluster's."""


DEFAULT = Limits()
Turn = tuple[datetime, str]
"""Among the imports of one owner the least goes first."""


@dataclass(frozen=True, slots=True)
class AdmissionState:
    """How an import counts for the limits."""

    owner: str
    """UID of its BulkImport, or its own."""
    holds: bool
    """It counts as running."""
    waits: bool
    """It is ready to run, and waits only for the limits."""
    turn: Turn = (_LONG_AGO, "")
    stuck: bool = False
    """It counts as running, but its run cannot start, as far as the status shows."""


@dataclass(frozen=True, slots=True)
class HostReport:
    """What one import, or the listing of one BulkImport, contributes to a breaker."""

    host: str
    record: HostBackoff | None = None
    pause: datetime | None = None
    """Until when a listing must not contact the host; needs no probe afterwards."""
    probes: bool = False
    waits: bool = False
    """Only the breaker keeps it from running."""
    starts: bool = False
    """Its run is decided and has not contacted the host yet, as far as the status shows."""


def describe_import(video: VideoImport, *, working: bool) -> tuple[AdmissionState, HostReport | None]:
    """Return what an import means for the limits, and its report to the breaker of its host; None for most.
    ``working``: a Job of it has not ended, whatever its status says."""
    active = has_active_run(video.status)
    report = _report_host(video, working=working, active=active)
    return _find_admission_state(video, working=working, active=active), report


def _find_admission_state(video: VideoImport, *, working: bool, active: bool) -> AdmissionState:
    meta, owner = video.metadata, find_quota_owner(video.metadata)
    wanted = meta.deletion_timestamp is None and not (video.spec.cancel or video.spec.suspend)
    holds = working or (active and meta.deletion_timestamp is None)
    waits = wanted and not holds and video.status.phase is VideoPhase.QUEUED and video.status.job is None
    turn = meta.creation_timestamp or _LONG_AGO, meta.uid
    return AdmissionState(owner, holds, waits, turn, stuck=holds and active and _is_stuck(video.status))


def _is_stuck(status: VideoImportStatus) -> bool:
    """Before its first progress report, a run is Queued only while its queue or the scheduler holds it back."""
    if status.stages:
        return False
    held_up = status.reason is not None and info(status.reason).retry is RetryClass.WAITING
    return held_up or status.phase is VideoPhase.QUEUED


def _report_host(video: VideoImport, *, working: bool, active: bool) -> HostReport | None:
    record = video.status.host_backoff
    starts = active and not video.status.stages
    if record is None and not starts and video.status.reason is not Reason.RATE_LIMITED:
        return None
    host = find_host(video)
    if host is None:
        return None
    if record is not None and record.host != host:  # the source changed since
        record = None
    deleting = video.metadata.deletion_timestamp is not None
    probes = record is not None and record.probing and (working or (active and not deleting))
    return HostReport(host, record, probes=probes, waits=waits_for_host(video), starts=starts)


def report_listing_host(bulk: BulkImport) -> HostReport | None:
    """Return the report of a listing that waits after RateLimited; it never probes for imports. A listing that does not
    continue reports nothing: nothing would ever replace its record."""
    discovery = bulk.status.discovery
    stopped = bulk.spec.suspend or bulk.spec.cancel or bulk.metadata.deletion_timestamp is not None
    finished = bulk.status.phase in (BulkPhase.COMPLETED, BulkPhase.FAILED, BulkPhase.CANCELLED)
    if discovery is None or discovery.reason is not Reason.RATE_LIMITED or stopped or finished:
        return None
    host, until = find_list_host(bulk.spec.source), discovery.attempts.next_retry_time
    return HostReport(host, pause=until) if host is not None and until is not None else None


def waits_for_host(video: VideoImport) -> bool:
    """Whether only the breaker of its host keeps an import from running."""
    status = video.status
    between = status.attempts is not None and status.attempts.next_retry_time is not None
    return between and status.reason is Reason.RATE_LIMITED and status.phase not in ENDED


def describe_full_cluster(limits: Limits) -> str:
    """Why there is no room."""
    return f"{limits.cluster} imports run in the cluster, as many as maxRunning allows"


def describe_stuck_cluster(limits: Limits) -> str:
    """Why there is no room."""
    return f"{2 * limits.cluster} imports run in the cluster or cannot start, twice as many as maxRunning allows to run"


def describe_full_namespace(limits: Limits) -> str:
    """Why there is no room."""
    return f"{limits.namespace} imports run in this namespace, as many as maxRunningPerNamespace allows"


def describe_full_bulk(parallelism: int) -> str:
    """Why there is no room."""
    return f"{parallelism} imports of its BulkImport run, as many as its parallelism allows"
