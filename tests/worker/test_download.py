"""The Range client against servers that misbehave: every byte of one version, or a reason."""

import hashlib
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from support.fake_source_site import Exchange, FakeSourceSite, Route, file, fixed, in_turn, ranged, redirect, zipped
from videoimport.api.reasons import Reason
from videoimport.worker.fetch.http.client import Browser
from videoimport.worker.fetch.http.download import Download
from videoimport.worker.fetch.limits import FetchLimits
from videoimport.worker.fetch.partial_file import Landing
from videoimport.worker.fetch.process_messages import File, FileGrowing, Restarted
from videoimport.worker.runtime.errors import ImportFailure

BODY = b"\x00\x00\x00\x18ftypmp42" + bytes(range(256)) * 4000
OTHER = b"\x00\x00\x00\x18ftypisom" + bytes(reversed(range(256))) * 3000
HALF = len(BODY) // 2

Fetch = Callable[..., File]


class Ear:
    """Hears everything."""

    def __init__(self) -> None:
        self.events: list[object] = []

    def tell(self, event: object) -> None:
        self.events.append(event)

    def moved(self, done: int, total: int | None) -> None:
        pass

    @property
    def growing(self) -> list[FileGrowing]:
        return [event for event in self.events if isinstance(event, FileGrowing)]

    @property
    def restarts(self) -> int:
        return sum(isinstance(event, Restarted) for event in self.events)


@pytest.fixture
def ear() -> Ear:
    return Ear()


@pytest.fixture
def fetch(tmp_path: Path, ear: Ear) -> Fetch:
    def run(url: str, **limits: float) -> File:
        wanted = FetchLimits(**{"room_bytes": 10**9, "read_seconds": 5.0, **limits})  # type: ignore[arg-type]
        download = Download(Browser(wanted.read_seconds), url, Landing(tmp_path), wanted, ear, sleep=lambda _: None)
        download.open()
        return download.finish()

    return run


def refused(fetch: Fetch, url: str, **limits: float) -> ImportFailure:
    with pytest.raises(ImportFailure) as caught:
        fetch(url, **limits)
    return caught.value


def serve(body: bytes = BODY, etag: str = '"one"', send: int = -1) -> Route:
    return lambda exchange: ranged(exchange, body, etag, send=send)


def is_whole(found: File, body: bytes = BODY) -> bool:
    return Path(found.path).read_bytes() == body and found.sha256 == hashlib.sha256(body).hexdigest()


def test_a_good_server_is_asked_once(site: FakeSourceSite, fetch: Fetch) -> None:
    assert is_whole(fetch(site.add("/v", serve())))
    assert len(site.requests) == 1


def test_a_broken_download_goes_on_where_it_stopped(site: FakeSourceSite, fetch: Fetch) -> None:
    assert is_whole(fetch(site.add("/v", in_turn(serve(send=HALF), serve()))))
    assert [seen.range for seen in site.requests] == [None, f"bytes={HALF}-"]
    assert site.requests[1].headers["If-Range"] == '"one"'


def test_a_connection_reset_in_the_middle_is_resumed(site: FakeSourceSite, fetch: Fetch) -> None:
    def broken(exchange: Exchange) -> None:
        ranged(exchange, BODY, '"one"', send=HALF)
        exchange.reset()

    assert is_whole(fetch(site.add("/v", in_turn(broken, serve()))))


def test_last_modified_serves_where_there_is_no_etag(site: FakeSourceSite, fetch: Fetch) -> None:
    date = "Sat, 01 Aug 2026 10:00:00 GMT"

    def first(exchange: Exchange) -> None:
        exchange.answer(200, BODY, {"Last-Modified": date}, send=HALF)

    def rest(exchange: Exchange) -> None:
        assert exchange.seen.headers["If-Range"] == date
        span = {"Content-Range": f"bytes {HALF}-{len(BODY) - 1}/{len(BODY)}", "Last-Modified": date}
        exchange.answer(206, BODY[HALF:], span)

    assert is_whole(fetch(site.add("/v", in_turn(first, rest))))


def test_without_a_validator_it_starts_over(site: FakeSourceSite, fetch: Fetch) -> None:
    broken: Route = lambda exchange: exchange.answer(200, BODY, send=HALF)  # noqa: E731
    assert is_whole(fetch(site.add("/v", in_turn(broken, fixed(BODY)))))
    assert [seen.range for seen in site.requests] == [None, None]


def test_a_weak_etag_is_no_validator(site: FakeSourceSite, fetch: Fetch) -> None:
    assert is_whole(fetch(site.add("/v", in_turn(serve(etag='W/"one"', send=HALF), serve(etag='W/"one"')))))
    assert [seen.range for seen in site.requests] == [None, None]


def test_a_server_that_ignores_ranges_is_read_from_the_start(site: FakeSourceSite, fetch: Fetch) -> None:
    whole: Route = lambda exchange: exchange.answer(200, BODY, {"ETag": '"one"'})  # noqa: E731
    assert is_whole(fetch(site.add("/v", in_turn(serve(send=HALF), whole))))


def test_a_changed_source_is_never_mixed(site: FakeSourceSite, fetch: Fetch) -> None:
    found = fetch(site.add("/v", in_turn(serve(send=HALF), serve(OTHER, '"two"'))))
    assert is_whole(found, OTHER)


def test_a_206_of_another_version_is_not_believed(site: FakeSourceSite, fetch: Fetch) -> None:
    def careless(exchange: Exchange) -> None:
        """Ignores If-Range."""
        span = f"bytes {HALF}-{len(OTHER) - 1}/{len(OTHER)}"
        exchange.answer(206, OTHER[HALF:], {"ETag": '"two"', "Content-Range": span})

    assert is_whole(fetch(site.add("/v", in_turn(serve(send=HALF), careless, serve(OTHER, '"two"')))), OTHER)


@pytest.mark.parametrize(
    "span",
    [
        f"bytes {HALF - 100}-{len(BODY) - 1}/{len(BODY)}",
        f"bytes {HALF}-{len(BODY) - 1}/{len(BODY) + 5}",
        "bytes 0-99",
        "",
    ],
)
def test_a_206_with_another_range_than_asked_is_not_believed(site: FakeSourceSite, fetch: Fetch, span: str) -> None:
    def wrong(exchange: Exchange) -> None:
        exchange.answer(206, BODY[HALF - 100 :], {"ETag": '"one"', "Content-Range": span})

    assert is_whole(fetch(site.add("/v", in_turn(serve(send=HALF), wrong, serve()))))
    assert site.requests[2].range is None


def test_a_source_that_keeps_changing_ends(site: FakeSourceSite, fetch: Fetch) -> None:
    def restless(exchange: Exchange) -> None:
        ranged(exchange, BODY, f'"{exchange.count}"', send=HALF)

    assert refused(fetch, site.add("/v", restless)).reason is Reason.SOURCE_CHANGED


def test_a_source_that_always_ends_early_is_truncated(site: FakeSourceSite, fetch: Fetch) -> None:
    def short(exchange: Exchange) -> None:
        first = int((exchange.seen.range or "bytes=0-")[6:-1])
        ranged(exchange, BODY, '"one"', send=max(0, HALF - first))

    failure = refused(fetch, site.add("/v", short))
    assert failure.reason is Reason.SOURCE_TRUNCATED


def test_a_source_without_ranges_that_always_ends_early_is_truncated(site: FakeSourceSite, fetch: Fetch) -> None:
    short: Route = lambda exchange: exchange.answer(200, BODY, send=HALF)  # noqa: E731
    assert refused(fetch, site.add("/v", short)).reason is Reason.SOURCE_TRUNCATED
    assert len(site.requests) < 10


def test_an_unasked_compression_is_undone(site: FakeSourceSite, fetch: Fetch, tmp_path: Path) -> None:
    original = tmp_path / "original"
    original.write_bytes(BODY)
    found = fetch(site.add("/v", zipped(original)))
    assert is_whole(found)
    assert not found.seekable


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (400, Reason.SOURCE_NOT_FOUND),
        (404, Reason.SOURCE_NOT_FOUND),
        (410, Reason.SOURCE_NOT_FOUND),
        (451, Reason.SOURCE_NOT_FOUND),
        (401, Reason.SOURCE_AUTH_REQUIRED),
        (403, Reason.SOURCE_AUTH_REQUIRED),
        (429, Reason.RATE_LIMITED),
        (500, Reason.SOURCE_UNAVAILABLE),
        (503, Reason.SOURCE_UNAVAILABLE),
    ],
)
def test_a_status_has_its_reason(site: FakeSourceSite, fetch: Fetch, status: int, reason: Reason) -> None:
    failure = refused(fetch, site.add("/v", fixed(b"no", "text/plain", status)))
    assert failure.reason is reason
    assert str(status) in failure.message


def test_a_final_status_is_asked_once_and_a_403_twice(site: FakeSourceSite, fetch: Fetch) -> None:
    refused(fetch, site.add("/gone", fixed(b"", status=410)))
    refused(fetch, site.add("/limited", fixed(b"", status=429)))
    refused(fetch, site.add("/forbidden", fixed(b"", status=403)))
    assert [len(site.asked(path)) for path in ("/gone", "/limited", "/forbidden")] == [1, 1, 2]


def test_a_403_that_passes_is_forgiven(site: FakeSourceSite, fetch: Fetch) -> None:
    assert is_whole(fetch(site.add("/v", in_turn(fixed(b"", status=403), serve()))))


def test_a_500_that_passes_is_forgiven(site: FakeSourceSite, fetch: Fetch) -> None:
    failing = fixed(b"", status=500)
    assert is_whole(fetch(site.add("/v", in_turn(failing, failing, serve()))))


def test_an_error_in_the_middle_is_tried_again(site: FakeSourceSite, fetch: Fetch) -> None:
    assert is_whole(fetch(site.add("/v", in_turn(serve(send=HALF), fixed(b"", status=502), serve()))))


def test_a_signed_target_that_ran_out_is_fetched_anew_from_the_start_of_the_chain(
    site: FakeSourceSite, fetch: Fetch
) -> None:
    site.routes["/signed-1"] = in_turn(serve(send=HALF), fixed(b"", status=403))
    site.routes["/signed-2"] = serve()
    url = site.add("/v", in_turn(redirect(site.url("/signed-1")), redirect(site.url("/signed-2"))))
    assert is_whole(fetch(url))
    assert site.asked("/signed-2")[0].range == f"bytes={HALF}-"


def test_size_limits_hold_by_header_and_while_streaming(site: FakeSourceSite, fetch: Fetch) -> None:
    def unknown_length(exchange: Exchange) -> None:
        exchange.start(200, {"Content-Type": "video/mp4"})
        exchange.write(BODY)

    site.routes |= {"/known": serve(), "/unknown": unknown_length}
    for path in ("/known", "/unknown"):
        assert refused(fetch, site.url(path), max_bytes=HALF).reason is Reason.SOURCE_TOO_LARGE
        assert refused(fetch, site.url(path), room_bytes=HALF).reason is Reason.SCRATCH_FULL


def test_a_trickle_is_a_stall(site: FakeSourceSite, fetch: Fetch) -> None:
    def trickle(exchange: Exchange) -> None:
        exchange.start(200, {"Content-Length": str(len(BODY))})
        exchange.write(BODY[:5000])
        while not site.over.wait(0.02):
            exchange.write(b".")

    failure = refused(fetch, site.add("/v", trickle), slow_seconds=0.2, slow_rate=100_000)
    assert failure.reason is Reason.STALLED


def test_silence_is_no_answer(site: FakeSourceSite, fetch: Fetch) -> None:
    def silent(exchange: Exchange) -> None:
        site.over.wait(5)

    assert refused(fetch, site.add("/v", silent), read_seconds=0.1).reason is Reason.SOURCE_UNAVAILABLE


def test_a_redirect_to_another_scheme_is_refused(site: FakeSourceSite, fetch: Fetch) -> None:
    failure = refused(fetch, site.add("/v", redirect("file:///etc/passwd")))
    assert failure.reason is Reason.UNSUPPORTED_SOURCE


def test_redirects_end(site: FakeSourceSite, fetch: Fetch) -> None:
    failure = refused(fetch, site.add("/v", lambda exchange: redirect(site.url("/v"))(exchange)))
    assert failure.reason is Reason.SOURCE_UNAVAILABLE
    assert len(site.requests) < 20


def test_a_name_that_does_not_resolve_is_told(fetch: Fetch) -> None:
    failure = refused(fetch, "http://no-such-host.invalid/v.mp4")
    assert failure.reason is Reason.SOURCE_UNAVAILABLE
    assert "no-such-host.invalid" in failure.message


def test_user_info_is_sent_to_its_own_host_only(site: FakeSourceSite, fetch: Fetch) -> None:
    site.routes["/there"] = serve()
    site.routes["/v"] = redirect(site.url("/there", host="127.0.0.2").replace("127.0.0.2", "localhost"))
    fetch(site.url("/v").replace("://", "://ann:pass%20word@"))
    assert site.asked("/v")[0].headers["Authorization"] == "Basic YW5uOnBhc3Mgd29yZA=="
    assert "Authorization" not in site.asked("/there")[0].headers


def test_messages_hold_no_query(site: FakeSourceSite, fetch: Fetch) -> None:
    failure = refused(fetch, site.add("/v", fixed(b"", status=404)) + "?X-Amz-Signature=abcdef0123")
    assert "abcdef0123" not in failure.message


def test_a_certificate_nobody_vouches_for_ends_it(fetch: Fetch, tmp_path: Path) -> None:
    pem = tmp_path / "site.pem"
    subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"]
    key = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    subprocess.run(["openssl", *key, *subject, "-keyout", pem, "-out", tmp_path / "c"], check=True, capture_output=True)
    pem.write_bytes(pem.read_bytes() + (tmp_path / "c").read_bytes())
    with FakeSourceSite(certificate=pem) as site:
        failure = refused(fetch, site.add("/v", serve()))
    assert failure.reason is Reason.CERTIFICATE_INVALID
    assert "self-signed" in failure.message
    assert site.requests == []


def test_an_empty_answer_is_a_file_of_nothing(site: FakeSourceSite, fetch: Fetch) -> None:
    assert fetch(site.add("/v", fixed(b""))).size == 0


@pytest.mark.parametrize("name", ["compliant.mkv"])
def test_a_real_file_arrives_whole(
    site: FakeSourceSite, fetch: Fetch, footage: Callable[[str], Path], name: str
) -> None:
    path = footage(name)
    assert is_whole(fetch(site.add("/v", file(path))), path.read_bytes())


def part(first: int, last: int, total: int | str, **headers: str) -> Route:
    """A 206 that nobody asked for."""
    span = {"Content-Range": f"bytes {first}-{last}/{total}", "ETag": '"one"', **headers}
    return lambda exchange: exchange.answer(206, BODY[first : last + 1], span)


@pytest.mark.parametrize("route", [part(0, HALF - 1, len(BODY)), part(HALF, len(BODY) - 1, len(BODY)),
                                   part(0, HALF - 1, "*"), fixed(BODY[:HALF], status=206)])  # fmt: skip
def test_a_part_that_nobody_asked_for_is_not_the_source(site: FakeSourceSite, fetch: Fetch, route: Route) -> None:
    assert refused(fetch, site.add("/v", route)).reason is Reason.SOURCE_TRUNCATED


def test_a_part_that_is_the_whole_is(site: FakeSourceSite, fetch: Fetch) -> None:
    assert is_whole(fetch(site.add("/v", part(0, len(BODY) - 1, len(BODY)))))


def test_a_part_at_a_second_try_is_not_the_whole_of_an_unknown_length(site: FakeSourceSite, fetch: Fetch) -> None:
    def broken(exchange: Exchange) -> None:
        exchange.start(200, {"ETag": '"one"', "Transfer-Encoding": "chunked"})
        exchange.write(b"1000\r\n" + BODY[:4096] + b"\r\n")
        exchange.write(b"10000\r\n")
        exchange.reset()

    rest = (4096, HALF - 1, len(BODY))
    assert is_whole(fetch(site.add("/v", in_turn(broken, part(*rest), part(HALF, len(BODY) - 1, len(BODY))))))


@pytest.mark.parametrize("url", ["https://[::1/x", "http://h:99999/", "http://a..b/x", "http://e.com:abc/"])
def test_a_source_that_is_no_address_is_the_wishs_fault(fetch: Fetch, url: str) -> None:
    failure = refused(fetch, url)
    assert failure.reason is Reason.INVALID_SPEC
    assert "spec.source.url" in failure.message


@pytest.mark.parametrize("target", ["https://[::1/x", "http://h:99999/", "//a..b/x"])
def test_a_redirect_to_no_address_is_the_sources(site: FakeSourceSite, fetch: Fetch, target: str) -> None:
    assert refused(fetch, site.add("/v", redirect(target))).reason is Reason.UNSUPPORTED_SOURCE
    assert len(site.requests) == 1


def test_a_name_of_any_script_is_an_address(site: FakeSourceSite, fetch: Fetch) -> None:
    assert refused(fetch, "http://пример.invalid/x").reason is Reason.SOURCE_UNAVAILABLE


def test_a_growing_file_is_told_once_with_its_first_bytes(site: FakeSourceSite, fetch: Fetch, ear: Ear) -> None:
    found = fetch(site.add("/v", in_turn(serve(send=HALF), serve())))
    assert [(told.path, told.size, told.container) for told in ear.growing] == [(found.path, len(BODY), "mp4")]
    assert ear.restarts == 0


def test_what_starts_over_is_told_anew_under_another_name(site: FakeSourceSite, fetch: Fetch, ear: Ear) -> None:
    found = fetch(site.add("/v", in_turn(serve(send=HALF), serve(OTHER, '"two"'))))
    first, second = ear.growing
    assert ear.restarts == 1
    assert first.path != second.path == found.path
    assert not Path(first.path).exists()


def test_a_connection_that_dies_many_times_is_resumed_each_time(site: FakeSourceSite, fetch: Fetch, ear: Ear) -> None:
    def dying(exchange: Exchange) -> None:
        ranged(exchange, BODY, '"one"', send=len(BODY) // 15)
        exchange.reset()

    assert is_whole(fetch(site.add("/v", dying)))
    assert len(site.requests) > 10
    assert ear.restarts == 0


class TestTail:
    """A plain MP4 with its index at the end."""

    @pytest.fixture
    def media(self, footage: Callable[[str], Path]) -> bytes:
        return footage("moov-last.mp4").read_bytes()

    def test_it_is_fetched_first_and_only_once(
        self, site: FakeSourceSite, fetch: Fetch, ear: Ear, media: bytes
    ) -> None:
        assert is_whole(fetch(site.add("/v", serve(media))), media)
        [told] = ear.growing
        assert told.tail is not None
        assert Path(told.tail.path).read_bytes() == media[told.tail.offset :]
        assert media[told.tail.offset + 4 : told.tail.offset + 8] in (b"moov", b"free")
        assert [seen.range for seen in site.requests] == [None, f"bytes={told.tail.offset}-"]

    def test_the_rest_is_resumed_up_to_it(self, site: FakeSourceSite, fetch: Fetch, ear: Ear, media: bytes) -> None:
        broken = serve(media, send=len(media) // 2)
        assert is_whole(fetch(site.add("/v", in_turn(broken, serve(media), serve(media)))), media)
        assert ear.growing[0].tail

    def test_one_of_another_version_is_not_taken(
        self, site: FakeSourceSite, fetch: Fetch, ear: Ear, media: bytes
    ) -> None:
        other = serve(bytes(len(media)), '"two"')
        assert is_whole(fetch(site.add("/v", in_turn(serve(media), other))), media)
        assert ear.growing[0].tail is None

    def test_a_changed_source_has_none(self, site: FakeSourceSite, fetch: Fetch, ear: Ear, media: bytes) -> None:
        route = in_turn(serve(media, send=len(media) // 2), serve(media), serve(OTHER, '"two"'))
        assert is_whole(fetch(site.add("/v", route)), OTHER)
        assert [told.tail is None for told in ear.growing] == [False, True]

    def test_a_server_without_ranges_is_asked_once(
        self, site: FakeSourceSite, fetch: Fetch, ear: Ear, media: bytes
    ) -> None:
        assert is_whole(fetch(site.add("/v", fixed(media))), media)
        assert len(site.requests) == 1
