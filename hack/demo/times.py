"""The table at the end of the preparation: how long each step took, the longest first."""

import json
from pathlib import Path
from typing import Any

SHORTEST = 1.0
"""Seconds. Shorter steps share one line."""


def read_times(file: Path) -> list[dict[str, Any]]:
    """Return the steps that `run_steps` wrote to the file: title, seconds, and remark or None. Return no
    steps if there is no file."""
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def time_table(steps: list[dict[str, Any]]) -> list[str]:
    """Return the lines of a table of step, seconds and remark, with the sum at the end."""
    long = sorted((step for step in steps if step["seconds"] >= SHORTEST), key=lambda step: -step["seconds"])
    rest = [step["seconds"] for step in steps if step["seconds"] < SHORTEST]
    rows = [(step["title"], step["seconds"], step["remark"] or "made") for step in long]
    if rest:
        rows.append((f"{len(rest)} shorter steps", sum(rest), ""))
    rows.append(("all steps", sum(step["seconds"] for step in steps), ""))
    width = max(len(title) for title, _, _ in rows)
    heading = f"{'STEP':<{width}}  SECONDS  REMARK"
    return [heading, *(f"{title:<{width}}  {took:>7.1f}  {remark}".rstrip() for title, took, remark in rows)]
