"""Looking at what was made before anyone sees it: compared with its source, and decoded where it was only copied."""

from pathlib import Path

from videoimport.api.reasons import Reason
from videoimport.media import command, verify
from videoimport.media.verify import Compared
from videoimport.worker.errors import ImportFailure, refuse
from videoimport.worker.examine import Examined, examine, words
from videoimport.worker.processes import Children, Ended
from videoimport.worker.transcode import Job, corrupt


def verified(children: Children, job: Job, target: Path) -> Examined:
    """The result, looked into. Raises ImportFailure VERIFICATION_FAILED, or SOURCE_CORRUPT for damage it inherited."""
    result = examine(children, target)
    compared = Compared(job.plan, job.output, job.picture, job.sound, result.media, result.tracks, result.boxes)
    refuse(verify.difference(compared))
    if job.plan.copy_video or job.plan.copy_audio:
        _decodes(children, job, target)
    return result


def _decodes(children: Children, job: Job, target: Path) -> None:
    """Keyframes and all audio, for what was copied was not decoded on the way; everything where those complain.

    Keyframes alone may make a decoder complain of a valid file, so nothing is blamed before a full decode of it.
    """
    if _decoded(children, str(target), keyframes_only=True).clean:
        return
    ended = _decoded(children, str(target), keyframes_only=False)
    if ended.clean:
        return
    for path in job.inputs.paths:
        damaged = _decoded(children, path, keyframes_only=False)
        if not damaged.clean:
            raise corrupt(words(damaged.stderr, Path(path)))
    told = words(ended.stderr, target)
    raise ImportFailure(Reason.VERIFICATION_FAILED, f"The result does not decode cleanly: {told}")


def _decoded(children: Children, path: str, *, keyframes_only: bool) -> Ended:
    return children.run(command.decode_argv(path, keyframes_only=keyframes_only))
