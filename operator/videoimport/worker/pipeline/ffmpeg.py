"""Runs of ffmpeg that make the requested files from a source."""

import os
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from videoimport.api.output_options import Output
from videoimport.api.reasons import Reason
from videoimport.media.source.decoders import CODECS_ARGV
from videoimport.media.source.packet_scan import Track, declared
from videoimport.media.transcode import command, progress
from videoimport.media.transcode.encoder_arguments import QUIET
from videoimport.media.transcode.job import Inputs, Job, audio_delay, offset
from videoimport.media.transcode.mp4_codecs import why_not_held
from videoimport.media.transcode.output_files import Target, targets_of
from videoimport.media.transcode.plan import Picture, Sound, TranscodePlan, decide
from videoimport.worker.runtime import disk_space as disks
from videoimport.worker.runtime.errors import ImportFailure, refuse
from videoimport.worker.runtime.subprocesses import Child, Children, Ended
from videoimport.worker.source.files import Sources
from videoimport.worker.source.probe import Examined, words

__all__ = ["HeadTooSmall", "Inputs", "Job", "Target", "prepare", "require", "run", "targets"]


class HeadTooSmall(Exception):  # noqa: N818 — no error: it is made again, staged
    """Raised when the space reserved for an index was too small. The file and its uploaded bytes cannot be used."""


def prepare(
    video: Examined,
    audio: Examined,
    sources: Sources,
    output: Output,
    *,
    is_tolerant: bool = False,
    url: str | None = None,
    seekable: bool = False,
    mended: str = "",
) -> Job:
    """Choose the streams and plan the job. ``audio`` is the same object as ``video`` if one file has both.

    ``url`` replaces the path of the video's file as ffmpeg's input. ``mended`` explains why the file at ``url``
    replaces the source. If the video's packets were not read, the plan uses the values in the header of the video.
    ``Job.agrees_with`` later compares this plan with the plan from the packets. Raises ImportFailure
    UNSUPPORTED_FORMAT if a stream must be copied but an MP4 file cannot contain it.
    """
    chosen, heard = video.media.video, audio.media.audio
    assert chosen is not None, "a source without video was refused"  # noqa: S101
    picture = Picture(chosen, _track(video, chosen.index))
    sound = _sound(audio, output) if heard else None
    if output.mode == "Remux":
        refuse(why_not_held(picture, sound))
    place = url or str(video.path)
    apart = sources.audio if sound and audio is not video else None
    delay = audio_delay(video.media, audio.media) if apart else 0.0
    starts = (video.media.start, audio.media.start)
    plan = decide(picture, sound, output)
    return Job(
        plan=plan if plan.is_original else replace(plan, why=_why(plan, video.joined, mended)),
        picture=picture,
        sound=sound,
        inputs=Inputs(place, str(audio.path) if apart else place, delay, seekable),
        output=output,
        offset=offset(picture, sound, starts, delay) if sound else 0.0,
        is_tolerant=is_tolerant,
        demuxer=audio.media.demuxer,
        mended=mended,
        is_damaged=any(file.damage for file in (video, audio)),
        parts=max(1, len(video.parts) - 1, len(audio.parts) - 1),
        places=() if mended else video.parts,
        begins_open=_track(video, chosen.index).begins_open,
        promised=(_promised(video, chosen.index), _promised(audio, heard.index) if heard else 0.0),
        title=video.media.title,
    )


def _why(plan: TranscodePlan, *more: str) -> str:
    """Return the reason of the plan, then the changes that were made to the source before."""
    return "; ".join((plan.why, *(told for told in more if told and told not in plan.why)))[:256]


def _sound(examined: Examined, output: Output) -> Sound:
    """Return the chosen audio. Audio whose two sides are in two tracks becomes stereo, but a copy keeps its
    one track."""
    choice = examined.media.choice
    assert choice.audio is not None, "asked only where there is sound"  # noqa: S101
    track = _track(examined, choice.audio.index)
    if choice.second is None or output.mode in ("Remux", "Original"):
        return Sound(choice.audio, track)
    return Sound(replace(choice.audio, channels=2), track, choice.second)


def _promised(examined: Examined, index: int) -> float:
    return declared(examined.media).get(index, Track()).seconds


def _track(examined: Examined, index: int) -> Track:
    return examined.track(index) if examined.tracks else declared(examined.media).get(index, Track())


def targets(job: Job, folder: Path, *, growing: bool = False) -> tuple[Target, ...]:
    """Return the files to make in ``folder``, with the video first. If only the unchanged source is wanted, the
    result is empty. ``growing`` means that the files are uploaded while ffmpeg writes them. Then space for the index
    is reserved at the start of each file."""
    made = targets_of(job.plan, job.picture, job.sound, job.output, str(folder), growing=growing)
    for target in made:
        Path(target.path).parent.mkdir(parents=True, exist_ok=True)
    return made


def require(children: Children, encoders: frozenset[str], filters: frozenset[str] = frozenset()) -> None:
    """Raise ImportFailure ENCODER_UNAVAILABLE if this ffmpeg lacks a needed encoder or filter."""
    lists = ((CODECS_ARGV, command.encoders_of, encoders), (command.FILTERS_ARGV, command.filters_of, filters))
    for argv, names_of, needed in lists:
        missing = needed - names_of(children.ask(argv).stdout) if needed else frozenset()
        if missing:
            message = f"The worker image's ffmpeg has no {', '.join(sorted(missing))}."
            advice = "Use a worker image whose ffmpeg has it, or another output."
            raise ImportFailure(Reason.ENCODER_UNAVAILABLE, message, advice=advice)


def start(children: Children, job: Job, targets: tuple[Target, ...]) -> Child:
    """Start ffmpeg and return the process, which the caller may kill. Raises ImportFailure ENCODER_UNAVAILABLE."""
    require(children, command.needed_encoders(job, targets), command.needed_filters(job, targets))
    child = children.start(command.transcode_argv(job, targets), env={**os.environ, **QUIET})
    child.tell("")
    return child


def follow(child: Child, job: Job, reached: Callable[[int], None]) -> Ended:
    """Wait until ffmpeg ends. Meanwhile, call ``reached`` with the progress in whole percent."""
    for seconds in progress.output_seconds(child.lines()):
        reached(progress.percent(seconds, job.picture.track.seconds))
    return child.ended()


def run(children: Children, job: Job, targets: tuple[Target, ...], reached: Callable[[int], None]) -> str:
    """Make the files and return ffmpeg's messages about tolerated damage. Raises ImportFailure or HeadTooSmall."""
    if not targets:
        return ""
    return concluded(children, job, targets, follow(start(children, job, targets), job, reached))


def concluded(children: Children, job: Job, targets: tuple[Target, ...], ended: Ended) -> str:
    """Return ffmpeg's messages about tolerated damage. Raises the exceptions of ``run`` if ffmpeg failed."""
    if is_clean(job, ended):
        return ""
    if command.head_overflowed(ended.stderr):
        raise HeadTooSmall
    if job.is_tolerant and ended.code == 0:
        return words(ended.stderr, Path(job.inputs.video_path))
    raise _failure(children, job, ended, targets)


_LOST_LEADING = re.compile(r"^\[h264 @ \w+\] mmco: unref short failure\n( +Last message repeated \d+ times\n)?", re.M)
"""Matches an error about an H.264 frame that refers to a frame that the decoder has not read.

Frames after missing leading frames cause this error.
"""


def is_clean(job: Job, ended: Ended) -> bool:
    """Return whether ffmpeg reported no errors. If the job expects errors about missing leading frames, these errors
    are ignored."""
    told = _LOST_LEADING.sub("", ended.stderr) if job.begins_open else ended.stderr
    return replace(ended, stderr=told).clean


def _failure(children: Children, job: Job, ended: Ended, targets: tuple[Target, ...]) -> ImportFailure:
    """Return SCRATCH_FULL for a full disk, SOURCE_CORRUPT if the source does not decode without errors, or
    TRANSCODE_FAILED."""
    if any(os.strerror(number) in ended.stderr for number in disks.FULL):
        made = [Path(target.path) for target in targets]
        size = sum(path.stat().st_size for path in made if path.exists())
        return disks.scratch_full(made[0].parent, f"{size} bytes of the results are there")
    for path in job.inputs.paths:
        streams = command.imported_streams(job, path)
        damaged = children.run(command.decode_argv(path, keyframes_only=False, streams=streams))
        if not is_clean(job, damaged):
            return corrupt(words(damaged.stderr, Path(path)))
    told = words(ended.stderr, Path(targets[0].path))
    return ImportFailure(Reason.TRANSCODE_FAILED, f"ffmpeg ended with code {ended.code}: {told}")


def corrupt(told: str) -> ImportFailure:
    """Return the failure for a source that ffmpeg cannot decode. ``told`` has ffmpeg's messages."""
    return ImportFailure(Reason.SOURCE_CORRUPT, f"The source is damaged: ffmpeg reports: {told}")
