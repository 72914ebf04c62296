"""The lines of several resources where there is no terminal."""

import io
from typing import Any

from rich.console import Console

from videoimport.cli.resource_display import LineDisplay

Raw = dict[str, Any]


def video(phase: str, percent: int) -> Raw:
    status = {"phase": phase, "progressPercent": percent}
    return {"kind": "VideoImport", "metadata": {"name": "clip", "namespace": "media"}, "status": status}


def test_a_line_comes_with_each_phase_and_otherwise_every_few_seconds() -> None:
    out, clock = io.StringIO(), iter((0.0, 1.0, 2.0, 6.9, 7.0))
    states = [("Downloading", 10), ("Downloading", 20), ("Transcoding", 30), ("Transcoding", 40), ("Transcoding", 50)]
    with LineDisplay(Console(file=out), lambda: next(clock)) as lines:
        for phase, percent in states:
            lines.show([], [video(phase, percent)])
    assert [line.split()[1:3] for line in out.getvalue().splitlines()] == [
        ["Downloading", "10"],
        ["Transcoding", "30"],
        ["Transcoding", "50"],
    ]


def test_the_last_state_is_printed_at_once() -> None:
    out, clock = io.StringIO(), iter((0.0, 0.1))
    with LineDisplay(Console(file=out), lambda: next(clock)) as lines:
        lines.show([], [video("Uploading", 90)])
        lines.show([], [video("Completed", 100)])
    assert "Completed 100 %" in out.getvalue()
