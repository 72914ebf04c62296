"""Jobs that are no longer needed: those whose run is recorded in the status that was observed, not only planned."""

from videoimport.core.jobs.run_end import retire
from videoimport.core.lifecycle import under_way
from videoimport.core.observed import JobView
from videoimport.core.plan import Action
from videoimport.core.video.context import Scene


def tidying(scene: Scene) -> tuple[Action, ...]:
    """Finished ones get their TTL, unfinished ones go at once."""
    recorded = [job for job in scene.jobs if _recorded(scene, job)]
    return tuple(action for job in recorded for action in retire(job, scene.pods_of(job), scene.settings))


def _recorded(scene: Scene, job: JobView) -> bool:
    return job.run < scene.run or (job.run == scene.run and not under_way(scene.status))
