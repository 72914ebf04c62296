"""The live table of imports, and the same state as one line for output that is not a terminal.

The table and the line depend only on the resources. So the commands for a cluster, the embedded mode and the demo use
the same functions.
"""

from collections import Counter
from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.filesize import decimal
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from videoimport.cli.progress_display import printable, spoken
from videoimport.cli.resource_facts import (
    Raw,
    explain_reason,
    is_finished,
    name_of,
    percent_of,
    phase_of,
    reason_of,
    reference_of,
    status_of,
    title_of,
)

_WIDTHS = {"VIDEO": 12, "PHASE": 11, "PROGRESS": 8, "": 5, "SPEED": 8, "LEFT": 8, "DETAILS": 10}
"""Columns, each with its least number of characters. Names and details are cut where a terminal has no space."""
_NARROW = ("VIDEO", "PHASE", "PROGRESS")
_LEAST_WIDTH = sum(_WIDTHS.values()) + 2 * len(_WIDTHS)
"""Least number of columns of a terminal for all columns of the table. A narrower terminal gets three, and percents."""
_BAR_WIDTH = 16
_WAITING = ("Pending", "Queued", "Suspended")
_ENDED = ("Failed", "Cancelled", "Completed")
_STYLES = {"Completed": "green", "Failed": "red", "Cancelled": "yellow", **dict.fromkeys(_WAITING, "dim")}


def draw_table(
    bulks: Sequence[Raw], videos: Sequence[Raw], most_rows: int | None = None, width: int | None = None
) -> RenderableType:
    """Return a table with one row for each VideoImport, and a line for each BulkImport below.

    If there are more than ``most_rows`` VideoImports, active VideoImports are shown first, then failed VideoImports. A
    line has the number of hidden VideoImports in each phase. ``width`` is the number of columns of the terminal.
    """
    shown, hidden = select_rows(videos, most_rows)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    is_narrow = width is not None and width < _LEAST_WIDTH
    for heading in _NARROW if is_narrow else _WIDTHS:
        ratio = 1 if heading in ("VIDEO", "DETAILS") else None
        table.add_column(heading, no_wrap=True, overflow="ellipsis", ratio=ratio, min_width=_WIDTHS[heading])
    for video in shown:
        name, phase, bar, percent, *facts = _cells(video)
        table.add_row(name, phase, *([percent] if is_narrow else [bar, percent, *facts]))
    rest = [Text(f"… and {len(hidden)} more: {count_phases(hidden)}", style="dim")] if hidden else []
    return Group(*([table] if shown else []), *rest, *(_draw_bulk(bulk) for bulk in bulks))


def select_rows(videos: Sequence[Raw], most: int | None) -> tuple[list[Raw], list[Raw]]:
    """Return two lists: the VideoImports to show, sorted by name, and the hidden VideoImports."""
    if most is None or len(videos) <= most:
        return sorted(videos, key=name_of), []
    ranked = sorted(videos, key=lambda video: (_urgency(phase_of(video)), name_of(video)))
    return sorted(ranked[:most], key=name_of), ranked[most:]


def count_phases(videos: Sequence[Raw]) -> str:
    """Return the number of VideoImports in each phase, such as 4 Completed, 2 Queued."""
    counts = Counter(phase_of(video) for video in videos)
    return ", ".join(f"{number} {phase}" for phase, number in counts.most_common())


def count_items(bulk: Raw) -> str:
    """Return the counts of a BulkImport's items, such as 3 of 4 imported, 1 failed."""
    status = status_of(bulk)
    if status.get("total") is None:
        return printable(str(status.get("message", "")))
    parts = [f"{status.get('completed', 0)} of {status['total']} imported"]
    words = (("active", "active"), ("failed", "failed"), ("rejectedCount", "rejected"))
    return ", ".join([*parts, *(f"{status[field]} {word}" for field, word in words if status.get(field))])


def format_line(resource: Raw) -> str:
    """Return the state of a resource on one line, for output that is not a terminal."""
    status = status_of(resource)
    parts = [f"{phase_of(resource)} {percent_of(resource)} %", _speed(status)]
    if left := _time_left(status):
        parts.append(f"{left} left")
    parts.append(_describe_bulk(resource) if resource["kind"] == "BulkImport" else _details(resource))
    return f"{reference_of(resource)}: {', '.join(filter(None, parts))}"


def _urgency(phase: str) -> int:
    """Return the rank of a phase: active, failed, waiting, cancelled, completed."""
    order = ("Failed", *_WAITING, "Cancelled", "Completed")
    return order.index(phase) + 1 if phase in order else 0


def _cells(video: Raw) -> tuple[RenderableType, ...]:
    status, phase = status_of(video), phase_of(video)
    texts = (f"{percent_of(video):3d} %", _speed(status), _time_left(status), _details(video))
    return Text(title_of(video)), Text(phase, style=_STYLES.get(phase, "")), _bar(video), *map(Text, texts)


def _draw_bulk(bulk: Raw) -> RenderableType:
    """Return the line of a BulkImport."""
    status, phase = status_of(bulk), phase_of(bulk)
    left = _time_left(status)
    words = ", ".join(filter(None, (_describe_bulk(bulk), left and f"{left} left")))
    line = Table.grid(padding=(0, 2, 0, 0))
    line.add_row(
        Text(reference_of(bulk), style="bold"),
        Text(phase, style=_STYLES.get(phase, "")),
        _bar(bulk),
        Text(f"{percent_of(bulk):3d} %"),
        Text(words),
    )
    return line


def _bar(resource: Raw) -> ProgressBar:
    failed = phase_of(resource) == "Failed"
    style, done = ("red", "red") if failed else ("bar.complete", "green")
    return ProgressBar(
        total=100, completed=percent_of(resource), width=_BAR_WIDTH, complete_style=style, finished_style=done
    )


def _speed(status: Raw) -> str:
    rate = status.get("bytesPerSecond")
    return f"{decimal(rate)}/s" if rate and status.get("phase") not in _ENDED else ""


def _time_left(status: Raw) -> str:
    seconds = status.get("etaSeconds")
    return spoken(seconds) if seconds and status.get("phase") not in _ENDED else ""


def _describe_bulk(bulk: Raw) -> str:
    """Return the counts, after the reason of a failure. For a BulkImport that waits for its list, return the reason and
    the message, which has the counts."""
    if is_finished(bulk):
        return ", ".join(filter(None, (reason_of(bulk), count_items(bulk))))
    return explain_reason(bulk) or count_items(bulk)


def _details(video: Raw) -> str:
    """Return the reason and the message, otherwise the resolution and the mode of the transcoding. An ended import has
    only the reason, because its command prints the message at the end."""
    status = status_of(video)
    if status.get("reason"):
        return reason_of(video) if is_finished(video) else explain_reason(video)
    modes = [stage.get("mode") for stage in status.get("stages") or () if stage["name"] == "Transcode"]
    resolution = (status.get("metadata") or {}).get("resolution")
    return printable(", ".join(str(word) for word in (resolution, *modes) if word))
