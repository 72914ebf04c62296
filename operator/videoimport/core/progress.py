"""From a worker's stages to one percentage, one phase and one estimate of the time left."""

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
"""In the order in which a run goes through them."""
_ALMOST = 99
_SENSIBLE_PERCENT = 3
_SENSIBLE_TIME = timedelta(seconds=10)

Stages = tuple[Stage, ...]


def compute_percent(stages: Stages) -> int:
    """0 to 99, weighted by the mode. Until the mode is known it is the lower of the two, so that it never falls."""
    mode = next((stage.mode for stage in stages if stage.mode in _WEIGHTS), None)
    modes = (mode,) if mode else tuple(_WEIGHTS)
    return min(_ALMOST, *(_weigh(stages, _WEIGHTS[mode]) for mode in modes))


def _weigh(stages: Stages, weights: dict[StageName, int]) -> int:
    percents = ((stage.name, 100 if stage.state == "Done" else stage.percent) for stage in stages)
    return sum(weights.get(name, 0) * percent for name, percent in percents) // 100


def find_phase(stages: Stages) -> VideoPhase:
    """The phase of the earliest unfinished stage; Finalizing once all are done."""
    open_stages = [stage.name for stage in stages if stage.state != "Done"]
    return _PHASES[open_stages[0]] if open_stages else VideoPhase.FINALIZING


def select_later_phase(one: VideoPhase, other: VideoPhase) -> VideoPhase:
    """The later of two phases of one run: stages may start over within it, phases do not."""
    return max(one, other, key=RUNNING_PHASES.index)


def estimate_eta_seconds(percent: int, elapsed: timedelta) -> int | None:
    """The time left if it continues at the same pace; None while that would be a wild guess."""
    if percent < _SENSIBLE_PERCENT or elapsed < _SENSIBLE_TIME:
        return None
    return round(elapsed.total_seconds() * (100 - percent) / percent)


def compute_active_time(stages: Stages, since_made: timedelta) -> timedelta:
    """How long the run has worked: since its Job was made, but no longer than the time of its stages. The Job may have
    waited for a node. (Their sum is too much where they overlap; the lesser of both is near.)"""
    told = sum(stage.seconds or 0 for stage in stages)
    return min(since_made, timedelta(seconds=told)) if told else since_made
