"""Hosts that ask for fewer requests: all imports from there wait, whoever was told, until one gets through."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from videoimport.api.reasons import Reason, RetryClass, info
from videoimport.api.videoimport_status import HostRest, StageName, VideoImportStatus, VideoPhase
from videoimport.core.circuit_breaker import answered, host_of, pushed_back, starting
from videoimport.core.lifecycle import ended, under_way
from videoimport.core.messages import clock
from videoimport.core.progress import is_done
from videoimport.core.retry_policy import jitter
from videoimport.core.video.context import Scene

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
class Wait:
    """For a host."""

    host: str
    until: datetime
    """When the host has rested."""
    again_at: datetime | None
    """When this import looks again by itself; None while another one tries."""

    @property
    def words(self) -> str:
        """For people."""
        return f"No import contacts {self.host} until {clock(self.until)}, then one tries first"


def wait_for_host(scene: Scene) -> Wait | None:
    """What a run of this import would have to wait for; None when it may start. Who waits comes back in an order that
    differs from time to time, those last that were told to go: the first that can start is the one that tries."""
    host = scene.observed.host
    if host is None:
        return None
    if host.tried:
        return Wait(host.name, host.until, None)
    spread = scene.settings.host_rest.total_seconds() * _SPREAD / 2
    told = scene.status.host_rest is not None and scene.status.host_rest.failures > 0
    turn = host.until + timedelta(seconds=int(spread * (told + jitter(scene.video.metadata.uid, host.failures))))
    return Wait(host.name, host.until, turn) if scene.now < turn else None


def told(scene: Scene, asked: int | None) -> HostRest:
    """What an import whose run ended with RateLimited knows of its host."""
    host = host_of(scene.video) or ""
    return pushed_back(host, _own(scene), scene.observed.host, scene.now, scene.settings, asked)


def at_start(scene: Scene) -> HostRest | None:
    """What an import whose run starts now knows of its host."""
    return starting(host_of(scene.video) or "", _own(scene), scene.observed.host, scene.now)


def remembered(scene: Scene, status: VideoImportStatus) -> HostRest | None:
    """What is to stand of it in this status, where that says nothing new of it."""
    record = status.host_rest
    if record is None or record is not scene.status.host_rest:
        return record
    if (record.probing or not record.failures) and _got_through(scene, status):
        return answered(record.host, scene.now) if record.probing else _answer(record)
    if under_way(status):
        return _given_way(status, record)
    void = scene.observed.host is None or _own(scene) is None
    return _past(scene, status, record) if record.failures and void else record


def through_at(scene: Scene, status: VideoImportStatus) -> datetime | None:
    """When a try that says nothing is to be looked at again, since nothing else would tell: all others wait for it."""
    tries = status.host_rest is not None and status.host_rest.probing and under_way(status)
    return _silent_until(scene) if tries else None


def _silent_until(scene: Scene) -> datetime | None:
    begun = [pod.running_since for pod in (scene.pods_of(scene.job) if scene.job else ()) if pod.running_since]
    return max(begun) + _SILENT * scene.settings.host_rest if begun else None


def _answer(record: HostRest) -> HostRest | None:
    """Since when it waited is of no interest any more; that the host answered is."""
    return None if record.since else record


def _given_way(status: VideoImportStatus, record: HostRest) -> HostRest:
    """A try that cannot start at all, or everybody would wait for a node with it."""
    stuck = status.reason is not None and info(status.reason).retry is RetryClass.WAITING
    waits = record.probing and (stuck or status.phase is VideoPhase.QUEUED)
    return record.model_copy(update={"probing": False}) if waits else record


def _past(scene: Scene, status: VideoImportStatus, record: HostRest) -> HostRest | None:
    """The host has answered another import since; what is left is since when this one waits."""
    return None if ended(status) else starting(record.host, record, None, scene.now)


def _got_through(scene: Scene, status: VideoImportStatus) -> bool:
    """The download is done, or has lasted for as long as the host would have rested, or its worker has run for longer;
    or the run ended with a verdict on what the host gave."""
    if is_done(status.stages, StageName.DOWNLOAD) or status.phase is VideoPhase.COMPLETED:
        return True
    if under_way(status):
        silent_until = _silent_until(scene)
        return _has_fetched(scene, status) or (silent_until is not None and scene.now >= silent_until)
    reason = status.reason
    if reason is None or reason in _SAY_NOTHING or status.phase in (VideoPhase.SUSPENDED, VideoPhase.CANCELLED):
        return False
    return info(reason).retry in (RetryClass.PERMANENT, RetryClass.USER, RetryClass.RETRIED, RetryClass.LATER)


def _has_fetched(scene: Scene, status: VideoImportStatus) -> bool:
    flows = any(stage.name == StageName.DOWNLOAD and stage.bytes_done for stage in status.stages)
    return flows and scene.job is not None and scene.now - scene.job.created >= scene.settings.host_rest


def _own(scene: Scene) -> HostRest | None:
    """Its record, unless its source was mended meanwhile."""
    record = scene.status.host_rest
    return record if record is not None and record.host == host_of(scene.video) else None
