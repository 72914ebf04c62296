import asyncio
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from support.every_case import every_case
from videoimport.controller.client.resources import Key
from videoimport.controller.queue.workqueue import Backoff, KeyedQueue

ONE, TWO = Key("VideoImport", "ns", "one"), Key("VideoImport", "ns", "two")


async def test_a_key_added_twice_comes_once() -> None:
    queue = KeyedQueue()
    queue.add(ONE)
    queue.add(ONE)
    queue.add(TWO)
    assert [await queue.get(), await queue.get()] == [ONE, TWO]
    assert queue.depth == 0


async def test_a_key_added_while_it_is_processed_comes_again_and_only_then() -> None:
    queue = KeyedQueue()
    queue.add(ONE)
    assert await queue.get() == ONE
    queue.add(ONE)
    waiting = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    assert not waiting.done()
    queue.done(ONE)
    assert await waiting == ONE


async def test_a_delayed_key_comes_when_it_is_due(clock: Any) -> None:
    queue = KeyedQueue(clock=clock)
    queue.add_after(ONE, 5)
    assert queue.depth == 0
    clock.now += 5
    assert await queue.get() == ONE


async def test_the_earliest_of_two_delays_counts_and_the_later_one_is_void(clock: Any) -> None:
    queue = KeyedQueue(clock=clock)
    queue.add_after(ONE, 50)
    queue.add_after(ONE, 5)
    queue.add_after(ONE, 20)
    clock.now += 5
    assert await queue.get() == ONE
    queue.done(ONE)
    clock.now += 100
    queue.add(TWO)
    assert await queue.get() == TWO
    assert queue.depth == 0


async def test_a_delay_in_the_past_means_now() -> None:
    queue = KeyedQueue()
    queue.add_after(ONE, -3)
    assert await queue.get() == ONE


async def test_failures_delay_longer_and_longer_until_a_success(clock: Any) -> None:
    queue = KeyedQueue(Backoff(base=1, cap=8), clock=clock)
    delays = [queue.retry(ONE) for _ in range(6)]
    assert all(low <= delay <= 2 * low for low, delay in zip([0.5, 1, 2, 4, 4, 4], delays, strict=True))
    queue.succeeded(ONE)
    assert queue.retry(ONE) <= 1


async def test_a_server_that_wants_a_pause_gets_it(clock: Any) -> None:
    assert KeyedQueue(Backoff(base=0.1), clock=clock).retry(ONE, at_least=7) == 7


async def test_the_head_is_what_waits_or_is_worked_on_longest(clock: Any) -> None:
    queue = KeyedQueue(clock=clock)
    assert queue.head_age == 0
    queue.add(ONE)
    clock.now += 3
    queue.add(TWO)
    assert queue.head_age == 3
    assert await queue.get() == ONE
    assert queue.head_age == 0
    clock.now += 4
    assert queue.head_age == 4
    queue.done(ONE)
    assert queue.head_age == 4


async def test_a_key_that_rests_comes_once_however_often_it_was_added(clock: Any) -> None:
    queue = KeyedQueue(clock=clock)
    queue.add(ONE)
    assert await queue.get() == ONE
    queue.add(ONE)
    queue.rest(ONE, 2)
    queue.done(ONE)
    queue.add(ONE)
    assert queue.depth == 0
    clock.now += 2
    assert await queue.get() == ONE
    queue.done(ONE)
    assert queue.depth == 0


async def test_a_rest_is_bounded_and_a_short_one_is_none(clock: Any) -> None:
    queue = KeyedQueue(clock=clock)
    for key, seconds in ((ONE, 3600), (TWO, 0.001)):
        queue.add(key)
        assert await queue.get() == key
        queue.rest(key, seconds)
        queue.done(key)
        queue.add(key)
    assert queue.depth == 1
    assert await queue.get() == TWO
    clock.now += 5
    assert await queue.get() == ONE


async def test_a_key_that_waits_for_its_time_is_no_sign_of_trouble(clock: Any) -> None:
    queue = KeyedQueue(clock=clock)
    queue.add_after(ONE, 3600)
    clock.now += 3000
    assert queue.head_age == 0


async def test_closing_ends_every_worker_and_gives_out_nothing_more() -> None:
    queue = KeyedQueue()
    workers = [asyncio.create_task(queue.get()) for _ in range(3)]
    await asyncio.sleep(0)
    queue.close()
    assert await asyncio.gather(*workers) == [None] * 3
    queue.add(ONE)
    assert await queue.get() is None


async def test_many_workers_never_hold_one_key_twice() -> None:
    queue, held, most = KeyedQueue(), set[Key](), 0
    keys = [Key("VideoImport", "ns", str(number)) for number in range(5)]

    async def work() -> None:
        nonlocal most
        while (key := await queue.get()) is not None:
            assert key not in held
            held.add(key)
            most = max(most, len(held))
            await asyncio.sleep(0)
            held.discard(key)
            queue.done(key)

    workers = [asyncio.create_task(work()) for _ in range(4)]
    for number in range(100):
        queue.add(keys[number % 5])
        queue.add(keys[number * 3 % 5])
        await asyncio.sleep(0)
    queue.close()
    await asyncio.gather(*workers)
    assert 1 < most <= 4


@given(failures=st.integers(1, 10_000), chance=st.floats(0, 1))
def test_a_delay_never_exceeds_the_cap_nor_falls_below_half_the_base(failures: int, chance: float) -> None:
    assert 0.05 <= Backoff(0.1, 60).delay(failures, chance) <= 60


@every_case("failures", range(1, 12))
def test_delays_grow(failures: int) -> None:
    backoff = Backoff(0.1, 60)
    assert backoff.delay(failures, 0.5) <= backoff.delay(failures + 1, 0.5)
