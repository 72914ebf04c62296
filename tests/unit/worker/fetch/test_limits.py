"""Limits on bytes and on their rate."""

from unittest.mock import Mock

import pytest

from videoimport.worker.fetch.limits import CHUNK, Limits, Throttle
from videoimport.worker.runtime.errors import ImportFailure


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
    limits = Limits(room_bytes=100, max_bytes=50, before=40)
    limits.check(10)
    with pytest.raises(ImportFailure) as caught:
        limits.check(11)
    assert "51 bytes" in caught.value.message
