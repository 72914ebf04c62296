"""Scratch that outlives the pod: a run goes on where the one before was killed, if the source is still the same."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from support.fake_source_site import Exchange, FakeSourceSite, Route, ranged
from support.waiting import until
from support.worker.fetch_harness import FetchHarness
from support.worker.object_store import KEY_ID, SECRET, Bucket

MOVIE = b"\0\0\0\x18ftypmp42" + bytes(range(256)) * 4 * 1024 * 40
"""40 MiB: more than is lost when a node dies."""
OTHER = b"\0\0\0\x18ftypisom" + bytes(reversed(range(256))) * 4 * 1024 * 40
STOP = 36 * 2**20
DIGEST = hashlib.sha256(MOVIE).hexdigest()


def halting(site: FakeSourceSite, body: bytes = MOVIE, etag: str = '"one"') -> Route:
    """Sends a good part, then nothing."""

    def answer(exchange: Exchange) -> None:
        ranged(exchange, body, etag, send=STOP)
        site.over.wait(60)

    return answer


def whole(body: bytes = MOVIE, etag: str = '"one"') -> Route:
    return lambda exchange: ranged(exchange, body, etag)


def killed(bench: FetchHarness, **wish: Any) -> None:
    """A run whose pod is taken away in the middle."""
    bench.moved.clear()
    bench.begin(outlives=True, **wish)
    until(lambda: mark(bench).get("kept", 0) >= 32 * 2**20)
    bench.children.kill_all()


def mark(bench: FetchHarness) -> dict[str, Any]:
    path = bench.folder / "scratch" / "fetched.json"
    return json.loads(path.read_text()) if path.exists() else {}


def test_it_goes_on_where_the_last_run_stopped(bench: FetchHarness, site: FakeSourceSite) -> None:
    url = site.add("/v.mp4", halting(site))
    killed(bench, url=url)
    site.routes["/v.mp4"] = whole()
    fetched = bench.fetch(url=url, outlives=True)
    assert fetched.video.sha256 == DIGEST
    [_, seen] = site.requests
    assert seen.headers["If-Range"] == '"one"'
    assert 32 * 2**20 <= int((seen.range or "")[6:-1]) <= STOP
    assert [found.size for found in bench.found] == [len(MOVIE), len(MOVIE)]


def test_a_finished_file_is_asked_for_its_last_byte(bench: FetchHarness, site: FakeSourceSite) -> None:
    url = site.add("/v.mp4", whole())
    bench.fetch(url=url, outlives=True)
    fetched = bench.fetch(url=url, outlives=True)
    assert fetched.video.sha256 == DIGEST
    assert site.requests[1].range == f"bytes={len(MOVIE) - 1}-"


def test_a_changed_source_starts_over(bench: FetchHarness, site: FakeSourceSite) -> None:
    url = site.add("/v.mp4", halting(site))
    killed(bench, url=url)
    site.routes["/v.mp4"] = whole(OTHER, '"two"')
    under_way = bench.begin(url=url, outlives=True)
    assert under_way.finish().video.sha256 == hashlib.sha256(OTHER).hexdigest()
    assert under_way.restarts == 0
    assert len([path for path in (bench.folder / "scratch").iterdir() if path.stat().st_size > 2**20]) == 1


def test_another_sources_part_is_thrown_away(bench: FetchHarness, site: FakeSourceSite) -> None:
    killed(bench, url=site.add("/v.mp4", halting(site)))
    fetched = bench.fetch(url=site.add("/other.mp4", whole(OTHER)), outlives=True)
    assert fetched.video.sha256 == hashlib.sha256(OTHER).hexdigest()
    assert site.asked("/other.mp4")[0].range is None


@pytest.mark.parametrize("spoil", ["mark", "short", "gone"])
def test_what_cannot_be_trusted_is_fetched_again(bench: FetchHarness, site: FakeSourceSite, spoil: str) -> None:
    url = site.add("/v.mp4", halting(site))
    killed(bench, url=url)
    folder = bench.folder / "scratch"
    part = Path(folder / mark(bench)["name"])
    if spoil == "mark":
        (folder / "fetched.json").write_text('{"source": "../../etc/passwd"')
    elif spoil == "short":
        part.write_bytes(part.read_bytes()[:1000])
    else:
        part.unlink()
    site.routes["/v.mp4"] = whole()
    assert bench.fetch(url=url, outlives=True).video.sha256 == DIGEST
    assert site.requests[1].range is None


def test_bytes_beyond_what_was_surely_written_are_not_believed(bench: FetchHarness, site: FakeSourceSite) -> None:
    url = site.add("/v.mp4", halting(site))
    killed(bench, url=url)
    part = bench.folder / "scratch" / mark(bench)["name"]
    part.write_bytes(part.read_bytes()[: mark(bench)["kept"]] + bytes(3 * 2**20))
    site.routes["/v.mp4"] = whole()
    assert bench.fetch(url=url, outlives=True).video.sha256 == DIGEST


def test_a_source_without_a_validator_is_fetched_again(bench: FetchHarness, site: FakeSourceSite) -> None:
    url = site.add("/v.mp4", lambda exchange: exchange.answer(200, MOVIE))
    for _ in range(2):
        assert bench.fetch(url=url, outlives=True).video.sha256 == DIGEST
    assert [seen.range for seen in site.requests] == [None, None]


def test_scratch_that_does_not_outlive_the_pod_keeps_no_mark(bench: FetchHarness, site: FakeSourceSite) -> None:
    bench.fetch(url=site.add("/v.mp4", whole()))
    assert mark(bench) == {}


def test_an_object_is_gone_on_with_too(bench: FetchHarness, bucket: Bucket) -> None:
    bucket.put("v.mp4", MOVIE)
    keys = bench.secret(AWS_ACCESS_KEY_ID=KEY_ID, AWS_SECRET_ACCESS_KEY=SECRET)
    wish = {"stored": {"endpoint": bucket.store.endpoint, "bucket": bucket.name, "key": "v.mp4"}, **keys}
    killed(bench, bytes_per_second=60 * 2**20, **wish)
    bench.moved.clear()
    assert bench.fetch(outlives=True, **wish).video.sha256 == DIGEST
    assert min(done for done, _ in bench.moved) >= 32 * 2**20
    bucket.put("v.mp4", OTHER)
    assert bench.fetch(outlives=True, **wish).video.sha256 == hashlib.sha256(OTHER).hexdigest()
