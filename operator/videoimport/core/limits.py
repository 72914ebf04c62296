"""How many imports may run at the same time, and who goes next: facts about one import, and words. Owners are served
in turn: first who has the fewest running, then who has waited longest. A BulkImport is one owner, whatever its size,
and so is each import that nobody's bulk made."""

from dataclasses import dataclass
from datetime import UTC, datetime

from videoimport.api.labels import BULK_KIND
from videoimport.api.status import VideoImportStatus, VideoPhase
from videoimport.api.videoimport import VideoImport
from videoimport.core.lifecycle import under_way

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
class Standing:
    """What an import means for the limits."""

    owner: str
    """UID of its BulkImport, or its own."""
    holds: bool
    """It has a place among those that run."""
    waits: bool
    """It wants one, and waits for nothing else."""
    turn: Turn = (_LONG_AGO, "")


def standing_of(video: VideoImport, *, working: bool) -> Standing:
    """``working``: a Job of it has not ended, whatever its status says."""
    meta = video.metadata
    owner = next((o.uid for o in meta.owner_references if o.controller and o.kind == BULK_KIND), meta.uid)
    wanted = meta.deletion_timestamp is None and not (video.spec.cancel or video.spec.suspend)
    holds = working or (under_way(video.status) and meta.deletion_timestamp is None)
    return Standing(
        owner, holds, wanted and not holds and _queued(video.status), (meta.creation_timestamp or _LONG_AGO, meta.uid)
    )


def _queued(status: VideoImportStatus) -> bool:
    return status.phase is VideoPhase.QUEUED and status.job is None


def full_cluster(limits: Limits) -> str:
    """Why there is no room."""
    return f"{limits.cluster} imports run in the cluster, as many as maxRunning allows"


def full_namespace(limits: Limits) -> str:
    """Why there is no room."""
    return f"{limits.namespace} imports run in this namespace, as many as maxRunningPerNamespace allows"


def full_bulk(parallelism: int) -> str:
    """Why there is no room."""
    return f"{parallelism} imports of its BulkImport run, as many as its parallelism allows"
