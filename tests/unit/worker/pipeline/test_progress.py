"""The board: whole snapshots that never go back."""

from hypothesis import given
from hypothesis import strategies as some

from support.fake_clock import FakeClock
from videoimport.api.videoimport_status import SourceStatus, StageName, VideoMetadata
from videoimport.worker.pipeline.progress import Board

DOWNLOAD, TRANSCODE = StageName.DOWNLOAD, StageName.TRANSCODE


def test_all_stages_wait_at_first() -> None:
    snapshot = Board(7).snapshot()
    assert snapshot.run == 7
    assert [(stage.name, stage.state) for stage in snapshot.stages] == [(name, "Waiting") for name in StageName]


def test_a_stage_runs_and_ends() -> None:
    clock = FakeClock(100.0)
    board = Board(1, clock)
    board.start(DOWNLOAD)
    clock.now += 5
    board.moved(DOWNLOAD, 50, 100)
    stage = board.snapshot().stages[0]
    assert (stage.state, stage.percent, stage.bytes_done, stage.bytes_total, stage.seconds) == (
        "Running",
        50,
        50,
        100,
        5,
    )
    board.finish(DOWNLOAD)
    clock.now += 50
    done = board.snapshot().stages[0]
    assert (done.state, done.percent, done.seconds) == ("Done", 100, 5)


def test_the_rate_is_that_of_late() -> None:
    clock = FakeClock(100.0)
    board = Board(1, clock)
    board.start(DOWNLOAD)
    for second in range(60):
        clock.now = 100.0 + second
        board.moved(DOWNLOAD, 1000 * second if second < 40 else 40_000, None)
    assert board.snapshot().bytes_per_second == 0


def test_a_download_that_starts_over_keeps_its_percent_and_has_no_negative_rate() -> None:
    clock = FakeClock(100.0)
    board = Board(1, clock)
    board.start(DOWNLOAD)
    board.moved(DOWNLOAD, 80, 100)
    clock.now += 1
    board.moved(DOWNLOAD, 0, 100)
    clock.now += 1
    board.moved(DOWNLOAD, 10, 100)
    snapshot = board.snapshot()
    assert snapshot.stages[0].percent == 80
    assert snapshot.bytes_per_second == 10


@given(some.lists(some.tuples(some.integers(0, 1000), some.one_of(some.none(), some.integers(1, 1000)))))
def test_no_order_of_events_makes_a_percent_go_back(moves: list[tuple[int, int | None]]) -> None:
    board = Board(1)
    board.start(DOWNLOAD)
    seen = 0
    for done, total in moves:
        board.moved(DOWNLOAD, done, total)
        now = board.snapshot().stages[0].percent
        assert seen <= now <= 99
        seen = now


def test_only_what_ran_has_failed() -> None:
    board = Board(1)
    board.start(DOWNLOAD)
    board.finish(DOWNLOAD)
    board.start(TRANSCODE)
    board.fail()
    assert [stage.state for stage in board.snapshot().stages] == ["Done", "Failed", "Waiting", "Waiting"]


def test_what_is_known_stays_known() -> None:
    board = Board(1)
    board.know(SourceStatus(type="Url"))
    board.know(metadata=VideoMetadata(width=1), validated=True)
    board.know()
    snapshot = board.snapshot()
    assert (snapshot.source, snapshot.metadata, snapshot.validated) == (
        SourceStatus(type="Url"),
        VideoMetadata(width=1),
        True,
    )


def test_stillness_is_counted_from_the_last_move_of_any_stage() -> None:
    clock = FakeClock(100.0)
    board = Board(1, clock)
    board.start(DOWNLOAD)
    board.start(TRANSCODE)
    clock.now += 5
    assert board.still() == (5, DOWNLOAD)
    board.moved(DOWNLOAD, 10, 100)
    assert board.still() == (0, DOWNLOAD)
    clock.now += 7
    board.moved(DOWNLOAD, 10, 100)
    board.reached(TRANSCODE, 3)
    assert board.still() == (7, DOWNLOAD)
    board.touch()
    board.finish(DOWNLOAD)
    clock.now += 1
    assert board.still() == (1, TRANSCODE)


def test_a_stage_that_begins_anew_keeps_what_it_had_reached() -> None:
    clock = FakeClock(100.0)
    board = Board(1, clock)
    board.start(TRANSCODE)
    board.reached(TRANSCODE, 60)
    board.wait(TRANSCODE)
    assert (board.snapshot().stages[1].state, board.percent(TRANSCODE)) == ("Waiting", 60)
    clock.now += 3
    board.start(TRANSCODE)
    board.reached(TRANSCODE, 10)
    again = board.snapshot().stages[1]
    assert (again.state, again.percent, again.seconds) == ("Running", 60, 3)


def test_every_stage_may_say_how_and_why() -> None:
    board = Board(1)
    board.decided("Staged", "the index lies at the end", DOWNLOAD)
    board.decided("Encode", "x" * 300)
    download, transcode = board.snapshot().stages[:2]
    assert (download.mode, download.why) == ("Staged", "the index lies at the end")
    assert (transcode.mode, len(transcode.why or "")) == ("Encode", 256)
