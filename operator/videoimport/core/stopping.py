"""What still runs of an import, and how it is asked to end: the same for a cancelled and a suspended one."""

from videoimport.core.plan import Delete
from videoimport.core.scene import Scene

_OVER = ("Succeeded", "Failed")


def still_running(scene: Scene) -> bool:
    """Whether a Job or a pod of it has not ended."""
    jobs = any(not job.finished for job in scene.jobs)
    return jobs or any(pod.phase not in _OVER for pod in scene.observed.pods)


def deletions(scene: Scene) -> tuple[Delete, ...]:
    """Of the Jobs that have not ended; those on their way out are left alone."""
    jobs = (job for job in scene.jobs if not job.finished and not job.deleting)
    return tuple(Delete("Job", job.namespace, job.name, job.uid) for job in jobs)
