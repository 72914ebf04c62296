"""Looking at what was made before anyone sees it: compared with its source, and decoded where it was only copied."""

from pathlib import Path

from videoimport.api.reasons import Reason
from videoimport.media import command, verify
from videoimport.media.job import Job
from videoimport.media.targets import Target
from videoimport.media.verify import Compared
from videoimport.worker.errors import ImportFailure, refuse
from videoimport.worker.examine import Examined, examine, words
from videoimport.worker.processes import Children, Ended
from videoimport.worker.transcode import corrupt


def verified(children: Children, job: Job, targets: tuple[Target, ...], complaint: str = "") -> dict[Target, Examined]:
    """The results, looked into. Raises ImportFailure VERIFICATION_FAILED, or SOURCE_CORRUPT for inherited damage.

    Of an original there are none; then the source itself is decoded like a copy. ``complaint`` is what
    ``transcode.run`` returned: a tolerated source may have less to show, see ``verify.difference_of_damaged``.
    """
    if job.plan.is_original and not job.is_tolerant:
        _inputs_decode(children, job)
    return {target: _verified(children, job, target, complaint) for target in targets}


def loss(children: Children, job: Job, results: dict[Target, Examined], complaint: str = "") -> str | None:
    """What of a tolerated source could not be had, in half a sentence; None when nothing is missing or damaged."""
    if not job.is_tolerant or not (complaint or _is_known_to_be_damaged(children, job)):
        return None
    shown = next(iter(results.items()), None)
    return verify.loss(_compared(job, *shown)) if shown else "the source is damaged"


def _verified(children: Children, job: Job, target: Target, complaint: str) -> Examined:
    result = examine(children, Path(target.path))
    compared = _compared(job, target, result)
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
    return job.is_damaged or any(not _decoded(children, path).clean for path in job.inputs.paths)


def _decodes(children: Children, job: Job, target: Target) -> None:
    """Keyframes and all audio, for what was copied was not decoded on the way; everything where those complain.

    Keyframes alone may make a decoder complain of a valid file, so nothing is blamed before a full decode of it.
    """
    ended = _decoded(children, target.path)
    if ended.clean:
        return
    _inputs_decode(children, job)
    told = words(ended.stderr, Path(target.path))
    raise ImportFailure(Reason.VERIFICATION_FAILED, f"The result does not decode cleanly: {told}")


def _inputs_decode(children: Children, job: Job) -> None:
    for path in job.inputs.paths:
        damaged = _decoded(children, path)
        if not damaged.clean:
            raise corrupt(words(damaged.stderr, Path(path)))


def _decoded(children: Children, path: str) -> Ended:
    """By keyframes and audio if they are clean, else by everything."""
    by_keyframes = children.run(command.decode_argv(path, keyframes_only=True))
    return by_keyframes if by_keyframes.clean else children.run(command.decode_argv(path, keyframes_only=False))
