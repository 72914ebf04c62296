"""The uploads to the destination: a result's files with their keys, sent as they grow, and their progress."""

import threading
from dataclasses import dataclass
from pathlib import Path

from videoimport.api.videoimport_status import OutputFile, StageName
from videoimport.media.transcode.job import Job
from videoimport.media.transcode.output_files import Target
from videoimport.worker.pipeline.destination import Place
from videoimport.worker.pipeline.progress import Board
from videoimport.worker.runtime.growing_file import Growing
from videoimport.worker.storage import folder_layout as layout
from videoimport.worker.storage.base import Sent
from videoimport.worker.storage.upload_batch import Kind, Parcel, Shipment

_BESIDE_BYTES = 4096
"""Boxes around the room that is kept for an index."""
_AUDIO_KBPS = 512
"""The most that audio has."""


@dataclass(frozen=True, slots=True)
class Placed:
    """The place of a file, as users see it."""

    key: str
    uri: str
    url: str | None


class Outgoing:
    """The shipment of one run, in the words of its results."""

    def __init__(self, place: Place, folder: str, board: Board) -> None:
        self._place, self._board = place, board
        self.folder = folder
        self.shipment = Shipment(place.notebook, place.metadata(), self._moved, place.retries)
        self._files: dict[str, Growing] = {}
        self._lock = threading.Lock()

    def follow(self, job: Job, targets: tuple[Target, ...]) -> dict[Target, Growing]:
        """Send the file that ffmpeg is about to make, as it grows; its maker reports its end."""
        growing = {target: Growing(Path(target.path)) for target in targets}
        for target, file in growing.items():
            self._add(target.object_name, target.kind, file, target.content_type, held(target), expected(job, target))
        return growing

    def add(self, name: str, kind: Kind, file: Growing | Path) -> None:
        """Send a file under a name in the video's folder."""
        growing = file if isinstance(file, Growing) else Growing(file, finished=True)
        self._add(name, kind, growing, layout.content_type(name), 0, growing.total)

    def _add(self, name: str, kind: Kind, file: Growing, content_type: str, held: int, expected: int | None) -> None:
        key = layout.key(self.folder, name)
        with self._lock:
            self._files[key] = file
        self.shipment.add(Parcel(key, content_type, kind), file, held=held, expected=expected)

    def withdraw(self, names: tuple[str, ...]) -> None:
        """Abort the uploads that were begun under these names."""
        for name in names:
            key = layout.key(self.folder, name)
            with self._lock:
                file = self._files.pop(key, None)
            if file is not None:
                file.fail()
                self.shipment.withdraw(key)

    def placed(self, name: str) -> Placed:
        """The path of a file of the folder."""
        key = layout.key(self.folder, name)
        return Placed(key, self._place.store.uri(key), self._place.url(key))

    def arrived(self, name: str) -> tuple[Placed, Sent]:
        """Wait for one. Raises the first failure of any."""
        where = self.placed(name)
        return where, self.shipment.arrived(where.key)

    def output(self, name: str) -> OutputFile:
        """A file that arrived, for the report."""
        where, sent = self.arrived(name)
        return OutputFile(uri=where.uri, url=where.url, size_bytes=sent.size, sha256=sent.sha256)

    def _moved(self, sent: int) -> None:
        """Of the existing bytes; those that are still to be made count in the proportion of the encode.

        A call without more bytes means that there is progress, too: sent bytes are being hashed.
        """
        self._board.touch()
        with self._lock:
            files = [*self._files.values()]
        there = sum(file.size for file in files)
        if all(file.ended for file in files):
            self._board.moved(StageName.UPLOAD, sent, max(there, sent))
            return
        self._board.moved(StageName.UPLOAD, sent, None)
        if there:
            self._board.reached(StageName.UPLOAD, self._board.percent(StageName.TRANSCODE) * sent // there)


def held(target: Target) -> int:
    """Bytes at a file's start that ffmpeg writes anew when it ends."""
    return (target.head_bytes or 0) + _BESIDE_BYTES


def expected(job: Job, target: Target) -> int:
    """About how large a file becomes at most: its parts are cut for that."""
    seconds = job.picture.track.seconds
    if target.copies:
        return job.picture.track.size + int(seconds * _AUDIO_KBPS * 125)
    return int(seconds * ((target.wish.max_bitrate_kbps if target.wish else 0) + _AUDIO_KBPS) * 125)
