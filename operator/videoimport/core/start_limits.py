"""Admission: how each import counts toward the limits on running imports, and what each import reports about its host.

The start order is fair between owners. The owner with the fewest running imports starts the next import. If several
owners have the same number, the owner that has waited longest comes first. A BulkImport is one owner, whatever its
size. Each import that no BulkImport created is an owner too.

A run is stuck if no node fits the pod, or if the queue (Kueue) has not admitted the Job. The cause is nearly always
a setting of the owner or of the namespace. So a stuck run counts toward the limits of the owner and the namespace,
but not toward the cluster's limit. Running and stuck runs together are at most twice the cluster's limit. Otherwise
the controller would create pods without end in a full cluster.
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
    """Maximum numbers of running imports."""

    cluster: int = 500
    namespace: int = 0
    """Maximum in one namespace; 0 means that only the cluster's limit applies."""
    setting: str = "maxRunning"
    """Name of the setting of the cluster's limit, in messages."""
    scope: str = "in the cluster"
    """Where the cluster's limit applies, in messages."""


DEFAULT = Limits()
Turn = tuple[datetime, str]
"""Creation time and UID of an import. Among the imports of one owner, the smallest value goes first."""


@dataclass(frozen=True, slots=True)
class AdmissionState:
    """How an import counts toward the limits."""

    owner: str
    """UID of the import's BulkImport, or else of the import."""
    holds: bool
    """True if the import counts as running."""
    waits: bool
    """True if the import is ready to run and waits only for the limits."""
    turn: Turn = (_LONG_AGO, "")
    stuck: bool = False
    """True if the import counts as running, but the run cannot start, as far as the status shows."""


@dataclass(frozen=True, slots=True)
class HostReport:
    """The report of one import, or of the listing of one BulkImport, to the breaker of a host."""

    host: str
    record: HostBackoff | None = None
    pause: datetime | None = None
    """Time until which a listing must not contact the host. No probe is needed after that time."""
    probes: bool = False
    waits: bool = False
    """True if only the breaker keeps the import from running."""
    starts: bool = False
    """True if a run is decided and has not contacted the host yet, as far as the status shows."""


def describe_import(video: VideoImport, *, working: bool) -> tuple[AdmissionState, HostReport | None]:
    """Return how an import counts toward the limits, and its report to the breaker of its host. Most imports have no
    report (None). ``working`` means that a Job of the import has not ended, even if the import's status shows an
    end."""
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
    """Return whether the run cannot start. Before the first progress report, a run is Queued only while its queue or
    the scheduler holds the run back."""
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
    """Return the report of a listing that waits after RateLimited, or None for all other listings.

    A listing is never a probe for imports. A listing that does not continue has no report, because no later report
    would replace it.
    """
    discovery = bulk.status.discovery
    stopped = bulk.spec.suspend or bulk.spec.cancel or bulk.metadata.deletion_timestamp is not None
    finished = bulk.status.phase in (BulkPhase.COMPLETED, BulkPhase.FAILED, BulkPhase.CANCELLED)
    if discovery is None or discovery.reason is not Reason.RATE_LIMITED or stopped or finished:
        return None
    host, until = find_list_host(bulk.spec.source), discovery.attempts.next_retry_time
    return HostReport(host, pause=until) if host is not None and until is not None else None


def waits_for_host(video: VideoImport) -> bool:
    """Return whether only the breaker of the host keeps an import from running."""
    status = video.status
    between = status.attempts is not None and status.attempts.next_retry_time is not None
    return between and status.reason is Reason.RATE_LIMITED and status.phase not in ENDED


def describe_full_cluster(limits: Limits) -> str:
    """Return the message for an import that waits because the cluster's limit is reached."""
    return f"{limits.cluster} imports run {limits.scope}, as many as {limits.setting} allows"


def describe_stuck_cluster(limits: Limits) -> str:
    """Return the message for an import that waits because of the cluster's limit for running and stuck imports
    together."""
    count = 2 * limits.cluster
    return f"{count} imports run {limits.scope} or cannot start, twice as many as {limits.setting} allows to run"


def describe_full_namespace(limits: Limits) -> str:
    """Return the message for an import that waits because the namespace's limit is reached."""
    return f"{limits.namespace} imports run in this namespace, as many as maxRunningPerNamespace allows"


def describe_full_bulk(parallelism: int) -> str:
    """Return the message for an import that waits because the limit of its BulkImport (parallelism) is reached."""
    return f"{parallelism} imports of the same BulkImport are running, as many as its spec.parallelism allows"
