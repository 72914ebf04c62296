"""Examination of files: run ffprobe with its input restrictions and parse the output."""

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
from videoimport.media.source.truncation import find_truncation
from videoimport.worker.runtime.errors import ImportFailure, refuse
from videoimport.worker.runtime.subprocesses import Children, Ended

_WORDS = 300
"""Maximum number of characters of a program's error stream in a message."""


@dataclass(frozen=True, slots=True)
class Examined:
    """The facts about an examined file."""

    path: Path
    size: int
    container: ContainerFormat | None
    media: Media
    tracks: dict[int, Track]
    boxes: tuple[Box, ...]
    """The top-level boxes. Empty for a file that is not MP4 or MOV."""
    parts: tuple[int, ...] = ()
    """The offset where the tables of a joined file end, then the offsets where its parts begin. Empty for other files.

    See ``verify.picture_count``.
    """
    damage: Finding | None = None
    """The reason why the file's data ends early. The value is None if the data is complete."""
    encrypted: tuple[Encrypted, ...] = ()
    """The encrypted tracks of the file."""

    @property
    def joined(self) -> str:
        """A clause that says how the source was joined. The clause is empty if the source was not joined."""
        told = f"the source is joined from {len(self.parts) - 1} parts, each with a clock or streams of its own"
        return told if self.parts else ""

    def track(self, index: int) -> Track:
        """Return the track of a stream. The track is empty if the stream has no packets."""
        return self.tracks.get(index, Track())


def examine(children: Children, path: Path) -> Examined:
    """Examine a file. Raises ImportFailure if the file is not a video, or if damage makes it unreadable."""
    size, head = path.stat().st_size, read_head(path)
    if sniff.is_manifest(head):
        message = "The fetched file is a playlist that names other files."
        raise ImportFailure(Reason.UNSUPPORTED_SOURCE, message, advice="Give the address of the video itself.")
    container = sniff.container(head)
    with reading(path) as read:
        boxes = tuple(boxes_of.top_level(read, size)) if container in ("mp4", "mov") else ()
        if container not in ("mkv", "webm"):  # ffprobe reads a file as MP4 also if the name of its first box is unknown
            refuse(_excess(read, size))
        refuse(encryption.scrambled(read(0, encryption.ENOUGH)))
        media = _probe(children, path, container, boxes_of.missing_bytes(boxes, size))
        tracks = _walk(children, path, media)
        damage = find_truncation(read, boxes, size, media.demuxer)
        hidden = encryption.encrypted_tracks(read, boxes)
    lengths = {index: track.seconds + track.hidden for index, track in tracks.items()}
    media = streams.with_lengths(media, lengths)
    return Examined(path, size, container, media, tracks, boxes, damage=damage, encrypted=hidden)


@contextmanager
def reading(path: Path) -> Iterator[Read]:
    """Yield a function that reads bytes of a file. The offset and the length come from headers and may have any
    value. Beyond the end of the file, the function returns no bytes."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size

        def read(offset: int, length: int) -> bytes:
            return os.pread(file.fileno(), min(length, size - offset), offset) if offset < size else b""

        yield read


def note_start(children: Children, file: Examined, video: Video) -> None:
    """Store in a stream's track the display time of its first decodable frame, if the track has leading frames."""
    track = file.track(video.index)
    if not first_picture.has_leading(track):
        return
    found = first_picture.first_decoded(
        children.run(first_picture.start_argv(str(file.path), video)).stdout.splitlines()
    )
    if found is not None and track.start is not None and found - track.start > packets.SAME_SECONDS:
        track.decodable, track.begins_open = found, True


def note_changes(children: Children, file: Examined, stream: Video | Audio, *, is_copied: bool) -> None:
    """Store in a stream's track the changes within the stream. For this, all audio is decoded, or the keyframes of a
    video.

    If the track already has a text about joined parts, the text about the changes comes after it.
    """
    track = file.tracks.get(stream.index)
    if track is None:
        return
    if isinstance(stream, Video):
        child = children.start(changes.frames_argv(str(file.path), stream, is_copied=is_copied))
        child.tell("")
        found = changes.change(changes.frame_shapes(child.lines()), "video", file.media.start)
        child.ended()  # the exit code is no evidence here: other checks find damage
    elif not changes.has_one_header(file.media.demuxer, stream):
        errors = children.run(changes.sound_argv(str(file.path), stream)).stderr
        found = changes.change(changes.sound_shapes(errors), "audio", None)
    else:
        return
    track.changes = "; ".join(one for one in (file.joined, found) if one)


def read_head(path: Path) -> bytes:
    """Return the first bytes of a file."""
    with path.open("rb") as file:
        return file.read(sniff.ENOUGH)


def excess_of(path: Path, size: int) -> Finding | None:
    """Return a finding if ffprobe would need too much memory for the tables of an MP4 or MOV file. Return None
    otherwise."""
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
            Reason.SOURCE_CORRUPT, message, advice="Export the video again from the program that made the file."
        ) from unreadable


def _walk(children: Children, path: Path, media: Media) -> dict[int, Track]:
    child = children.start(packets.walk_argv(str(path)))
    child.tell("")
    rates = {video.index: video.own_rate for video in media.videos if video.own_rate}
    tracks = packets.walk(child.lines(), media.demuxer, rates)
    child.ended()  # the exit code is no evidence: missing facts show in the tracks
    return tracks


def words(stderr: str, path: Path) -> str:
    """Return the first lines of a program's error stream as one line for a message. Usually the first error causes
    the later errors."""
    plain = re.sub(r" @ 0x[0-9a-f]+", "", stderr.replace(f"file:{path}", "the file"))
    return " ".join(plain.split())[:_WORDS] or "it printed no message"
