"""What is to be done for a VideoImport, given what there is: an ordered chain of cases, of which the first that fits
speaks. Nothing depends on which event came, or on anything but the observation, the time and the settings."""

from datetime import datetime

from videoimport.api.videoimport_status import VideoImportStatus
from videoimport.core.lifecycle import ended, wanted_again
from videoimport.core.observed import ObservedVideo
from videoimport.core.plan import PartialPlan, Plan
from videoimport.core.settings import Settings
from videoimport.core.video.active_run import going, mended_before_start, to_be_made
from videoimport.core.video.cancel import cancelled, cancelling
from videoimport.core.video.context import Scene, VideoPlan
from videoimport.core.video.finished_run import concluded, lost, queued, waiting
from videoimport.core.video.plan import finalize_plan
from videoimport.core.video.start_run import called_back, start_first_run
from videoimport.core.video.suspend import resuming, suspended, suspending


def reconcile_video(observed: ObservedVideo, now: datetime, settings: Settings) -> Plan[VideoImportStatus]:
    """The plan for one VideoImport. One that is being deleted is left alone: its Jobs go with it."""
    if observed.video.metadata.deletion_timestamp is not None:
        return Plan()
    scene = Scene(observed, now.replace(microsecond=0), settings)
    partials = (case(scene) for case in _CASES)
    return finalize_plan(scene, next((found for found in partials if found), PartialPlan(scene.status)))


def _untouched(scene: Scene) -> VideoPlan | None:
    if scene.status.phase is not None:
        return None
    if scene.spec.cancel:
        return cancelled(scene)
    return suspended(scene) if scene.spec.suspend else start_first_run(scene)


def _over(scene: Scene) -> VideoPlan | None:
    if not ended(scene.status):
        return None
    starts = wanted_again(scene.video) and not scene.spec.suspend
    return start_first_run(scene) if starts else PartialPlan(scene.status)


_CASES = (
    _untouched,
    _over,
    cancelling,
    suspending,
    resuming,
    waiting,
    queued,
    concluded,
    mended_before_start,
    lost,
    called_back,
    to_be_made,
    going,
)
