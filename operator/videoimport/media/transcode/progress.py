"""ffmpeg's ``-progress`` blocks: key=value lines, each block ended by ``progress=continue`` or ``progress=end``."""

from collections.abc import Iterable, Iterator

from videoimport.media.source.probe_bounds import LATEST_SECONDS, read_integer

_LATEST_MICROSECONDS = int(LATEST_SECONDS) * 1_000_000


def output_seconds(lines: Iterable[str]) -> Iterator[float]:
    """How many seconds have been written, once a block; blocks that do not know yet are passed over."""
    for line in lines:
        key, _, value = line.strip().partition("=")
        written = read_integer(value, most=_LATEST_MICROSECONDS, least=-_LATEST_MICROSECONDS)
        if key == "out_time_us" and written is not None:
            yield max(0.0, written / 1_000_000)


def percent(done: float, total: float | None) -> int:
    """Whole percent, 0 to 100; 0 while the total is unknown."""
    return int(max(0.0, min(100.0, done * 100 / total))) if total and total > 0 else 0
