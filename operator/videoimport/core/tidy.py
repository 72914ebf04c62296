"""Jobs that are no longer needed: those whose run is recorded in the status that was observed, not only planned."""

from datetime import timedelta

from videoimport.core.lifecycle import under_way
from videoimport.core.observe import JobView
from videoimport.core.plan import Action, Delete, Patch
from videoimport.core.scene import Scene


def tidying(scene: Scene) -> tuple[Action, ...]:
    """Finished ones get their TTL, unfinished ones go at once."""
    actions = (_action(scene, job) for job in scene.jobs if _recorded(scene, job) and not job.deleting)
    return tuple(action for action in actions if action)


def _recorded(scene: Scene, job: JobView) -> bool:
    return job.run < scene.run or (job.run == scene.run and not under_way(scene.status))


def _action(scene: Scene, job: JobView) -> Action | None:
    if not job.finished:
        return Delete("Job", job.namespace, job.name, job.uid)
    if job.expires:
        return None
    seconds = scene.settings.job_ttl // timedelta(seconds=1)
    return Patch("Job", job.namespace, job.name, job.uid, {"spec": {"ttlSecondsAfterFinished": seconds}})
