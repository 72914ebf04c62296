"""Examining files: ffprobe run under its guards, and its output as values."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from videoimport.api.container_formats import ContainerFormat
from videoimport.api.reasons import Reason
from videoimport.media.container import mp4_boxes as boxes_of
from videoimport.media.container import mp4_tables as tables
from videoimport.media.container.mp4_boxes import Box, Read
from videoimport.media.source import encryption, first_picture, probe, streams
from videoimport.media.source import file_signature as sniff
from videoimport.media.source import packet_scan as packets
from videoimport.media.source import stream_changes as changes
from videoimport.media.source.encryption import Encrypted
from videoimport.media.source.findings import Finding
from videoimport.media.source.packet_scan import Track
from videoimport.media.source.streams import Audio, Media, Video
from videoimport.media.verify import compare as verify
from videoimport.worker.runtime.errors import ImportFailure, refuse
from videoimport.worker.runtime.subprocesses import Children, Ended

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
    parts: tuple[int, ...] = ()
    """Where its tables end and where each of its parts begins, where it was joined; see ``verify.picture_count``."""
    damage: Finding | None = None
    """Why its data ends early, where it does."""
    encrypted: tuple[Encrypted, ...] = ()
    """Its tracks that are."""

    @property
    def joined(self) -> str:
        """How it was joined, in half a sentence; empty for a source of one piece."""
        told = f"the source is joined from {len(self.parts) - 1} parts, each with a clock or streams of its own"
        return told if self.parts else ""

    def track(self, index: int) -> Track:
        """The packets of a stream; none is an empty track."""
        return self.tracks.get(index, Track())


def examine(children: Children, path: Path) -> Examined:
    """Look into a file. Raises ImportFailure when it is no video, or too damaged to be read at all."""
    size, head = path.stat().st_size, read_head(path)
    if sniff.is_manifest(head):
        message = "What was fetched is a playlist that names other files."
        raise ImportFailure(Reason.UNSUPPORTED_SOURCE, message, advice="Give the address of the video itself.")
    container = sniff.container(head)
    with reading(path) as read:
        boxes = tuple(boxes_of.top_level(read, size)) if container in ("mp4", "mov") else ()
        if container not in ("mkv", "webm"):  # ffprobe takes a file for MP4 also where its first box has no known name
            refuse(_excess(read, size))
        refuse(encryption.scrambled(read(0, encryption.ENOUGH)))
        media = _probe(children, path, container, boxes_of.missing_bytes(boxes, size))
        tracks = _walk(children, path, media)
        damage = verify.damage(read, boxes, size, media.demuxer)
        hidden = encryption.encrypted_tracks(read, boxes)
    lengths = {index: track.seconds + track.hidden for index, track in tracks.items()}
    media = streams.with_lengths(media, lengths)
    return Examined(path, size, container, media, tracks, boxes, damage=damage, encrypted=hidden)


@contextmanager
def reading(path: Path) -> Iterator[Read]:
    """A file's bytes. Headers may name any offset and any length: bytes beyond the file's end are empty."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size

        def read(offset: int, length: int) -> bytes:
            return os.pread(file.fileno(), min(length, size - offset), offset) if offset < size else b""

        yield read


def note_start(children: Children, file: Examined, video: Video) -> None:
    """Record on a stream's track when its first picture that can be decoded is shown, where it has leading pictures."""
    track = file.track(video.index)
    if not first_picture.has_leading(track):
        return
    found = first_picture.first_decoded(
        children.run(first_picture.start_argv(str(file.path), video)).stdout.splitlines()
    )
    if found is not None and track.start is not None and found - track.start > packets.SAME_SECONDS:
        track.decodable, track.begins_open = found, True


def note_changes(children: Children, file: Examined, stream: Video | Audio, *, is_copied: bool) -> None:
    """Record on a stream's track what changes within it. The stream is decoded, of a video its keyframes.

    What is noted of a joined source stays.
    """
    track = file.tracks.get(stream.index)
    if track is None:
        return
    if isinstance(stream, Video):
        child = children.start(changes.frames_argv(str(file.path), stream, is_copied=is_copied))
        child.tell("")
        found = changes.change(changes.frame_shapes(child.lines()), "video", file.media.start)
        child.ended()  # its code proves nothing here: damage is checked by others
    elif not changes.has_one_header(file.media.demuxer, stream):
        errors = children.run(changes.sound_argv(str(file.path), stream)).stderr
        found = changes.change(changes.sound_shapes(errors), "audio", None)
    else:
        return
    track.changes = "; ".join(one for one in (file.joined, found) if one)


def read_head(path: Path) -> bytes:
    """The first bytes."""
    with path.open("rb") as file:
        return file.read(sniff.ENOUGH)


def excess_of(path: Path, size: int) -> Finding | None:
    """Return what of an MP4's or MOV's tables would take ffprobe too much memory, or None."""
    with reading(path) as read:
        return _excess(read, size)


def _excess(read: Read, size: int) -> Finding | None:
    return tables.excess(read, tables.every_box(read, size), size)


def _probe(children: Children, path: Path, container: ContainerFormat | None, missing: int) -> Media:
    ended = children.run(probe.probe_argv(str(path)))
    if ended.code == 0:
        return _parse(ended)
    told = words(ended.stderr, path)
    if missing:
        message = f"The source is cut short: its last box is {missing} bytes longer than the file."
        raise ImportFailure(Reason.SOURCE_TRUNCATED, message)
    if container:
        raise ImportFailure(Reason.SOURCE_CORRUPT, f"The source is {container}, but cannot be read: {told}")
    raise ImportFailure(Reason.NOT_VIDEO, f"The source is not a video that ffmpeg can read: {told}")


def _parse(ended: Ended) -> Media:
    try:
        return probe.parse_probe(ended.stdout, ended.stderr)
    except ValueError as unreadable:
        message = "ffprobe's description of the source cannot be read."
        raise ImportFailure(
            Reason.SOURCE_CORRUPT, message, advice="Get a copy that was exported again."
        ) from unreadable


def _walk(children: Children, path: Path, media: Media) -> dict[int, Track]:
    child = children.start(packets.walk_argv(str(path)))
    child.tell("")
    rates = {video.index: video.own_rate for video in media.videos if video.own_rate}
    tracks = packets.walk(child.lines(), media.demuxer, rates)
    child.ended()  # its code proves little: missing facts show in the tracks
    return tracks


def words(stderr: str, path: Path) -> str:
    """The start of a program's error stream, fit for a message: the first error causes the others."""
    plain = re.sub(r" @ 0x[0-9a-f]+", "", stderr.replace(f"file:{path}", "the file"))
    return " ".join(plain.split())[:_WORDS] or "it printed no message"
