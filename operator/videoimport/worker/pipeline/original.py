"""The source's unchanged bytes beside the video, or instead of it: they are uploaded as they arrive."""

from dataclasses import dataclass, field
from pathlib import Path

from videoimport.api.output_options import Output
from videoimport.api.videoimport_status import OutputFile, StageName
from videoimport.media.source.file_name import file_type
from videoimport.worker.pipeline.inspect import Inspected
from videoimport.worker.pipeline.output_uploads import Outgoing
from videoimport.worker.pipeline.progress import Board
from videoimport.worker.source.stream import Arrival


def is_wanted(output: Output) -> bool:
    """Whether the source's bytes are kept."""
    return output.keep_original or output.mode == "Original"


@dataclass(slots=True)
class Originals:
    """Those of one run."""

    outgoing: Outgoing
    board: Board
    wanted: bool
    _sent: dict[str, Path] = field(default_factory=dict)
    """By name, the file that is being sent."""
    _arrival: Arrival | None = None
    """What is sent while it arrives."""

    def begin(self, arrival: Arrival, found: Inspected) -> None:
        """Send what arrives."""
        if not self.wanted:
            return
        self._arrival = arrival
        self.board.start(StageName.UPLOAD)
        for name, source in zip(_names(found), found.sources.all, strict=True):
            self.outgoing.add(name, "original", arrival.growing(source))
            self._sent[name] = source.path

    def complete(self, found: Inspected) -> None:
        """All of it is there: send what was not yet, or is not what was begun."""
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
        """Whether the download started again while it was sent; yt-dlp's continues under the same name."""
        return self._arrival is not None and self._arrival.restarted

    def output(self, found: Inspected) -> OutputFile | None:
        """The file with the video, for the report; None where it is not kept."""
        if not self.wanted:
            return None
        return self.outgoing.output(_names(found)[0]).model_copy(update={"duration_ms": round(found.seconds * 1000)})


def _names(found: Inspected) -> list[str]:
    """By what the files are, video first."""
    video = file_type(found.video.container, found.video.media.demuxer).extension
    if found.sources.audio is None:
        return [f"original.{video}"]
    audio = file_type(found.audio.container, found.audio.media.demuxer).extension
    return [f"original.{video}", f"original-audio.{'m4a' if audio == 'mp4' else audio}"]
