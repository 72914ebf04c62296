"""Looking into files: ffprobe run under its guards, and what it says as values."""

import re
from dataclasses import dataclass
from pathlib import Path

from videoimport.api.reasons import Reason
from videoimport.api.requirements import ContainerFormat
from videoimport.media import boxes as boxes_of
from videoimport.media import packets, probe, sniff
from videoimport.media.boxes import Box
from videoimport.media.packets import Track
from videoimport.media.probe import Media
from videoimport.worker.errors import ImportFailure
from videoimport.worker.processes import Children

_WORDS = 300
"""Characters of a program's error stream that go into a message."""


@dataclass(frozen=True, slots=True)
class Examined:
    """A file, looked into."""

    path: Path
    size: int
    container: ContainerFormat | None
    media: Media
    tracks: dict[int, Track]
    boxes: tuple[Box, ...]
    """Empty for what is no MP4 or MOV."""

    def track(self, index: int) -> Track:
        """The packets of a stream; none is an empty track."""
        return self.tracks.get(index, Track())


def examine(children: Children, path: Path) -> Examined:
    """Look into a file. Raises ImportFailure when it is no video, or too damaged to be read at all."""
    size, head = path.stat().st_size, read_head(path)
    if sniff.is_manifest(head):
        message = "What was fetched is a playlist that names other files; give the address of the video itself."
        raise ImportFailure(Reason.UNSUPPORTED_SOURCE, message)
    container = sniff.container(head)
    boxes = read_boxes(path, size) if container in ("mp4", "mov") else ()
    media = _probe(children, path, container, boxes_of.missing_bytes(boxes, size))
    return Examined(path, size, container, media, _walk(children, path), boxes)


def read_head(path: Path) -> bytes:
    """The first bytes."""
    with path.open("rb") as file:
        return file.read(sniff.ENOUGH)


def read_boxes(path: Path, size: int) -> tuple[Box, ...]:
    """The top level of an MP4 or MOV."""
    with path.open("rb") as file:

        def read(offset: int, length: int) -> bytes:
            file.seek(offset)
            return file.read(length)

        return tuple(boxes_of.top_level(read, size))


def _probe(children: Children, path: Path, container: ContainerFormat | None, missing: int) -> Media:
    ended = children.run(probe.probe_argv(str(path)))
    if ended.code == 0:
        return probe.parse_probe(ended.stdout)
    told = words(ended.stderr, path)
    if missing:
        message = f"The source is cut short: its last box is {missing} bytes longer than the file. Get a complete copy."
        raise ImportFailure(Reason.SOURCE_TRUNCATED, message)
    if container:
        raise ImportFailure(Reason.SOURCE_CORRUPT, f"The source is {container}, but cannot be read: {told}")
    raise ImportFailure(Reason.NOT_VIDEO, f"The source is no video that ffmpeg can read: {told}")


def _walk(children: Children, path: Path) -> dict[int, Track]:
    child = children.start(packets.walk_argv(str(path)))
    child.tell("")
    tracks = packets.walk(child.lines())
    child.ended()  # its code says little: what is missing shows in the tracks
    return tracks


def words(stderr: str, path: Path) -> str:
    """The start of what a program wrote to its error stream, fit for a message: the first error causes the others."""
    plain = re.sub(r" @ 0x[0-9a-f]+", "", stderr.replace(f"file:{path}", "the file"))
    return " ".join(plain.split())[:_WORDS] or "it says nothing"
