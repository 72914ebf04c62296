import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from videoimport.controller.cache import relist
from videoimport.controller.cache.relist import Relister
from videoimport.controller.cache.store import Store
from videoimport.controller.client.cluster import Page
from videoimport.controller.client.errors import Gone, NotFound, Unavailable
from videoimport.controller.client.resources import KINDS

Thing = Callable[..., dict[str, Any]]


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relist, "FIRST_PAUSE", 0.001)
    monkeypatch.setattr(relist, "LONGEST_PAUSE", 0.001)


class Done:
    """Counts comparisons, and is waited for."""

    def __init__(self, wanted: int = 1) -> None:
        self.left = wanted
        self.all = asyncio.Event()

    def __call__(self) -> None:
        self.left -= 1
        if self.left == 0:
            self.all.set()


def relister(
    cluster: Any, done: Callable[[], None], namespaces: tuple[str, ...] = (), interval: float = 3600
) -> Relister:
    return Relister(cluster, Store(lambda _: None), namespaces, interval, done)


async def run_until(chosen: Relister, done: Done) -> None:
    running = asyncio.create_task(chosen.run())
    async with asyncio.timeout(300):
        await done.all.wait()
    running.cancel()


async def test_filling_goes_on_until_everything_was_listed(cluster: Any) -> None:
    cluster.failures["pages"] = [Unavailable("not up"), NotFound("no such resource"), Gone("too late")]
    done = Done()
    await relister(cluster, done).fill()
    assert [kind for kind, _, _ in cluster.called("pages")][-len(KINDS) :] == list(KINDS)
    assert done.left == 0


async def test_with_namespaces_each_is_listed(cluster: Any) -> None:
    await relister(cluster, Done(), ("a", "b")).fill()
    assert [(kind, namespace) for kind, namespace, _ in cluster.called("pages")] == [
        (kind, namespace) for kind in KINDS for namespace in ("a", "b")
    ]


async def test_what_is_wanted_is_listed_and_nothing_else(cluster: Any) -> None:
    done = Done()
    chosen = relister(cluster, done)
    chosen.want("Job")
    chosen.want("Job")
    await run_until(chosen, done)
    assert [kind for kind, _, _ in cluster.called("pages")] == ["Job"]


async def test_a_failed_comparison_is_made_up_for(cluster: Any) -> None:
    cluster.failures["pages"] = [Unavailable("down")]
    done = Done()
    chosen = relister(cluster, done)
    chosen.want("Pod")
    await run_until(chosen, done)
    assert [kind for kind, _, _ in cluster.called("pages")] == ["Pod", "Pod"]


async def test_everything_is_compared_again_and_again(cluster: Any, thing: Thing) -> None:
    cluster.listings["Job"] = Page([thing("Job", "a", 5)], 10)
    done = Done(3)
    await run_until(relister(cluster, done, interval=0.001), done)
    assert len(cluster.called("pages")) >= 3 * len(KINDS)
