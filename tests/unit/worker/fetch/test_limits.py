"""Limits on bytes and on their rate, and what counts as a stall: too few bytes for too long."""

from unittest.mock import Mock

import pytest

from support.fake_clock import FakeClock
from videoimport.api.reasons import Reason
from videoimport.worker.fetch.http.response import Interrupted
from videoimport.worker.fetch.limits import CHUNK, FetchLimits, Pace, StallDetector, Throttle
from videoimport.worker.runtime.errors import ImportFailure

PACE = Pace(rate=1000, seconds=60.0)


class TestThrottle:
    def test_readers_together_keep_to_the_rate(self) -> None:
        now = [0.0]

        def sleep(seconds: float) -> None:
            now[0] += seconds

        throttle = Throttle(1000, lambda: now[0], sleep)
        for _ in range(10):
            throttle.took(500)
        assert now[0] == pytest.approx(5.0)

    def test_without_a_rate_nobody_waits(self) -> None:
        sleep = Mock()
        Throttle(None, lambda: 0.0, sleep).took(10**9)
        sleep.assert_not_called()

    @pytest.mark.parametrize(("rate", "chunk"), [(None, CHUNK), (10**9, CHUNK), (100_000, 25_000), (10, 1024)])
    def test_no_read_is_a_long_wait(self, rate: int | None, chunk: int) -> None:
        assert Throttle(rate).chunk == chunk


def test_limits_count_what_is_there_already() -> None:
    limits = FetchLimits(room_bytes=100, max_bytes=50, before=40)
    limits.check(10)
    with pytest.raises(ImportFailure) as caught:
        limits.check(11)
    assert "51 bytes" in caught.value.message


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def send(stall: StallDetector, clock: FakeClock, rate: int, seconds: int, offset: int = 0) -> int:
    for _ in range(seconds):
        clock.now += 1
        offset += rate
        stall.check(offset)
    return offset


def test_a_source_that_keeps_the_pace_never_stalls(clock: FakeClock) -> None:
    send(StallDetector(PACE, clock=clock), clock, rate=1000, seconds=10_000)


def test_a_source_below_the_pace_stalls_after_its_time(clock: FakeClock) -> None:
    with pytest.raises(Interrupted, match="it sends only 999 bytes a second") as caught:
        send(StallDetector(PACE, clock=clock), clock, rate=999, seconds=100)
    assert caught.value.reason is Reason.STALLED
    assert clock.now == 60


def test_what_came_fast_is_no_credit_for_what_does_not_come(clock: FakeClock) -> None:
    stall = StallDetector(PACE, clock=clock)
    offset = send(stall, clock, rate=10_000_000, seconds=100)
    with pytest.raises(Interrupted):
        send(stall, clock, rate=1, seconds=100, offset=offset)
    assert clock.now <= 161


def test_bytes_before_the_offset_do_not_count(clock: FakeClock) -> None:
    stall = StallDetector(PACE, 10**9, clock)
    clock.now = 61
    with pytest.raises(Interrupted):
        stall.check(10**9 + 1)


def test_a_pause_is_not_the_sources(clock: FakeClock) -> None:
    stall = StallDetector(PACE, clock=clock)
    stall.pause()
    clock.now = 10_000
    assert not stall.is_stalled
    stall.restart()
    clock.now += 59
    assert not stall.is_stalled
    clock.now += 1
    assert stall.is_stalled
