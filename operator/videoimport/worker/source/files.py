"""One source, whatever it came from."""

from dataclasses import dataclass
from pathlib import Path

from videoimport.api.container_formats import ContainerFormat


@dataclass(frozen=True, slots=True)
class Tail:
    """The end of a file that was fetched before the bytes between: its index, where that is last."""

    path: Path
    offset: int
    """Of the tail's first byte in the file."""


@dataclass(frozen=True, slots=True)
class Source:
    """A file of the source in scratch, which may still be growing."""

    path: Path
    seekable: bool
    """Whether its parts can be fetched in any order."""
    size: int | None
    """Bytes in the end; None while unknown."""
    finished: bool
    """Whether all of it is there."""
    sha256: str | None = None
    """Of all of it, once finished."""
    tail: Tail | None = None
    """Set for a plain MP4 or MOV that has its index at its end, which was fetched first."""
    container: ContainerFormat | None = None
    """What it seems to be, where anything is known before it is examined."""


@dataclass(frozen=True, slots=True)
class Sources:
    """The files of one video: one, or video and audio apart (a page that offers them so; nothing is merged before)."""

    video: Source
    audio: Source | None = None
    """None where the first file has both. It is finished before the video's first bytes are there."""
    is_segmented: bool = False
    """HLS or DASH: what was joined from segments counts as mp4."""

    @property
    def all(self) -> tuple[Source, ...]:
        """Each file once, video first."""
        return (self.video, self.audio) if self.audio else (self.video,)

    @property
    def size(self) -> int:
        """Bytes as fetched."""
        return sum(source.size or 0 for source in self.all)
