"""What still runs of an import, and how it is asked to end: the same for a cancelled and a suspended one."""

from videoimport.core.jobs.run_end import delete_jobs, is_active, is_over
from videoimport.core.plan import Delete
from videoimport.core.video.context import VideoContext


def has_active_jobs(context: VideoContext) -> bool:
    """Whether a worker of it may still run or start."""
    jobs = any(is_active(job, context.pods_of(job)) for job in context.jobs)
    return jobs or any(not is_over(pod) for pod in context.pods)


def delete_active_jobs(context: VideoContext) -> tuple[Delete, ...]:
    """Of the Jobs that have not ended; those on their way out are left alone."""
    return delete_jobs(job for job in context.jobs if not job.finished)
