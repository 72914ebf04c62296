"""The uploads of a result's files to the destination while the files grow, and the progress of these uploads."""

import threading
from dataclasses import dataclass
from pathlib import Path

from videoimport.api import folder_layout as layout
from videoimport.api.videoimport_status import OutputFile, StageName
from videoimport.media.transcode.job import Job
from videoimport.media.transcode.output_files import Target
from videoimport.worker.pipeline.destination import Place
from videoimport.worker.pipeline.progress import Board
from videoimport.worker.runtime.growing_file import Growing
from videoimport.worker.storage.base import Sent
from videoimport.worker.storage.upload_batch import Kind, Parcel, Shipment

_BESIDE_BYTES = 4096
"""Bytes of the boxes around the space that is reserved for an index."""
_AUDIO_KBPS = 512
"""Maximum bitrate of the audio, in kbit/s."""


@dataclass(frozen=True, slots=True)
class Placed:
    """The address of a file in the form for users."""

    key: str
    uri: str
    url: str | None


class Outgoing:
    """The uploads of one run, by the names of its outputs."""

    def __init__(self, place: Place, folder: str, board: Board) -> None:
        self._place, self._board = place, board
        self.folder = folder
        self.shipment = Shipment(place.notebook, place.metadata(), self._moved, place.retries)
        self._files: dict[str, Growing] = {}
        self._lock = threading.Lock()

    def follow(self, job: Job, targets: tuple[Target, ...]) -> dict[Target, Growing]:
        """Start the upload of the files that ffmpeg is about to write. The files are uploaded while they grow. The
        caller marks each file as complete."""
        growing = {target: Growing(Path(target.path)) for target in targets}
        for target, file in growing.items():
            self._add(target.object_name, target.kind, file, target.content_type, held(target), expected(job, target))
        return growing

    def add(self, name: str, kind: Kind, file: Growing | Path) -> None:
        """Upload a file under a name in the video's folder."""
        growing = file if isinstance(file, Growing) else Growing(file, finished=True)
        self._add(name, kind, growing, layout.content_type(name), 0, growing.total)

    def _add(self, name: str, kind: Kind, file: Growing, content_type: str, held: int, expected: int | None) -> None:
        key = layout.key(self.folder, name)
        with self._lock:
            self._files[key] = file
        self.shipment.add(Parcel(key, content_type, kind), file, held=held, expected=expected)

    def withdraw(self, names: tuple[str, ...]) -> None:
        """Abort the uploads that were started under these names."""
        for name in names:
            key = layout.key(self.folder, name)
            with self._lock:
                file = self._files.pop(key, None)
            if file is not None:
                file.fail()
                self.shipment.withdraw(key)

    def placed(self, name: str) -> Placed:
        """Return the address of a file in the video's folder."""
        key = layout.key(self.folder, name)
        return Placed(key, self._place.store.uri(key), self._place.url(key))

    def arrived(self, name: str) -> tuple[Placed, Sent]:
        """Wait until one file is uploaded. Raises the first failure of any file."""
        where = self.placed(name)
        return where, self.shipment.arrived(where.key)

    def output(self, name: str) -> OutputFile:
        """Return an uploaded file for the report."""
        where, sent = self.arrived(name)
        return OutputFile(uri=where.uri, url=where.url, size_bytes=sent.size, sha256=sent.sha256)

    def _moved(self, sent: int) -> None:
        """Report progress from the bytes that exist. Bytes that do not exist yet are estimated from the progress of the
        encode.

        A call without new bytes is progress too: the bytes sent are being hashed.
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
    """Return the number of bytes at a file's start that ffmpeg rewrites at the end of the encode."""
    return (target.head_bytes or 0) + _BESIDE_BYTES


def expected(job: Job, target: Target) -> int:
    """Return the approximate maximum size of a file in bytes. The sizes of the upload parts depend on this number."""
    seconds = job.picture.track.seconds
    if target.copies:
        return job.picture.track.size + int(seconds * _AUDIO_KBPS * 125)
    return int(seconds * ((target.wish.max_bitrate_kbps if target.wish else 0) + _AUDIO_KBPS) * 125)
