"""The container formats that the worker reads.

Inspection, ``requirements.formats`` and file names use this table.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

ContainerFormat = Literal[
    "mp4", "mov", "mkv", "webm", "avi", "mpegts", "mpeg", "flv", "asf", "ogg", "mxf", "dv", "mp3", "aac", "flac", "wav",
]  # fmt: skip
"""The names in ``CONTAINERS``. A test compares both lists."""


@dataclass(frozen=True, slots=True)
class Container:
    """The properties of a container format."""

    demuxer: str
    """Name of the demuxer in libavformat. ffprobe prints this name, and ``-format_whitelist`` accepts it."""
    extension: str
    """Extension of a file name, without the dot."""
    content_type: str


_BOXED, _EBML = "mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm"
CONTAINERS: Mapping[ContainerFormat, Container] = MappingProxyType({
    "mp4": Container(_BOXED, "mp4", "video/mp4"),
    "mov": Container(_BOXED, "mov", "video/quicktime"),
    "mkv": Container(_EBML, "mkv", "video/x-matroska"),
    "webm": Container(_EBML, "webm", "video/webm"),
    "avi": Container("avi", "avi", "video/x-msvideo"),
    "mpegts": Container("mpegts", "ts", "video/mp2t"),
    "mpeg": Container("mpeg", "mpg", "video/mpeg"),
    "flv": Container("flv", "flv", "video/x-flv"),
    "asf": Container("asf", "wmv", "video/x-ms-wmv"),
    "ogg": Container("ogg", "ogv", "video/ogg"),
    "mxf": Container("mxf", "mxf", "application/mxf"),
    "dv": Container("dv", "dv", "video/x-dv"),
    "mp3": Container("mp3", "mp3", "audio/mpeg"),
    "aac": Container("aac", "aac", "audio/aac"),
    "flac": Container("flac", "flac", "audio/flac"),
    "wav": Container("wav", "wav", "audio/wav"),
})  # fmt: skip
"""The supported container formats. Playlists are not included, because a playlist names other files to open."""
DEMUXERS = tuple(dict.fromkeys(container.demuxer for container in CONTAINERS.values()))


def named(container: ContainerFormat | None, demuxer: str) -> ContainerFormat | None:
    """Return the name of a container format. If ``container`` is given, its value comes from the first bytes and is
    returned. Otherwise the result is the format of ``demuxer``. Return None for a demuxer that is unknown or that
    reads several formats."""
    if container is not None:
        return container
    names = [name for name, one in CONTAINERS.items() if one.demuxer == demuxer]
    return names[0] if len(names) == 1 else None
