"""Show a live table of a BulkImport and its videos until the BulkImport is finished."""

import time
from collections.abc import Callable
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.table import Table

from demo.kubectl import Kubectl

Resource = dict[str, Any]
POLL_SECONDS = 1.0
_LONGEST_SECONDS = 900


def watch(kubectl: Kubectl, bulk: str) -> Resource:
    """Show the table until the BulkImport is Finished, and return the BulkImport. Raise TimeoutError after 15
    minutes."""
    console = Console()
    if console.is_terminal:
        with Live(console=console, refresh_per_second=4) as live:
            return _poll(kubectl, bulk, lambda found, videos: live.update(table(found, videos)))
    seen: list[str] = []

    def print_changes(found: Resource, videos: list[Resource]) -> None:
        line = one_line(found, videos)
        if [line] != seen[-1:]:
            seen.append(line)
            print(line, flush=True)

    return _poll(kubectl, bulk, print_changes)


def _poll(kubectl: Kubectl, bulk: str, show: Callable[[Resource, list[Resource]], None]) -> Resource:
    for _ in range(int(_LONGEST_SECONDS / POLL_SECONDS)):
        found = kubectl.json("get", "bulkimport", bulk)
        videos = kubectl.json("get", "videoimports", "--selector", f"videoimport.io/bulk={bulk}")["items"]
        show(found, videos)
        if finished(found):
            return found
        time.sleep(POLL_SECONDS)
    raise TimeoutError(f"bulkimport/{bulk} did not finish within {_LONGEST_SECONDS} s")


def finished(resource: Resource) -> bool:
    """Return whether the condition Finished is True."""
    conditions = resource.get("status", {}).get("conditions", [])
    return any(condition["type"] == "Finished" and condition["status"] == "True" for condition in conditions)


def table(bulk: Resource, videos: list[Resource]) -> Table:
    """Return a table with a row for the BulkImport and a row for each video."""
    drawn = Table(title=f"bulkimport/{bulk['metadata']['name']}", title_justify="left")
    for heading in ("video", "phase", "progress", "resolution", "reason"):
        drawn.add_column(heading)
    for row in sorted(rows(videos)):
        drawn.add_row(*row)
    status = bulk.get("status", {})
    drawn.add_section()
    drawn.add_row("all", status.get("phase", ""), bar(status.get("progressPercent", 0)), "", status.get("message", ""))
    return drawn


def rows(videos: list[Resource]) -> list[tuple[str, ...]]:
    """Yield the name, phase, progress, resolution and reason of each video."""
    found: list[tuple[str, ...]] = []
    for video in videos:
        status = video.get("status", {})
        name = status.get("displayName", video["metadata"]["name"])
        resolution = status.get("metadata", {}).get("resolution", "")
        progress = bar(status.get("progressPercent", 0))
        found.append((name, status.get("phase", ""), progress, resolution, status.get("reason", "")))
    return found


def bar(percent: int) -> str:
    """Return a progress bar of 20 characters and the number."""
    full = percent // 5
    return "█" * full + "░" * (20 - full) + f" {percent:3d} %"


def one_line(bulk: Resource, videos: list[Resource]) -> str:
    """Return the whole state on one line, for output that is no terminal."""
    status = bulk.get("status", {})
    parts = [f"{row[0]} {row[1]} {row[2].rpartition(' ')[0].split()[-1]}%" for row in sorted(rows(videos))]
    return f"{status.get('phase', '')} {status.get('progressPercent', 0):3d}% | " + " | ".join(parts)
