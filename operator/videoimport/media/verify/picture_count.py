"""How many pictures ffmpeg decodes of a source.

Packets are not always pictures: fields and pictures that are never shown have packets of their own, and pictures that
lean on what comes before the file cannot be decoded.
"""

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass

from videoimport.media.source.probe import CONTAINERS, address, guarded
from videoimport.media.source.streams import Video

_DECODED = re.compile(r"Input stream #\d+:(\d+) \(video\): .*; (\d+) frames decoded")
_SIZE = re.compile(r"Stream #\d+:(\d+)\S*: Video: .*?, (\d+x\d+)")
_END = 1 << 62
_DROPPING = ("mpeg1video", "mpeg2video")
"""Codecs of which ffmpeg's decoder drops the last picture before a new size."""


@dataclass(frozen=True, slots=True)
class Count:
    """Pictures of a source."""

    pictures: int
    dropped: int = 0
    """Those of them that a decoder of all parts may drop where the size changes."""


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


def count_of(errors: Sequence[str], video: Video) -> Count | None:
    """The pictures of all parts by what ffmpeg wrote for each; None where it does not tell."""
    counts = [count for one in errors if (count := decoded_pictures(one, video)) is not None]
    if len(counts) < len(errors):
        return None
    sizes = [next((size for index, size in _SIZE.findall(one) if int(index) == video.index), "") for one in errors]
    changes = sum(before != after for before, after in itertools.pairwise(sizes))
    return Count(sum(counts), changes if video.codec in _DROPPING else 0)
