"""The files of one source, for every kind of source."""

from dataclasses import dataclass
from pathlib import Path

from videoimport.api.container_formats import ContainerFormat


@dataclass(frozen=True, slots=True)
class Tail:
    """The end of a file that was fetched before the bytes in the middle.

    It contains the index, if the index is at the end of the file.
    """

    path: Path
    offset: int
    """Offset of the tail's first byte in the file."""


@dataclass(frozen=True, slots=True)
class Source:
    """A file of the source in scratch, which may still be growing."""

    path: Path
    seekable: bool
    """True if the parts of the file can be fetched in any order."""
    size: int | None
    """Total bytes of the complete file. None while unknown."""
    finished: bool
    """True if the file is complete."""
    sha256: str | None = None
    """SHA-256 of the complete file. The value is None if the file is not complete or has no known checksum."""
    tail: Tail | None = None
    """Set for a plain MP4 or MOV with the index at the end, which was fetched first."""
    container: ContainerFormat | None = None
    """Likely container format before the file is examined, or None."""


@dataclass(frozen=True, slots=True)
class Sources:
    """The files of one video: one file, or separate files for video and audio.

    Some web pages offer separate files. The worker does not merge them before the encode.
    """

    video: Source
    audio: Source | None = None
    """None if the first file has both streams.

    The audio file is complete before the first bytes of the video arrive.
    """
    is_segmented: bool = False
    """True for HLS or DASH. A file joined from segments is treated as mp4."""

    @property
    def all(self) -> tuple[Source, ...]:
        """The files, with the video first."""
        return (self.video, self.audio) if self.audio else (self.video,)

    @property
    def size(self) -> int:
        """Number of bytes that were fetched."""
        return sum(source.size or 0 for source in self.all)
