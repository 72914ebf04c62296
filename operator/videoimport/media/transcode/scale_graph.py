"""Several sizes of one decode: each is scaled from the next larger one, which is cheaper than from the source."""

from videoimport.media.source.streams import Video
from videoimport.media.transcode import frame_pacing as pacing
from videoimport.media.transcode.output_files import Target
from videoimport.media.transcode.plan import filters, smaller


def graph(video: Video, targets: tuple[Target, ...]) -> str:
    """ffmpeg's filter graph of the first input: output ``[vN]`` is the picture of ``targets[N]``."""
    by_size = sorted(range(len(targets)), key=lambda number: _pixels(targets[number]), reverse=True)
    chains: list[str] = []
    fed = f"[0:{video.index}]"
    for place, number in enumerate(by_size):
        size = targets[number].size
        assert size is not None, "only pictures are asked for"  # noqa: S101
        chain = [smaller(size), "setsar=1"] if place else list(filters(video, size))
        paced = pacing.filters(video, pacing.fastest(targets[number]))
        if place < len(by_size) - 1:
            chains.append(f"{fed}{','.join(chain)},split=2[whole{place}][next{place}]")
            chains.append(f"[whole{place}]{','.join(paced)}[v{number}]")
        else:
            chains.append(f"{fed}{','.join([*chain, *paced])}[v{number}]")
        fed = f"[next{place}]"
    return ";".join(chains)


def _pixels(target: Target) -> int:
    return target.size[0] * target.size[1] if target.size else 0
