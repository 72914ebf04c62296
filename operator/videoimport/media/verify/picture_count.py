"""How many pictures ffmpeg decodes of a source.

Packets are not always pictures: fields and pictures that are never shown have packets of their own, and pictures that
lean on what comes before the file cannot be decoded.
"""

import re

from videoimport.media.source.probe import CONTAINERS, address, guarded
from videoimport.media.source.streams import Video

_DECODED = re.compile(r"Input stream #\d+:(\d+) \(video\): .*; (\d+) frames decoded")
_END = 1 << 62


def count_argvs(path: str, video: Video, parts: tuple[int, ...] = ()) -> list[list[str]]:
    """ffmpeg's commands that decode one video stream into nothing and tell of its pictures.

    ``parts`` are the offsets at which the parts of a joined transport stream begin, and before the first one the offset
    at which its tables end: each part is decoded by a decoder of its own, behind those tables.
    """
    if len(parts) < 3:
        return [_count_argv((*guarded(path), "-i", address(path)), video)]
    tables = f"subfile,,start,0,end,{parts[0]},,:{path}"
    ends = (*parts[2:], _END)
    return [
        _count_argv(
            (*_PARTS, "-i", f"concat:{tables}|subfile,,start,{start},end,{end},,:{path}"), video
        ) for start, end in zip(parts[1:], ends, strict=True)
    ]  # fmt: skip


_PARTS = ("-protocol_whitelist", "file,subfile,concat", *CONTAINERS)


def _count_argv(source: tuple[str, ...], video: Video) -> list[str]:
    return [
        "ffmpeg", "-hide_banner", "-nostdin", "-nostats", "-v", "verbose", *source, "-map", f"0:{video.index}",
        "-fps_mode", "passthrough", "-f", "null", "-",
    ]  # fmt: skip


def decoded_pictures(errors: str, video: Video) -> int | None:
    """What ffmpeg decoded by its error stream; None where it does not tell."""
    found = [int(count) for index, count in _DECODED.findall(errors) if int(index) == video.index]
    return found[-1] if found else None
