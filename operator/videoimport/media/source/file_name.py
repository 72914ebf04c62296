"""The name of a file that is kept unchanged: by its content, not by its earlier name."""

from dataclasses import dataclass

from videoimport.api.container_formats import CONTAINERS, ContainerFormat, named


@dataclass(frozen=True, slots=True)
class FileType:
    """An extension without its dot, and the Content-Type."""

    extension: str
    content_type: str


_UNKNOWN = FileType("bin", "application/octet-stream")


def file_type(container: ContainerFormat | None, demuxer: str) -> FileType:
    """Return the type by the container in the first bytes, else by ffprobe's demuxer."""
    name = named(container, demuxer)
    return FileType(CONTAINERS[name].extension, CONTAINERS[name].content_type) if name else _UNKNOWN
