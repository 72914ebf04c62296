"""Progress of a run: one percentage, one phase and one estimate of the time left, from the stages of the worker."""

from datetime import timedelta

from videoimport.api.videoimport_status import Stage, StageMode, StageName, VideoPhase

_WEIGHTS: dict[StageMode, dict[StageName, int]] = {
    "Encode": {StageName.DOWNLOAD: 30, StageName.TRANSCODE: 50, StageName.UPLOAD: 20},
    "Remux": {StageName.DOWNLOAD: 60, StageName.TRANSCODE: 10, StageName.UPLOAD: 30},
    "Original": {StageName.DOWNLOAD: 60, StageName.TRANSCODE: 10, StageName.UPLOAD: 30},
}
_PHASES = {
    StageName.DOWNLOAD: VideoPhase.DOWNLOADING,
    StageName.TRANSCODE: VideoPhase.TRANSCODING,
    StageName.UPLOAD: VideoPhase.UPLOADING,
    StageName.FINALIZE: VideoPhase.FINALIZING,
}
RUNNING_PHASES = (VideoPhase.PENDING, VideoPhase.QUEUED, *_PHASES.values())
"""Phases of an unfinished run, in the order in which a run goes through them."""
_ALMOST = 99
_SENSIBLE_PERCENT = 3
_SENSIBLE_TIME = timedelta(seconds=10)

Stages = tuple[Stage, ...]


def compute_percent(stages: Stages) -> int:
    """Return the progress from 0 to 99 percent, weighted by the mode. Until the mode is known, the result is the lowest
    percentage of all modes. So the percentage never falls."""
    mode = next((stage.mode for stage in stages if stage.mode in _WEIGHTS), None)
    modes = (mode,) if mode else tuple(_WEIGHTS)
    return min(_ALMOST, *(_weigh(stages, _WEIGHTS[mode]) for mode in modes))


def _weigh(stages: Stages, weights: dict[StageName, int]) -> int:
    percents = ((stage.name, 100 if stage.state == "Done" else stage.percent) for stage in stages)
    return sum(weights.get(name, 0) * percent for name, percent in percents) // 100


def find_phase(stages: Stages) -> VideoPhase:
    """Return the phase of the earliest unfinished stage. Return Finalizing if all stages are done."""
    open_stages = [stage.name for stage in stages if stage.state != "Done"]
    return _PHASES[open_stages[0]] if open_stages else VideoPhase.FINALIZING


def select_later_phase(one: VideoPhase, other: VideoPhase) -> VideoPhase:
    """Return the later of two phases of one run. A stage may start again within a run, but the phase never returns to
    an earlier one."""
    return max(one, other, key=RUNNING_PHASES.index)


def estimate_eta_seconds(percent: int, elapsed: timedelta) -> int | None:
    """Return the estimated seconds left at the same pace. Return None while there is too little progress for an
    estimate."""
    if percent < _SENSIBLE_PERCENT or elapsed < _SENSIBLE_TIME:
        return None
    return round(elapsed.total_seconds() * (100 - percent) / percent)


def compute_active_time(stages: Stages, since_made: timedelta) -> timedelta:
    """Return how long the worker of the run has worked. The result is the time since the Job was made, but at most
    the sum of the stages' times.

    The Job may have waited for a node. The sum is too high if stages overlap. So the lower value is a good
    approximation.
    """
    told = sum(stage.seconds or 0 for stage in stages)
    return min(since_made, timedelta(seconds=told)) if told else since_made
