"""Counting of the frames of a source that ffmpeg can decode.

The numbers of packets and frames differ. Fields and hidden frames have packets of their own. Frames that need data from
before the file cannot be decoded.
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
"""Codecs whose decoder in ffmpeg drops the last frame before a new frame size."""


@dataclass(frozen=True, slots=True)
class Count:
    """The number of frames of a source."""

    pictures: int
    dropped: int = 0
    """Number of these frames that one decoder of all parts may drop, because the frame size changes."""


def count_argvs(path: str, video: Video, parts: tuple[int, ...] = ()) -> list[list[str]]:
    """Return ffmpeg's commands that decode one video stream, write no output and print the number of frames.

    ``parts`` is empty for a source that was not joined. For a joined transport stream, its first number is the offset
    where the tables end. The other numbers are the offsets where the parts begin. Each command decodes one part after
    the tables.
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
    """Return the number of decoded frames that ffmpeg printed on its error stream. Return None if the error stream
    has no such number."""
    found = [int(count) for index, count in _DECODED.findall(errors) if int(index) == video.index]
    return found[-1] if found else None


def count_of(errors: Sequence[str], video: Video) -> Count | None:
    """Return the number of frames of all parts from ffmpeg's error streams, or None if a number is missing."""
    counts = [count for one in errors if (count := decoded_pictures(one, video)) is not None]
    if len(counts) < len(errors):
        return None
    sizes = [next((size for index, size in _SIZE.findall(one) if int(index) == video.index), "") for one in errors]
    changes = sum(before != after for before, after in itertools.pairwise(sizes))
    return Count(sum(counts), changes if video.codec in _DROPPING else 0)
