"""What counts as a stall: too few bytes for too long."""

import pytest

from videoimport.api.reasons import Reason
from videoimport.worker.fetch.http.response import Interrupted
from videoimport.worker.fetch.limits import Pace, StallDetector

PACE = Pace(rate=1000, seconds=60.0)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def send(stall: StallDetector, clock: Clock, rate: int, seconds: int, offset: int = 0) -> int:
    for _ in range(seconds):
        clock.now += 1
        offset += rate
        stall.check(offset)
    return offset


def test_a_source_that_keeps_the_pace_never_stalls(clock: Clock) -> None:
    send(StallDetector(PACE, clock=clock), clock, rate=1000, seconds=10_000)


def test_a_source_below_the_pace_stalls_after_its_time(clock: Clock) -> None:
    with pytest.raises(Interrupted, match="it sends only 999 bytes a second") as caught:
        send(StallDetector(PACE, clock=clock), clock, rate=999, seconds=100)
    assert caught.value.reason is Reason.STALLED
    assert clock.now == 60


def test_what_came_fast_is_no_credit_for_what_does_not_come(clock: Clock) -> None:
    stall = StallDetector(PACE, clock=clock)
    offset = send(stall, clock, rate=10_000_000, seconds=100)
    with pytest.raises(Interrupted):
        send(stall, clock, rate=1, seconds=100, offset=offset)
    assert clock.now <= 161


def test_bytes_before_the_offset_do_not_count(clock: Clock) -> None:
    stall = StallDetector(PACE, 10**9, clock)
    clock.now = 61
    with pytest.raises(Interrupted):
        stall.check(10**9 + 1)


def test_a_pause_is_not_the_sources(clock: Clock) -> None:
    stall = StallDetector(PACE, clock=clock)
    stall.pause()
    clock.now = 10_000
    assert not stall.is_stalled
    stall.restart()
    clock.now += 59
    assert not stall.is_stalled
    clock.now += 1
    assert stall.is_stalled
