"""When a run has ended: with its Job, or with its container ``worker``, whatever else its pod runs.

A service mesh adds a container that never ends. Its pod stays Running, and its Job finishes at its deadline only. So
the end of the worker is the end of the run, and a Job that another container keeps unfinished is deleted once the
result is recorded.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from videoimport.api.reasons import Reason, reason_of_exit_code
from videoimport.core.observed import JobView, PodView
from videoimport.core.plan import Delete, Patch
from videoimport.core.settings import Settings

SETTLE = timedelta(seconds=60)
"""After a stop, or a crash without a report. The kubelet writes a container's end before it writes that it evicted the
pod, and that only once all containers have ended: at most ``terminationGracePeriodSeconds`` (30) later."""
_FINAL_PHASES = ("Succeeded", "Failed")


def has_ended(job: JobView, pods: Iterable[PodView], now: datetime) -> bool:
    """Return whether the run's result is known. Of a Job that is being deleted, or that a queue holds back, only an
    exit code of 0 counts: the queue (Kueue) takes pods away and starts the same Job again."""
    pods = tuple(pods)
    if job.finished or not pods:
        return job.finished is not None
    if any(pod.exit_code == 0 for pod in pods):
        return all(map(is_over, pods))
    return not (job.deleting or job.suspended) and all(_has_failed(pod, now) for pod in pods)


def find_settle_time(job: JobView, pods: Iterable[PodView], now: datetime) -> datetime | None:
    """Return when a crash counts as the end of the run although nothing more is reported; None if that is not ahead."""
    if job.finished or job.deleting or job.suspended:
        return None
    moments = [pod.ended_at + SETTLE for pod in pods if pod.exit_code and pod.ended_at and not pod.deleting]
    return min((moment for moment in moments if moment > now), default=None)


def is_active(job: JobView, pods: Iterable[PodView]) -> bool:
    """Return whether a worker of this Job may still run or start: until the Job has finished, or its worker has ended
    and the Job is being deleted or only another container keeps it from finishing."""
    pods = tuple(pods)
    if job.finished or not pods or not all(map(is_over, pods)):
        return not job.finished
    return not job.deleting and not any(map(is_held_open, pods))


def is_over(pod: PodView) -> bool:
    """Return whether the pod's worker has ended, or will never start."""
    return pod.phase in _FINAL_PHASES or pod.exit_code is not None


def is_held_open(pod: PodView) -> bool:
    """Return whether another container keeps the pod of a worker that has ended."""
    return pod.exit_code is not None and pod.phase not in _FINAL_PHASES and bool(pod.companions)


def retire(job: JobView, pods: Iterable[PodView], settings: Settings) -> tuple[Delete | Patch, ...]:
    """Return what removes a Job whose result is recorded, or not wanted. A finished one stays for its log until its TTL
    is over. One whose worker has ended is about to finish, unless another container keeps its pod."""
    if job.deleting:
        return ()
    if job.finished:
        ttl = {"ttlSecondsAfterFinished": settings.job_ttl // timedelta(seconds=1)}
        return () if job.expires else (Patch("Job", job.namespace, job.name, job.uid, {"spec": ttl}),)
    pods = tuple(pods)
    ends_by_itself = bool(pods) and all(is_over(pod) and not is_held_open(pod) for pod in pods)
    return () if ends_by_itself and not job.suspended else delete_jobs((job,))


def delete_jobs(jobs: Iterable[JobView]) -> tuple[Delete, ...]:
    """Delete the Jobs, and their pods with them. Those that are being deleted already are left alone."""
    return tuple(Delete("Job", job.namespace, job.name, job.uid) for job in jobs if not job.deleting)


def _has_failed(pod: PodView, now: datetime) -> bool:
    """A pod that is being deleted keeps nothing open: its Job finishes with it, and has more to say."""
    if pod.exit_code is None or pod.deleting:
        return False
    if pod.phase in _FINAL_PHASES or pod.oom_killed or _has_cause(pod):
        return True
    return pod.ended_at is not None and now >= pod.ended_at + SETTLE


def _has_cause(pod: PodView) -> bool:
    """Whether the worker knows why it ended. One that was told to stop does not: perhaps its pod is being evicted."""
    reason = reason_of_exit_code(pod.exit_code) if pod.exit_code else None
    return reason is not Reason.WORKER_LOST and bool(reason or pod.termination_message)
