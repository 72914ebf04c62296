"""Joining of a transport stream of several parts into one file that ffmpeg reads to its end (see
``media.timeline.joins``)."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from videoimport.api.reasons import Reason
from videoimport.media.container import joined_headers as headers
from videoimport.media.container import mpegts as transport
from videoimport.media.container.mp4_boxes import Read
from videoimport.media.source.findings import Finding
from videoimport.media.timeline import continuity_counters as counters
from videoimport.media.timeline import joins, transport_stream_parts
from videoimport.media.timeline.joins import Join
from videoimport.worker.pipeline import part_rewriting as rewriting
from videoimport.worker.pipeline.part_rewriting import write_packets
from videoimport.worker.runtime.errors import ImportFailure, refuse
from videoimport.worker.runtime.subprocesses import Children
from videoimport.worker.source.probe import Examined, reading


@dataclass(frozen=True, slots=True)
class Whole:
    """A file that ffmpeg can read to its end."""

    path: Path
    parts: tuple[int, ...] = ()
    """The offset where the tables of a joined file end, then the offsets where its parts begin. Empty for other files.

    See ``verify.picture_count``.
    """
    has_late_sound: bool = False
    """Whether the tables of a transport stream add audio after the start. ffmpeg may not find this audio."""


def as_one(children: Children, path: Path, folder: Path, *, may_rewrite: bool = True) -> Whole:
    """Return the file itself, or a file below ``folder`` that is joined from the parts of the file.

    ``may_rewrite`` states whether parts may be rewritten before joining. Raises ImportFailure UNSUPPORTED_SOURCE for
    parts that cannot be joined, and SCRATCH_FULL if there is no disk space.
    """
    with reading(path) as read:
        return _as_one(children, path, read, folder, may_rewrite=may_rewrite)


def refuse_parts(file: Examined, whole: Whole) -> None:
    """Raise ImportFailure UNSUPPORTED_SOURCE if ffmpeg reads only the first part of a source. ``file`` has the facts of
    this first part."""
    if whole.has_late_sound and not file.media.audios:
        message = "The source begins without audio and has audio later."
        raise ImportFailure(Reason.UNSUPPORTED_SOURCE, message, advice="Import each part by itself.")
    with reading(file.path) as read:
        refuse(headers.why_not_one(read, file.size, file.boxes, file.tracks.values()))


def _as_one(children: Children, path: Path, read: Read, folder: Path, *, may_rewrite: bool) -> Whole:
    stream = transport.plain(read, path.stat().st_size)
    if stream is None:
        return Whole(path)
    read, size = stream
    restarts = counters.segments(read, size)
    found = transport_stream_parts.parts(read, size, restarts)
    whole = Whole(path, has_late_sound=any(part.has_late_sound for part in found))
    if len(found) < 2:
        return _counted_on(whole, read, size, restarts, folder)
    made = joins.joins(found, read, size)
    if isinstance(made, Finding):
        raise ImportFailure(made.reason, made.message, advice=made.advice)
    if not joins.are_needed(made) or (whole.has_late_sound and joins.keep_pids(made)):
        # ``repair_source`` repairs a source where only the clock starts again, also with audio that a later part adds.
        return _counted_on(whole, read, size, restarts, folder)
    target = folder / f"joined-{path.name}.ts"
    if may_rewrite and any(rewriting.is_needed(join, is_first=join is made[0]) for join in made):
        ends = [*(join.offset for join in made[1:]), size]
        return _rewritten(children, path, read, list(zip(made, ends, strict=True)), folder)
    parts: dict[int, int] = {}
    write_packets(target, size, _noted(joins.joined(read, size, made), parts))
    return Whole(target, (made[0].offset + transport.PACKET, *parts.values()), whole.has_late_sound)


def _noted(packets: Iterator[tuple[Join, bytes]], parts: dict[int, int]) -> Iterator[bytes]:
    """Yield the packets, and record in ``parts`` the offset of each part in the output, by its offset in the source."""
    for number, (part, packet) in enumerate(packets):
        parts.setdefault(part.offset, number * transport.PACKET)
        yield packet


def _rewritten(children: Children, path: Path, read: Read, parts: list[tuple[Join, int]], folder: Path) -> Whole:
    """Join a source after rewriting the parts that need it: see ``part_rewriting``."""
    target = folder / f"parts-{path.name}.ts"
    write_packets(target, parts[-1][1], rewriting.rewritten(children, read, parts, folder))
    whole = as_one(children, target, folder, may_rewrite=False)
    if whole.path != target:
        target.unlink()
    return whole


def _counted_on(whole: Whole, read: Read, size: int, begins: list[int], folder: Path) -> Whole:
    """Return the file, or a copy of the file with continuous packet counters.

    A copy is made if the counters start again at the offsets ``begins``. ffmpeg would report such a restart as damage.
    """
    if not begins:
        return whole
    target = folder / f"counted-{whole.path.name}.ts"
    write_packets(target, size, counters.counted_on(read, size, begins))
    return replace(whole, path=target)
