"""The upload of the source's unchanged bytes, in addition to the video or in place of the video. The bytes are
uploaded while they are downloaded."""

from dataclasses import dataclass, field
from pathlib import Path

from videoimport.api import folder_layout as layout
from videoimport.api.output_options import Output
from videoimport.api.videoimport_status import OutputFile, StageName
from videoimport.media.source.file_name import file_type
from videoimport.worker.pipeline.inspect import Inspected
from videoimport.worker.pipeline.output_uploads import Outgoing
from videoimport.worker.pipeline.progress import Board
from videoimport.worker.source.arrival import Arrival


def is_wanted(output: Output) -> bool:
    """Return whether the spec asks to keep the source's bytes."""
    return output.keep_original or output.mode == "Original"


@dataclass(slots=True)
class Originals:
    """The uploads of the source's unchanged files in one run."""

    outgoing: Outgoing
    board: Board
    wanted: bool
    _sent: dict[str, Path] = field(default_factory=dict)
    """Files that are being uploaded, by name."""
    _arrival: Arrival | None = None
    """The download whose files are being uploaded."""

    def begin(self, arrival: Arrival, found: Inspected) -> None:
        """Start the upload of the source's files while they are being downloaded."""
        if not self.wanted:
            return
        self._arrival = arrival
        self.board.start(StageName.UPLOAD)
        for name, source in zip(_names(found), found.sources.all, strict=True):
            self.outgoing.add(name, "original", arrival.growing(source))
            self._sent[name] = source.path

    def complete(self, found: Inspected) -> None:
        """Upload the complete source.

        If the uploads so far are of other files, or if the download started again, abort these uploads and upload
        all files again.
        """
        wanted = dict(zip(_names(found), [source.path for source in found.sources.all], strict=True))
        if not self.wanted or (wanted == self._sent and not self._is_void):
            return
        self.board.start(StageName.UPLOAD)
        self.outgoing.withdraw(tuple(self._sent))
        for name, path in wanted.items():
            self.outgoing.add(name, "original", path)
        self._sent, self._arrival = wanted, None

    @property
    def _is_void(self) -> bool:
        """True if the download started again during the upload. yt-dlp's new download continues under the same name."""
        return self._arrival is not None and self._arrival.restarted

    def output(self, found: Inspected) -> OutputFile | None:
        """Return the original file of the video for the report. Return None if the original is not kept."""
        if not self.wanted:
            return None
        return self.outgoing.output(_names(found)[0]).model_copy(update={"duration_ms": round(found.seconds * 1000)})


def _names(found: Inspected) -> list[str]:
    """Return the names of the original files by their type, video first."""
    video = file_type(found.video.container, found.video.media.demuxer).extension
    if found.sources.audio is None:
        return [layout.original(video)]
    audio = file_type(found.audio.container, found.audio.media.demuxer).extension
    return [layout.original(video), layout.original_audio("m4a" if audio == "mp4" else audio)]
