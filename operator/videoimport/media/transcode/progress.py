"""Parser of ffmpeg's ``-progress`` output.

The output is blocks of key=value lines. Each block ends with ``progress=continue`` or ``progress=end``.
"""

from collections.abc import Iterable, Iterator

from videoimport.media.source.probe_bounds import LATEST_SECONDS, read_integer

_LATEST_MICROSECONDS = int(LATEST_SECONDS) * 1_000_000


def output_seconds(lines: Iterable[str]) -> Iterator[float]:
    """Yield the seconds of output that ffmpeg has written, once for each block. Blocks without a time are skipped."""
    for line in lines:
        key, _, value = line.strip().partition("=")
        written = read_integer(value, most=_LATEST_MICROSECONDS, least=-_LATEST_MICROSECONDS)
        if key == "out_time_us" and written is not None:
            yield max(0.0, written / 1_000_000)


def percent(done: float, total: float | None) -> int:
    """Return the progress in whole percent, from 0 to 100. Return 0 while the total is unknown."""
    return int(max(0.0, min(100.0, done * 100 / total))) if total and total > 0 else 0
