"""Several sizes of one decode: each is scaled from the next larger one, which is cheaper than from the source."""

from videoimport.media.plan import ordinary, scaled, wholesome
from videoimport.media.probe import Video
from videoimport.media.targets import Target


def graph(video: Video, targets: tuple[Target, ...]) -> str:
    """ffmpeg's filter graph of the first input: output ``[vN]`` is the picture of ``targets[N]``."""
    by_size = sorted(range(len(targets)), key=lambda number: _pixels(targets[number]), reverse=True)
    chains: list[str] = []
    fed = f"[0:{video.index}]"
    for place, number in enumerate(by_size):
        size = targets[number].size
        assert size is not None, "only pictures are asked for"  # noqa: S101
        chain = [scaled(size)] if place else [*wholesome(video), scaled(size), *ordinary(video)]
        is_last = place == len(by_size) - 1
        out = f"[v{number}]" if is_last else f",split=2[v{number}][next{place}]"
        chains.append(f"{fed}{','.join([*chain, *(['setsar=1'] if place else [])])}{out}")
        fed = f"[next{place}]"
    return ";".join(chains)


def _pixels(target: Target) -> int:
    return target.size[0] * target.size[1] if target.size else 0
