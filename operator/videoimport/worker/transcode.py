"""Running ffmpeg: from a source to one MP4 in scratch, or a reason why not."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from videoimport.api.output import Output
from videoimport.api.reasons import Reason
from videoimport.media import command, progress
from videoimport.media.command import Inputs
from videoimport.media.plan import Picture, Plan, Sound, decide
from videoimport.worker.errors import ImportFailure
from videoimport.worker.examine import Examined, words
from videoimport.worker.processes import Children, Ended
from videoimport.worker.source import Sources


@dataclass(frozen=True, slots=True)
class Job:
    """A decided transcode."""

    plan: Plan
    picture: Picture
    sound: Sound | None
    inputs: Inputs
    output: Output


def prepare(video: Examined, audio: Examined, sources: Sources, output: Output) -> Job:
    """Choose the streams and decide what happens to them; ``audio`` is the same file where one has both."""
    chosen, heard = video.media.video, audio.media.audio
    assert chosen is not None, "a source without video was refused"  # noqa: S101
    picture = Picture(chosen, video.track(chosen.index))
    sound = Sound(heard, audio.track(heard.index)) if heard else None
    paths = Inputs(str(sources.video.path), str((sources.audio or sources.video).path))
    return Job(decide(picture, sound, output), picture, sound, paths, output)


def require(children: Children, encoders: frozenset[str], filters: frozenset[str] = frozenset()) -> None:
    """Raises ImportFailure ENCODER_UNAVAILABLE for what this ffmpeg was not built with."""
    for argv, wanted in ((command.ENCODERS_ARGV, encoders), (command.FILTERS_ARGV, filters)):
        missing = wanted - command.listed_names(children.run(argv).stdout) if wanted else frozenset()
        if missing:
            message = f"The worker image's ffmpeg has no {', '.join(sorted(missing))}; use an image whose ffmpeg has."
            raise ImportFailure(Reason.ENCODER_UNAVAILABLE, message)


def run(children: Children, job: Job, target: Path, reached: Callable[[int], None]) -> None:
    """Make the file; ``reached`` hears of whole percents. Raises ImportFailure."""
    needed = command.needed_encoders(job.plan, job.sound), command.needed_filters(job.plan, job.picture)
    require(children, *needed)
    argv = command.transcode_argv(job.plan, job.picture, job.sound, job.output, job.inputs, str(target))
    child = children.start(argv)
    child.tell("")
    for seconds in progress.output_seconds(child.lines()):
        reached(progress.percent(seconds, job.picture.track.seconds))
    ended = child.ended()
    if not ended.clean:
        raise _failure(children, job, ended, target)


def _failure(children: Children, job: Job, ended: Ended, target: Path) -> ImportFailure:
    """The source's fault when it does not decode cleanly either, else ours."""
    if "No space left on device" in ended.stderr:
        size = target.stat().st_size if target.exists() else 0
        message = f"There is no room in scratch for the result (after {size} bytes); raise worker.scratch.size."
        return ImportFailure(Reason.SCRATCH_FULL, message)
    for path in job.inputs.paths:
        damaged = children.run(command.decode_argv(path, keyframes_only=False))
        if not damaged.clean:
            return corrupt(words(damaged.stderr, Path(path)))
    return ImportFailure(Reason.TRANSCODE_FAILED, f"ffmpeg ended with code {ended.code}: {words(ended.stderr, target)}")


def corrupt(told: str) -> ImportFailure:
    """The failure for a source that does not decode."""
    return ImportFailure(Reason.SOURCE_CORRUPT, f"The source is damaged; get an undamaged copy. ffmpeg says: {told}")
