"""ffmpeg's ``-progress`` blocks: key=value lines, each block ended by ``progress=continue`` or ``progress=end``."""

from collections.abc import Iterable, Iterator


def output_seconds(lines: Iterable[str]) -> Iterator[float]:
    """How many seconds have been written, once a block; blocks that do not know yet are passed over."""
    for line in lines:
        key, _, value = line.strip().partition("=")
        if key == "out_time_us" and value.lstrip("-").isdigit():
            yield max(0.0, int(value) / 1_000_000)


def percent(done: float, total: float | None) -> int:
    """Whole percent, 0 to 100; 0 while the total is unknown."""
    return min(100, int(done * 100 / total)) if total else 0
