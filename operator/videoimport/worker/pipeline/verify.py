"""Verification of the results before they are published: compare each result with its source, and decode the copied
streams."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

from videoimport.api.reasons import Reason
from videoimport.media.source import sound_length as hearing
from videoimport.media.transcode import command
from videoimport.media.transcode.job import Job
from videoimport.media.transcode.output_files import Target
from videoimport.media.verify import compare as verify
from videoimport.media.verify import picture_count
from videoimport.media.verify.compare import Compared
from videoimport.media.verify.picture_count import Count
from videoimport.media.verify.proof import DecodeProof, proof_of
from videoimport.worker.pipeline.ffmpeg import corrupt, is_clean
from videoimport.worker.runtime.errors import ImportFailure, refuse
from videoimport.worker.runtime.subprocesses import Children, Ended
from videoimport.worker.source.probe import Examined, examine, words


def verified(children: Children, job: Job, targets: tuple[Target, ...], complaint: str = "") -> dict[Target, Examined]:
    """Examine and verify the results. Raises ImportFailure VERIFICATION_FAILED, or SOURCE_CORRUPT if the source has the
    same damage.

    If only the unchanged source is kept, there are no results, and the source is decoded instead. ``complaint`` is the
    message that ``ffmpeg.run`` returned. If damage is tolerated, the result of a damaged source may be shorter. See
    ``verify.difference_of_damaged``.
    """
    if job.plan.is_original and not job.is_tolerant:
        _inputs_decode(children, job)
    heard = _heard(children, job) if targets else None
    count = cache(lambda: _decoded_pictures(children, job))
    return {target: _verified(children, job, target, complaint, heard, count) for target in targets}


def loss(children: Children, job: Job, results: dict[Target, Examined], complaint: str = "") -> str | None:
    """Return a clause that describes the damage of a source whose damage is tolerated. Return None if the source has
    no damage."""
    if not job.is_tolerant or not (complaint or _is_known_to_be_damaged(children, job)):
        return None
    shown = next(iter(results.items()), None)
    return verify.loss(_compared(job, *shown)) if shown else "the source is damaged"


def _heard(children: Children, job: Job) -> float | None:
    """Return the seconds of audio in the source's samples, if that is more than the source's timestamps allow.
    Otherwise, return None."""
    sound, path = job.sound, job.inputs.audio_path
    if sound is None or not hearing.is_doubtful(sound.audio, sound.track, job.demuxer):
        return None
    counted = hearing.counted_seconds(children.run(hearing.count_argv(path, sound.audio)).stderr, sound.audio)
    return counted if counted is not None and hearing.is_longer(counted, sound.track) else None


def _decoded_pictures(children: Children, job: Job) -> Count | None:
    """Return the number of frames of the source, counted part by part. Return None if ffmpeg prints no number."""
    video = job.picture.video
    commands = picture_count.count_argvs(job.inputs.video_path, video, job.places)
    return picture_count.count_of([children.run(argv).stderr for argv in commands], video)


def _verified(
    children: Children, job: Job, target: Target, complaint: str, heard: float | None, count: Callable[[], Count | None]
) -> Examined:
    result = examine(children, Path(target.path))
    compared = replace(_compared(job, target, result), heard=heard)
    if verify.must_count(compared):
        compared = replace(compared, decoded=count())
    found = verify.difference(compared)
    if found and job.is_tolerant and (complaint or _is_known_to_be_damaged(children, job)):
        found = verify.difference_of_damaged(compared)
    refuse(found)
    if not job.is_tolerant and (target.copies or command.copies_audio(job, target)):
        _decodes(children, job, target)
    return result


def _compared(job: Job, target: Target, result: Examined) -> Compared:
    return Compared(job, target, result.media, result.tracks, result.boxes)


def _is_known_to_be_damaged(children: Children, job: Job) -> bool:
    return job.is_damaged or any(not is_clean(job, _input_decoded(children, job, path)) for path in job.inputs.paths)


def _decodes(children: Children, job: Job, target: Target) -> None:
    """Decode the copied streams as far as ``proof`` asks, because no other step decoded them.

    A decoder may report errors in a valid file when it decodes only keyframes or samples. So an error raises
    VERIFICATION_FAILED only after a full decode.
    """
    proof = proof_of(job.picture) if target.copies else _ENCODED
    ended = _decoded(children, job, target.path, proof, command.EVERYTHING)
    if is_clean(job, ended):
        return
    _inputs_decode(children, job)
    told = words(ended.stderr, Path(target.path))
    raise ImportFailure(Reason.VERIFICATION_FAILED, f"The result does not decode without errors: {told}")


_ENCODED = DecodeProof(is_complete=False)
"""The proof for encoded video. All source frames of an encode were already decoded."""


def _inputs_decode(children: Children, job: Job) -> None:
    for path in job.inputs.paths:
        damaged = _input_decoded(children, job, path)
        if not is_clean(job, damaged):
            raise corrupt(words(damaged.stderr, Path(path)))


def _input_decoded(children: Children, job: Job, path: str) -> Ended:
    return _decoded(children, job, path, proof_of(job.picture), command.imported_streams(job, path))


def _decoded(children: Children, job: Job, path: str, proof: DecodeProof, streams: tuple[str, ...]) -> Ended:
    """Decode what ``proof`` asks for, and decode everything if that reports errors. Return the end of the last
    decode."""
    everything = command.decode_argv(path, keyframes_only=False, streams=streams)
    if proof.is_complete:
        return children.run(everything)
    ended = children.run(command.decode_argv(path, keyframes_only=True, streams=streams))
    for sample in proof.samples:
        if not is_clean(job, ended):
            break
        ended = children.run(command.sample_argv(path, sample.start, sample.length, streams[0]))
    return ended if is_clean(job, ended) else children.run(everything)
