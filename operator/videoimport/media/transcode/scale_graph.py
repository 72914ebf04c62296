"""Filter graph that makes several sizes from one decode.

Each size is scaled from the next larger size, because this is cheaper than scaling from the source.
"""

from videoimport.media.source.streams import Video
from videoimport.media.transcode import frame_pacing as pacing
from videoimport.media.transcode.filter_graph import Filter, Stream, apply, compose, read_stream, split
from videoimport.media.transcode.output_files import Target
from videoimport.media.transcode.plan import filters, smaller


def graph(video: Video, targets: tuple[Target, ...], files: int) -> tuple[str, tuple[str, ...]]:
    """Return ffmpeg's filter graph for the first of ``files`` inputs, and the link to map for each of ``targets``."""
    by_size = sorted(range(len(targets)), key=lambda number: _pixels(targets[number]), reverse=True)
    fed = read_stream(0, video.index)
    made: dict[int, Stream] = {}
    for place, number in enumerate(by_size):
        size = targets[number].size
        assert size is not None, "only pictures are asked for"  # noqa: S101
        scaled = (smaller(size), Filter("setsar", {"sar": 1})) if place else filters(video, size)
        whole = fed = apply(fed, *scaled)
        if place < len(by_size) - 1:
            whole, fed = split(whole)
        made[number] = apply(whole, *pacing.filters(video, pacing.fastest(targets[number])))
    return compose(files, tuple(made[number] for number in range(len(targets))), "v")


def _pixels(target: Target) -> int:
    return target.size[0] * target.size[1] if target.size else 0
