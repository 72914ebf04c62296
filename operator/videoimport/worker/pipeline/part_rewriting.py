"""Rewriting of those parts of a transport stream that cannot be joined unchanged.

A part that begins within an open group is copied from its first decodable frame on. Its audio begins at the same time.
A later part of H.264 that begins without an IDR frame is encoded. See ``leading_pictures.PartOpening``.
"""

from collections.abc import Iterator
from pathlib import Path

from videoimport.media.container import mpegts as transport
from videoimport.media.container.mp4_boxes import Read
from videoimport.media.timeline import joins
from videoimport.media.timeline.joins import Join
from videoimport.media.transcode import command
from videoimport.media.verify import picture_count
from videoimport.worker.pipeline import ffmpeg
from videoimport.worker.runtime import disk_space as disks
from videoimport.worker.runtime.errors import ImportFailure
from videoimport.worker.runtime.subprocesses import Children, Ended
from videoimport.worker.source.probe import Examined, examine, reading

_BYTES_AT_ONCE = 4096 * transport.PACKET
_FIRST_PID, _PIDS, _MOST_PIDS = 0x300, 16, 100
"""PIDs of the rewritten parts. Each rewritten part has other PIDs, so that it is still found as a part of its own."""


def is_needed(join: Join, *, is_first: bool) -> bool:
    """Return whether a part must be rewritten before joining."""
    return join.opening.must_be_alone or (join.opening.must_be_closed and not is_first)


def rewritten(children: Children, read: Read, parts: list[tuple[Join, int]], folder: Path) -> Iterator[bytes]:
    """Yield the bytes of all parts. Each entry of ``parts`` has a part and the offset where the part ends.

    Raises ImportFailure UNSUPPORTED_SOURCE for a part that cannot be rewritten, or ENCODER_UNAVAILABLE.
    """
    for number, (join, limit) in enumerate(parts):
        if is_needed(join, is_first=number == 0):
            made = _made_alone(children, read, parts[number], folder, number)
            with reading(made.path) as content:
                yield from _chunks(content, 0, made.size)
            made.path.unlink()
        else:
            yield from _chunks(read, join.offset if number else 0, limit)


def _chunks(read: Read, start: int, end: int) -> Iterator[bytes]:
    yield from (read(at, min(_BYTES_AT_ONCE, end - at)) for at in range(start, end, _BYTES_AT_ONCE))


def _made_alone(children: Children, read: Read, part: tuple[Join, int], folder: Path, number: int) -> Examined:
    """Return the part as a file of its own, with all frames that can be decoded."""
    join, limit = part
    path, written = folder / "part.ts", folder / "part-anew.ts"
    write_packets(path, limit - join.offset, joins.part_alone(read, join, limit))
    alone = examine(children, path)
    video, encodes = alone.media.video, number > 0 and join.opening.must_be_closed
    if video is None or len(join.opening.part.programs) > 1:
        raise _refused()
    if encodes:
        ffmpeg.require(children, frozenset({command.PART_ENCODER}))
    pid = _FIRST_PID + _PIDS * (number % _MOST_PIDS)
    argv = command.part_argv(str(path), video, str(written), pid, join.opening.seconds, encodes=encodes)
    ended = children.run(argv)
    path.unlink()
    wanted = picture_count.decoded_pictures(ended.stderr, video) if encodes else alone.track(video.index).packets
    return _checked(children, written, ended, wanted)


def _checked(children: Children, written: Path, ended: Ended, wanted: int | None) -> Examined:
    made = examine(children, written) if ended.code == 0 else None
    if made is None or made.media.video is None or made.track(made.media.video.index).packets != wanted:
        raise _refused()
    return made


def _refused() -> ImportFailure:
    found = joins.refusal("A part of the source begins within an open group and cannot be rewritten")
    return ImportFailure(found.reason, found.message, advice=found.advice)


def write_packets(target: Path, size: int, packets: Iterator[bytes]) -> None:
    """Write packets to a file. Raises ImportFailure SCRATCH_FULL if there is no disk space for about ``size`` bytes."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with target.open("wb", buffering=_BYTES_AT_ONCE) as file:
            file.writelines(packets)
    except OSError as error:
        if not disks.is_full(error):
            raise
        what = f"the parts of the source were to be joined to a file of about {size} bytes"
        raise disks.scratch_full(target.parent, what) from None
