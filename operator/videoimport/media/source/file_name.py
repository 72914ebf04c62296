"""File name of an original that is kept unchanged. The name depends only on the content of the file, and not on the
name at the source."""

from dataclasses import dataclass

from videoimport.api.container_formats import CONTAINERS, ContainerFormat, named


@dataclass(frozen=True, slots=True)
class FileType:
    """A file extension without the dot, and the Content-Type."""

    extension: str
    content_type: str


_UNKNOWN = FileType("bin", "application/octet-stream")


def file_type(container: ContainerFormat | None, demuxer: str) -> FileType:
    """Return the file type for the container format that the first bytes of the file show.

    If that format is None, the result follows from ffprobe's demuxer.
    """
    name = named(container, demuxer)
    return FileType(CONTAINERS[name].extension, CONTAINERS[name].content_type) if name else _UNKNOWN
