"""How many imports may run at the same time, and which is next: the facts about one import, and the messages. Owners
are served in turn: first the owner with the fewest running imports, then the one that has waited longest. A BulkImport
is one owner, whatever its size, and so is each import without a BulkImport.

Some runs cannot start: no node fits, or a queue has not admitted them. Such a run counts for its owner and its
namespace, which nearly always caused it. It takes no other's place in the cluster. There may be as many of them again,
so that a full cluster does not get pods without limit."""

from dataclasses import dataclass
from datetime import UTC, datetime

from videoimport.api.reasons import RetryClass, info
from videoimport.api.videoimport import VideoImport
from videoimport.api.videoimport_status import VideoImportStatus, VideoPhase
from videoimport.core.lifecycle import has_active_run
from videoimport.core.owned_objects import find_quota_owner

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


def find_admission_state(video: VideoImport, *, working: bool) -> AdmissionState:
    """``working``: a Job of it has not ended, whatever its status is."""
    meta, owner = video.metadata, find_quota_owner(video.metadata)
    wanted = meta.deletion_timestamp is None and not (video.spec.cancel or video.spec.suspend)
    holds = working or (has_active_run(video.status) and meta.deletion_timestamp is None)
    waits = wanted and not holds and video.status.phase is VideoPhase.QUEUED and video.status.job is None
    turn = meta.creation_timestamp or _LONG_AGO, meta.uid
    return AdmissionState(owner, holds, waits, turn, stuck=holds and _is_stuck(video.status))


def _is_stuck(status: VideoImportStatus) -> bool:
    """Before its first progress report, a run is Queued only while its queue or the scheduler holds it back."""
    if not has_active_run(status) or status.stages:
        return False
    held_up = status.reason is not None and info(status.reason).retry is RetryClass.WAITING
    return held_up or status.phase is VideoPhase.QUEUED


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
