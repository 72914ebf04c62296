"""The live table, and the same state as a line."""

import io
import time
from collections.abc import Iterator
from typing import Any

import pytest
from rich.console import Console

from videoimport.cli.live_table import count_items, count_phases, draw_table, format_line, select_rows

Raw = dict[str, Any]


def video(name: str, phase: str | None = None, **status: Any) -> Raw:
    return {"kind": "VideoImport", "metadata": {"name": name}, "status": ({"phase": phase} if phase else {}) | status}


MESSAGE = "127.0.0.1 did not answer. Check the source. Run 2 starts at 2026-05-01T00:00:30Z."
WAITING = {
    "reason": "SourceUnavailable",
    "message": MESSAGE,
    "attempts": {"count": 1, "max": 5, "nextRetryTime": "2026-05-01T00:00:30Z"},
}


NOT_READY = [{"type": "Ready", "status": "False", "reason": "SourceUnavailable"}]


@pytest.fixture
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The time zone of the terminal."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def bulk(**status: Any) -> Raw:
    return {"kind": "BulkImport", "metadata": {"name": "course"}, "status": status}


def drawn(bulks: list[Raw], videos: list[Raw], most: int | None = None, width: int = 120) -> list[str]:
    console = Console(file=io.StringIO(), width=width)
    console.print(draw_table(bulks, videos, most, width))
    output = console.file
    assert isinstance(output, io.StringIO)
    return [line.rstrip() for line in output.getvalue().splitlines()]


class TestTable:
    def test_a_running_import_has_speed_and_time_left_and_an_ended_one_has_neither(self) -> None:
        moving = {"progressPercent": 40, "bytesPerSecond": 2_000_000, "etaSeconds": 65}
        head, running, ended = drawn([], [video("a", "Downloading", **moving), video("b", "Completed", **moving)])
        assert head.split() == ["VIDEO", "PHASE", "PROGRESS", "SPEED", "LEFT", "DETAILS"]
        assert running.split()[:2] == ["a", "Downloading"]
        assert running.endswith("40 %  2.0 MB/s  1:05 min")
        assert ended.endswith("40 %")

    def test_the_details_are_the_reason_or_the_resolution_and_the_mode(self) -> None:
        stages = [{"name": "Download", "mode": "Staged"}, {"name": "Transcode", "mode": "Encode"}]
        encoded = video("a", "Transcoding", metadata={"resolution": "640x360"}, stages=stages)
        rows = drawn([], [encoded, video("b", "Failed", reason="SourceNotFound", stages=stages)])
        assert rows[1].endswith("640x360, Encode")
        assert rows[2].endswith("SourceNotFound")

    def test_an_import_that_nobody_has_seen_yet_is_pending(self) -> None:
        assert drawn([], [video("a")])[1].split()[:2] == ["a", "Pending"]

    def test_a_bulk_is_one_line_below(self) -> None:
        rows = drawn([bulk(phase="Processing", progressPercent=50, total=2, completed=1, active=1)], [video("a")])
        assert rows[-1].startswith("bi/course  Processing")
        assert rows[-1].endswith("50 %  1 of 2 imported, 1 active")

    def test_imports_without_space_are_counted_by_phase(self) -> None:
        videos = [video("a", "Completed"), video("b", "Downloading"), video("c", "Completed"), video("d", "Failed")]
        rows = drawn([], videos, most=2)
        assert [row.split()[0] for row in rows[1:3]] == ["b", "d"]
        assert rows[-1] == "… and 2 more: 2 Completed"

    def test_a_row_stays_one_line_on_a_narrow_terminal(self) -> None:
        rows = drawn([], [video("a", "Failed", displayName="long " * 40, reason="x" * 80)], width=70)
        assert len(rows) == 2
        assert all(len(row) <= 70 for row in rows)

    def test_a_narrow_terminal_gets_name_phase_and_percent(self) -> None:
        rows = drawn([], [video("lecture-1", "Downloading", progressPercent=40, bytesPerSecond=1000)], width=40)
        assert [row.split() for row in rows] == [
            ["VIDEO", "PHASE", "PROGRESS"],
            ["lecture-1", "Downloading", "40", "%"],
        ]

    def test_no_title_controls_the_terminal(self) -> None:
        shown = drawn([bulk(message="\x1b[2J")], [video("a", "Failed", displayName="\x1b]0;t\x07", reason="\x1b[1m")])
        assert all(row.isprintable() for row in shown)


class TestRows:
    def test_active_imports_take_precedence_then_failed_then_waiting_ones(self) -> None:
        phases = ("Completed", "Cancelled", "Queued", "Failed", "Uploading")
        videos = [video(name, phase) for name, phase in zip("abcde", phases, strict=True)]
        chosen = [{found["metadata"]["name"] for found in select_rows(videos, most)[0]} for most in range(1, 5)]
        assert chosen == [{"e"}, {"e", "d"}, {"e", "d", "c"}, {"e", "d", "c", "b"}]

    def test_each_import_is_shown_or_hidden_and_the_shown_ones_are_in_the_order_of_their_names(self) -> None:
        videos = [video(name, "Queued") for name in "cabd"]
        shown, hidden = select_rows(videos, 3)
        assert [found["metadata"]["name"] for found in shown] == ["a", "b", "c"]
        assert hidden == [videos[3]]
        assert select_rows(videos, None)[1] == []

    def test_phases_are_counted_the_most_frequent_first(self) -> None:
        assert count_phases([video("a", "Queued"), video("b", "Failed"), video("c", "Failed")]) == "2 Failed, 1 Queued"


@pytest.mark.parametrize(
    ("status", "counts"),
    [
        ({"total": 4, "completed": 3, "failed": 1}, "3 of 4 imported, 1 failed"),
        ({"total": 4, "active": 2, "rejectedCount": 1}, "0 of 4 imported, 2 active, 1 rejected"),
        ({"message": "The list is read."}, "The list is read."),
        ({}, ""),
    ],
)
def test_the_items_of_a_bulk_are_counted_if_their_number_is_known(status: Raw, counts: str) -> None:
    assert count_items(bulk(**status)) == counts


@pytest.mark.parametrize(
    ("resource", "line"),
    [
        (
            video("a", "Uploading", progressPercent=80, bytesPerSecond=1_000, etaSeconds=5),
            "vi/a: Uploading 80 %, 1.0 kB/s, 5 s left",
        ),
        (video("a", "Failed", reason="SourceNotFound"), "vi/a: Failed 0 %, SourceNotFound"),
        (
            bulk(phase="Completed", progressPercent=100, total=1, completed=1),
            "bi/course: Completed 100 %, 1 of 1 imported",
        ),
        (video("a"), "vi/a: Pending 0 %"),
        (
            video("a", "Pending", **WAITING),
            f"vi/a: Pending 0 %, SourceUnavailable (attempt 1 of 5, next at 00:00:30): {MESSAGE}",
        ),
        (
            bulk(phase="Discovering", message=MESSAGE, discovery=WAITING, total=0),
            f"bi/course: Discovering 0 %, SourceUnavailable (attempt 1 of 5, next at 00:00:30): {MESSAGE}",
        ),
        (
            bulk(phase="Failed", message=MESSAGE, discovery=WAITING, total=0, conditions=NOT_READY),
            "bi/course: Failed 0 %, SourceUnavailable, 0 of 0 imported",
        ),
    ],
)
@pytest.mark.usefixtures("utc")
def test_a_state_is_a_line_without_empty_parts(resource: Raw, line: str) -> None:
    assert format_line(resource) == line
