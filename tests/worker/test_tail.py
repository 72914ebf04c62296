"""A file's end that is fetched before the rest: it brings news meanwhile, and nobody waits for it for long."""

import hashlib
from typing import Any

import pytest

from support.fake_source_site import FakeSourceSite, ranged
from support.worker.fetch_harness import FetchHarness
from support.worker.object_store import KEY_ID, SECRET, Bucket
from videoimport.worker.fetch.limits import FetchLimits, Throttle
from videoimport.worker.fetch.mp4_tail import Told, fetched

MIB = 2**20


def box(name: bytes, size: int) -> bytes:
    return (size + 8).to_bytes(4, "big") + name + bytes(size)


HEAD = box(b"ftyp", 16) + box(b"mdat", 64 * 1024)
MOVIE = HEAD + box(b"moov", 2 * MIB)
Wish = dict[str, Any]


@pytest.fixture(params=["web", "s3"])
def wish(request: pytest.FixtureRequest, bench: FetchHarness, site: FakeSourceSite, bucket: Bucket) -> Wish:
    """The same file from a web server and from an object store."""
    if request.param == "web":
        return {"url": site.add("/v.mp4", lambda exchange: ranged(exchange, MOVIE, '"one"'))}
    bucket.put("v.mp4", MOVIE)
    stored = {"endpoint": bucket.store.endpoint, "bucket": bucket.name, "key": "v.mp4"}
    return {"stored": stored, **bench.secret(AWS_ACCESS_KEY_ID=KEY_ID, AWS_SECRET_ACCESS_KEY=SECRET)}


def test_news_come_while_it_arrives(bench: FetchHarness, wish: Wish) -> None:
    """Not as bytes that moved: those would go back to the file's start."""
    told: list[int] = []
    bench.on_news = lambda: told.append(len(bench.moved))
    under_way = bench.begin(**wish)
    tail = under_way.sources(30).video.tail
    assert under_way.finish().video.sha256 == hashlib.sha256(MOVIE).hexdigest()
    assert tail is not None
    assert len(told) > 1
    assert set(told) == {0}


def test_one_that_politeness_would_stretch_is_not_awaited(bench: FetchHarness, wish: Wish) -> None:
    """At 50 KiB a second it alone would take 40 seconds, in which nothing else came."""
    under_way = bench.begin(**wish, bytes_per_second=50 * 1024)
    assert under_way.sources(35).video.tail is None


def test_one_that_takes_too_long_is_given_up(tmp_path: Any) -> None:
    def slow(_first: int, told: Told) -> bytes:
        told(1)
        raise AssertionError("it went on")

    limits = FetchLimits(room_bytes=MIB, tail_seconds=-1.0)
    assert fetched(tmp_path, MOVIE[:MIB], len(MOVIE), limits, Throttle(None), _Nobody(), slow) is None


class _Nobody:
    def tell(self, event: Any) -> None: ...

    def moved(self, done: int, total: int | None) -> None: ...
