"""The progress of one VideoImport as a bar with its stages, and lines for a terminal."""

import unicodedata

from rich.console import Console, Group, RenderableType
from rich.filesize import decimal
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from videoimport.api.videoimport_status import Stage, VideoImportStatus

_LINE_SECONDS = 5.0
_BAR_WIDTH = 30
_STYLES = {"Waiting": "dim", "Running": "", "Done": "green", "Failed": "red"}


def say(console: Console, text: str, style: str = "") -> None:
    """Print a line without markup. Lines are wrapped only on a terminal."""
    console.print(Text(printable(text), style=style), soft_wrap=True)


def printable(text: str) -> str:
    """Return the text with U+FFFD in place of characters that control a terminal. The text may come from an untrusted
    server. Space characters of all writing systems are kept."""
    return "".join(letter if _is_harmless(letter) else "\N{REPLACEMENT CHARACTER}" for letter in text)


def _is_harmless(letter: str) -> bool:
    return letter.isprintable() or unicodedata.category(letter) == "Zs"


def headline(status: VideoImportStatus) -> str:
    """Return one line with the phase, percent, rate and time left. Unknown values are left out."""
    parts = [f"{status.phase or 'Pending'} {status.progress_percent or 0} %"]
    if status.bytes_per_second:
        parts.append(f"{decimal(status.bytes_per_second)}/s")
    if status.eta_seconds:
        parts.append(f"about {spoken(status.eta_seconds)} left")
    return ", ".join(parts)


def spoken(seconds: int) -> str:
    """Return a duration such as 14 s, 3:05 min or 1:02:03 h."""
    minutes, rest = divmod(seconds, 60)
    hours, minutes_left = divmod(minutes, 60)
    if hours:
        return f"{hours}:{minutes_left:02d}:{rest:02d} h"
    return f"{minutes}:{rest:02d} min" if minutes else f"{rest} s"


def drawn(name: str, status: VideoImportStatus) -> RenderableType:
    """Return the bar with its headline, one row for each stage, and the reason of a wait with its message."""
    top = Table.grid(padding=(0, 1))
    bar = ProgressBar(total=100, completed=status.progress_percent or 0, width=_BAR_WIDTH)
    top.add_row(Text(name, style="bold"), bar, Text(headline(status)))
    stages = Table.grid(padding=(0, 2))
    for stage in status.stages:
        stages.add_row(
            *(Text(printable(cell), style=_STYLES[stage.state], overflow="ellipsis") for cell in _cells(stage))
        )
    if status.reason is None:
        return Group(top, stages)
    attempts = status.attempts
    attempt = f" (attempt {attempts.count} of {attempts.max})" if attempts else ""
    return Group(top, stages, Text(printable(f"  {status.reason}{attempt}: {status.message or ''}".rstrip(": "))))


def _cells(stage: Stage) -> tuple[str, ...]:
    percent = "" if stage.state == "Waiting" else f"{stage.percent:3d} %"
    moved = "" if stage.bytes_done is None else decimal(stage.bytes_done)
    if moved and stage.bytes_total:
        moved += f" of {decimal(stage.bytes_total)}"
    mode = ": ".join(word for word in (stage.mode, stage.why) if word)
    return f"  {stage.name}", percent, moved, mode
