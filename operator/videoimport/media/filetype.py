"""What a file is called that is kept as it came: by what it is, not by the name it had."""

from dataclasses import dataclass

from videoimport.api.requirements import ContainerFormat


@dataclass(frozen=True, slots=True)
class FileType:
    """An extension without its dot, and the Content-Type."""

    extension: str
    content_type: str


_CONTAINERS: dict[ContainerFormat, FileType] = {
    "mp4": FileType("mp4", "video/mp4"),
    "mov": FileType("mov", "video/quicktime"),
    "mkv": FileType("mkv", "video/x-matroska"),
    "webm": FileType("webm", "video/webm"),
}
_DEMUXERS = {
    "mpegts": FileType("ts", "video/mp2t"),
    "avi": FileType("avi", "video/x-msvideo"),
    "flv": FileType("flv", "video/x-flv"),
    "mpeg": FileType("mpg", "video/mpeg"),
    "asf": FileType("wmv", "video/x-ms-wmv"),
    "ogg": FileType("ogv", "video/ogg"),
    "mxf": FileType("mxf", "application/mxf"),
    "aac": FileType("aac", "audio/aac"),
    "mp3": FileType("mp3", "audio/mpeg"),
    "flac": FileType("flac", "audio/flac"),
    "wav": FileType("wav", "audio/wav"),
}
_UNKNOWN = FileType("bin", "application/octet-stream")


def file_type(container: ContainerFormat | None, demuxer: str) -> FileType:
    """By the container where ``requirements.formats`` can name it, else by ffprobe's word."""
    return _CONTAINERS[container] if container else _DEMUXERS.get(demuxer.partition(",")[0], _UNKNOWN)
