"""Repair of a source whose clock restarts, or whose start cannot be decoded. The worker copies the source once, with
new times."""

from dataclasses import dataclass
from pathlib import Path

from videoimport.media.timeline.clock_repair import MUXERS, Repair, repair
from videoimport.media.transcode import command
from videoimport.worker.runtime.logging import log
from videoimport.worker.runtime.subprocesses import Children
from videoimport.worker.source.probe import Examined, examine, note_start


@dataclass(frozen=True, slots=True)
class Mended:
    """The repaired copy of a source. The results are made from this copy."""

    file: Examined
    why: str
    """The fault and its repair, as a clause."""


def mend(children: Children, found: Examined, folder: Path, *, has_audio: bool) -> Mended | None:
    """Write the repaired copy into ``folder``. Return None if nothing needs repair, or if no copy can be made.
    ``has_audio`` states whether the source's audio is in this file. Raises ImportFailure if ffmpeg was killed."""
    video, audio = found.media.video, found.media.audio if has_audio else None
    muxer = MUXERS.get(found.media.demuxer)
    if video is None or muxer is None or (has_audio and found.media.choice.second):
        return None  # the copy has only one audio track
    note_start(children, found, video)
    wanted = repair(found.track(video.index), found.track(audio.index) if audio else None)
    if wanted is None:
        return None
    file = _copy(children, found, wanted, folder / f"mended.{muxer}", has_audio=has_audio)
    return Mended(file, wanted.why) if file else None


def _copy(children: Children, found: Examined, wanted: Repair, path: Path, *, has_audio: bool) -> Examined | None:
    video, audio = found.media.video, found.media.audio if has_audio else None
    assert video is not None  # noqa: S101 — only video is repaired
    path.parent.mkdir(parents=True, exist_ok=True)
    muxer = MUXERS[found.media.demuxer]
    ended = children.run(command.mend_argv(str(found.path), video, audio, wanted, str(path), muxer))
    made = examine(children, path) if ended.code == 0 else None
    if made and made.media.video and (made.media.audio is not None) == (audio is not None):
        log().info("mended", why=wanted.why)
        track = made.track(made.media.video.index)
        track.joints, track.begins_open = wanted.joints, wanted.is_cut
        return made
    log().info("not_mended", why=wanted.why, code=ended.code, words=ended.stderr[:500])
    path.unlink(missing_ok=True)
    return None
