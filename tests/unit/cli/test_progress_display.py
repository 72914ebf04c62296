"""The progress of a run, as a terminal or a log shows it."""

import io

import pytest
from rich.console import Console

from videoimport.api.reasons import Reason
from videoimport.api.videoimport_status import (
    Attempts,
    Stage,
    StageName,
    VideoImportStatus,
    VideoPhase,
)
from videoimport.cli.progress_display import drawn, headline, say, spoken

ENCODED = Stage(name=StageName.TRANSCODE, state="Done", percent=100, mode="Encode", why="the video is vp9")


@pytest.mark.parametrize(("seconds", "words"), [(0, "0 s"), (59, "59 s"), (65, "1:05 min"), (3723, "1:02:03 h")])
def test_times_are_told_as_people_say_them(seconds: int, words: str) -> None:
    assert spoken(seconds) == words


RUNNING = VideoImportStatus(
    phase=VideoPhase.DOWNLOADING,
    progress_percent=42,
    bytes_per_second=3_100_000,
    eta_seconds=12,
    stages=(
        Stage(name=StageName.DOWNLOAD, state="Running", percent=40, bytes_done=1_200_000, bytes_total=3_000_000),
        Stage(name=StageName.TRANSCODE, state="Waiting"),
    ),
)


def test_the_headline_has_phase_percent_rate_and_time_left() -> None:
    assert headline(RUNNING) == "Downloading 42 %, 3.1 MB/s, about 12 s left"
    assert headline(VideoImportStatus()) == "Pending 0 %"


def test_the_bar_has_a_row_for_each_stage_and_takes_nothing_for_markup() -> None:
    console = Console(file=io.StringIO(), width=100)
    with console.capture() as captured:
        console.print(drawn("clip[0]", RUNNING.model_copy(update={"stages": (*RUNNING.stages, ENCODED)})))
    first, *rows = captured.get().splitlines()
    assert first.startswith("clip[0] ━")
    assert "42 %, 3.1 MB/s" in first
    assert [row.split() for row in rows] == [
        ["Download", "40", "%", "1.2", "MB", "of", "3.0", "MB"],
        ["Transcode"],
        ["Transcode", "100", "%", "Encode:", "the", "video", "is", "vp9"],
    ]


def test_a_wait_has_its_reason_attempt_and_message() -> None:
    waiting = VideoImportStatus(
        phase=VideoPhase.PENDING,
        reason=Reason.SOURCE_UNAVAILABLE,
        message="The host did not answer. Run 2 starts at 2026-05-01T00:00:30Z.",
        attempts=Attempts(count=1, max=3),
    )
    console = Console(file=io.StringIO(), width=120)
    with console.capture() as captured:
        console.print(drawn("clip", waiting))
    assert captured.get().splitlines()[-1] == (
        "  SourceUnavailable (attempt 1 of 3): The host did not answer. Run 2 starts at 2026-05-01T00:00:30Z."
    )


def test_what_a_terminal_would_obey_is_not_printed() -> None:
    out = io.StringIO()
    say(Console(file=out), "title \x1b]0;owned\x07 [bold]")
    assert out.getvalue() == "title \N{REPLACEMENT CHARACTER}]0;owned\N{REPLACEMENT CHARACTER} [bold]\n"
