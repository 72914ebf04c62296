"""An object of an object store as the source, from the real one."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.fake_source_site import Exchange, FakeSourceSite
from support.worker.fetch_harness import FetchHarness
from support.worker.object_store import KEY_ID, SECRET, Bucket
from videoimport.api.reasons import Reason
from videoimport.worker.fetch.s3_ranges import PIECE_BYTES

MOVIE = b"\0\0\0\x18ftypmp42" + bytes(range(256)) * 4 * 1024 * 30
"""30 MiB: several ranges."""
KEYS = {"AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET}


def wish(bench: FetchHarness, bucket: Bucket, key: str = "films/a clip.mp4", **more: Any) -> dict[str, Any]:
    stored = {"endpoint": bucket.store.endpoint, "bucket": bucket.name, "key": key, **more.pop("stored", {})}
    return {"stored": stored, **bench.secret(**KEYS), **more}


def test_it_arrives_whole(bench: FetchHarness, bucket: Bucket) -> None:
    bucket.put("films/a clip.mp4", MOVIE)
    fetched = bench.fetch(**wish(bench, bucket))
    assert fetched.video.sha256 == hashlib.sha256(MOVIE).hexdigest()
    assert Path(fetched.video.path).read_bytes() == MOVIE
    [found] = bench.found
    assert (found.type, found.filename, found.title, found.size) == ("S3", "a clip.mp4", "a clip", len(MOVIE))
    assert found.identity is not None
    assert found.identity.startswith("s3:")


def test_the_index_at_the_end_comes_first(bench: FetchHarness, bucket: Bucket, footage: Callable[[str], Path]) -> None:
    content = footage("moov-last.mp4").read_bytes()
    bucket.put("v.mp4", content)
    under_way = bench.begin(**wish(bench, bucket, "v.mp4"))
    tail = under_way.sources(30).video.tail
    fetched = under_way.finish()
    assert fetched.video.sha256 == hashlib.sha256(content).hexdigest()
    assert tail is None or tail.path.read_bytes() == content[tail.offset :]


def test_the_same_object_has_the_same_identity_and_another_one_has_not(bench: FetchHarness, bucket: Bucket) -> None:
    bucket.put("v", MOVIE[:1000])
    bench.fetch(**wish(bench, bucket, "v"))
    bench.fetch(**wish(bench, bucket, "v"))
    bucket.put("v", MOVIE[:2000])
    bench.fetch(**wish(bench, bucket, "v"))
    first, second, third = (found.identity for found in bench.found)
    assert first == second != third


@pytest.mark.parametrize(
    ("stored", "reason", "told"),
    [
        ({"key": "none"}, Reason.SOURCE_NOT_FOUND, "'none'"),
        ({"bucket": "no-such-bucket"}, Reason.SOURCE_NOT_FOUND, "'no-such-bucket'"),
        ({"endpoint": "http://127.0.0.1:9"}, Reason.SOURCE_UNAVAILABLE, "did not answer"),
        ({"endpoint": "http://10.255.255.1:80"}, Reason.ADDRESS_FORBIDDEN, "10.255.255.1"),
    ],
)
def test_what_is_not_there_is_told(
    bench: FetchHarness, bucket: Bucket, stored: dict[str, str], reason: Reason, told: str
) -> None:
    bucket.put("films/a clip.mp4", MOVIE[:100])
    failure = bench.refusal(**wish(bench, bucket, stored=stored))
    assert failure.reason is reason
    assert told in failure.message


@pytest.mark.parametrize(
    ("keys", "reason"),
    [
        ({}, Reason.CREDENTIALS_NOT_FOUND),
        ({"AWS_ACCESS_KEY_ID": KEY_ID}, Reason.CREDENTIALS_NOT_FOUND),
        ({"AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": "wrong"}, Reason.SOURCE_AUTH_REQUIRED),
        (None, Reason.SOURCE_AUTH_REQUIRED),
    ],
)
def test_keys_that_do_not_fit(bench: FetchHarness, bucket: Bucket, keys: dict[str, str] | None, reason: Reason) -> None:
    bucket.put("v", MOVIE[:100])
    stored = {"endpoint": bucket.store.endpoint, "bucket": bucket.name, "key": "v"}
    failure = bench.refusal(stored=stored, **({} if keys is None else bench.secret(**keys)))
    assert failure.reason is reason
    assert SECRET not in failure.message


def test_an_object_that_changes_midway_is_never_mixed(bench: FetchHarness, bucket: Bucket) -> None:
    bucket.put("v.mp4", MOVIE)
    bench.on_found = lambda _: bucket.put("v.mp4", MOVIE[:16] + MOVIE[:15:-1])
    assert bench.refusal(**wish(bench, bucket, "v.mp4")).reason is Reason.SOURCE_CHANGED


def test_limits_hold_before_a_byte_is_fetched(bench: FetchHarness, bucket: Bucket) -> None:
    bucket.put("v", MOVIE)
    assert bench.refusal(**wish(bench, bucket, "v", max_bytes=1000)).reason is Reason.SOURCE_TOO_LARGE
    assert bench.refusal(**wish(bench, bucket, "v", room_bytes=1000)).reason is Reason.SCRATCH_FULL


@pytest.mark.parametrize("content", [b"#EXTM3U\n/etc/passwd", b"<html><body>"])
def test_what_is_no_video_is_refused_at_once(bench: FetchHarness, bucket: Bucket, content: bytes) -> None:
    bucket.put("v.mp4", content)
    failure = bench.refusal(**wish(bench, bucket, "v.mp4"))
    assert failure.reason in (Reason.UNSUPPORTED_SOURCE, Reason.NOT_VIDEO)


class TestABadStore:
    """One of our own that knows no signatures."""

    def serve(self, site: FakeSourceSite, answer: Callable[[Exchange, int, int], None]) -> dict[str, Any]:
        def route(exchange: Exchange) -> None:
            if exchange.seen.range is None:
                exchange.answer(200, MOVIE, {"ETag": '"one"'}, send=0)
                return
            first, _, last = exchange.seen.range.removeprefix("bytes=").partition("-")
            answer(exchange, int(first), int(last))

        site.add("/films/v.mp4", route)
        return {"stored": {"endpoint": site.url(""), "bucket": "films", "key": "v.mp4"}}

    def part(self, exchange: Exchange, first: int, last: int, send: int = -1) -> None:
        headers = {"ETag": '"one"', "Content-Range": f"bytes {first}-{last}/{len(MOVIE)}"}
        exchange.answer(206, MOVIE[first : last + 1], headers, send)

    def test_ranges_that_break_off_are_resumed(self, bench: FetchHarness, site: FakeSourceSite) -> None:
        """A reset may drop bytes on their way, so the second request may begin anywhere in the range."""
        broken = set()

        def flaky(exchange: Exchange, first: int, last: int) -> None:
            assert exchange.seen.headers["If-Match"] == '"one"'
            if first % PIECE_BYTES == 0 and first not in broken:
                broken.add(first)
                self.part(exchange, first, last, send=3 * 2**20)
                exchange.reset()
            else:
                self.part(exchange, first, last)

        fetched = bench.fetch(**self.serve(site, flaky))
        assert fetched.video.sha256 == hashlib.sha256(MOVIE).hexdigest()
        assert len(broken) == 4

    def test_another_range_than_was_asked_for_is_not_believed(self, bench: FetchHarness, site: FakeSourceSite) -> None:
        def shifted(exchange: Exchange, first: int, last: int) -> None:
            self.part(exchange, first + 1, last + 1) if first else self.part(exchange, first, last)

        assert bench.refusal(**self.serve(site, shifted)).reason is Reason.SOURCE_CHANGED

    @pytest.mark.parametrize(("status", "reason"), [(412, Reason.SOURCE_CHANGED), (403, Reason.SOURCE_AUTH_REQUIRED)])
    def test_a_refusal_midway_ends_it(
        self, bench: FetchHarness, site: FakeSourceSite, status: int, reason: Reason
    ) -> None:
        def refusing(exchange: Exchange, first: int, last: int) -> None:
            exchange.answer(status) if first > 20 * 2**20 else self.part(exchange, first, last)

        assert bench.refusal(**self.serve(site, refusing)).reason is reason

    @pytest.mark.full(but=["SlowDown"])
    @pytest.mark.parametrize("code", ["SlowDown", "ThrottlingException", "RequestLimitExceeded"])
    def test_a_store_that_asks_for_fewer_requests_is_understood(
        self, bench: FetchHarness, site: FakeSourceSite, code: str
    ) -> None:
        def busy(exchange: Exchange, first: int, last: int) -> None:
            body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>Reduce your rate.</Message></Error>"
            exchange.answer(503, body.encode(), {"Content-Type": "application/xml"})

        failure = bench.refusal(**self.serve(site, busy))
        assert failure.reason is Reason.RATE_LIMITED
        assert code in failure.message

    @pytest.mark.parametrize(
        ("code", "reason"), [("SlowDown", Reason.RATE_LIMITED), ("ServiceUnavailable", Reason.SOURCE_UNAVAILABLE)]
    )
    def test_what_a_503_means_is_understood_from_the_first_question_on(
        self, bench: FetchHarness, site: FakeSourceSite, code: str, reason: Reason
    ) -> None:
        def busy(exchange: Exchange) -> None:
            body = f"<?xml version='1.0'?><Error><Code>{code}</Code></Error>".encode()
            exchange.answer(
                503, body, {"Content-Type": "application/xml"}, send=0 if exchange.seen.range is None else -1
            )

        site.add("/films/v.mp4", busy)
        stored = {"endpoint": site.url(""), "bucket": "films", "key": "v.mp4"}
        assert bench.refusal(stored=stored).reason is reason
