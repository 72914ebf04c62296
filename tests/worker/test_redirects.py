"""Redirects as web frameworks, CDNs and logins answer them, on connections that are kept: the very bytes come, each
address is requested once, and no host gets what is meant for another one."""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from support.fake_source_site import Exchange, FakeSourceSite, Route, file, fixed, html, in_turn, ranged, redirect
from support.worker.fetch_harness import FetchHarness
from videoimport.api.reasons import Reason
from videoimport.worker.fetch.credentials import WebSecrets
from videoimport.worker.fetch.http.client import Browser
from videoimport.worker.fetch.http.download import Download
from videoimport.worker.fetch.limits import FetchLimits
from videoimport.worker.fetch.partial_file import Landing
from videoimport.worker.fetch.process_messages import Fetched
from videoimport.worker.runtime.errors import ImportFailure

BODY = b"\x00\x00\x00\x18ftypmp42" + bytes(range(256)) * 200
STATUSES = (300, 301, 302, 303, 307, 308)
WORDS = b"<p>You are being <a>redirected</a>.</p>" * 50

Get = Callable[..., "Got"]


class Got:
    """What a download left."""

    def __init__(self, download: Download) -> None:
        self.opening = download.open()
        self.content = Path(download.finish().path).read_bytes()


class Silent:
    def tell(self, event: object) -> None:
        pass

    def moved(self, done: int, total: int | None) -> None:
        pass


@pytest.fixture
def site() -> Iterator[FakeSourceSite]:
    """One that keeps connections."""
    with FakeSourceSite(protocol="HTTP/1.1") as running:
        yield running


@pytest.fixture
def other() -> Iterator[FakeSourceSite]:
    with FakeSourceSite(protocol="HTTP/1.1", address="127.0.0.2") as running:
        yield running


@pytest.fixture
def get(tmp_path: Path) -> Get:
    """Through our client."""

    def run(url: str, secrets: WebSecrets | None = None, extra: dict[str, str] | None = None) -> Got:
        limits = FetchLimits(room_bytes=10**9, read_seconds=5.0)
        browser = Browser(limits.read_seconds, secrets=secrets)
        landing = Landing(tmp_path)
        made = Download(browser, url, landing, limits, Silent(), extra=extra, sleep=lambda _: None)  # type: ignore[arg-type]
        return Got(made)

    return run


def without_body(exchange: Exchange, status: int, target: str) -> None:
    exchange.answer(status, b"", {"Location": target})


def with_body(exchange: Exchange, status: int, target: str) -> None:
    exchange.answer(status, WORDS, {"Location": target, "Content-Type": "text/html"})


def with_chunks(exchange: Exchange, status: int, target: str) -> None:
    exchange.start(status, {"Location": target, "Transfer-Encoding": "chunked"})
    exchange.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(WORDS), WORDS))


def with_part_of_a_body(exchange: Exchange, status: int, target: str) -> None:
    exchange.start(status, {"Location": target, "Content-Length": "100000"})
    exchange.write(WORDS)


def without_length(exchange: Exchange, status: int, target: str) -> None:
    exchange.start(status, {"Location": target, "Connection": "close"})
    exchange.write(WORDS)


def with_more_than_announced(exchange: Exchange, status: int, target: str) -> None:
    exchange.start(status, {"Location": target, "Content-Length": "5"})
    exchange.write(WORDS)


def with_small_letters(exchange: Exchange, status: int, target: str) -> None:
    exchange.start(status, {"location": target, "content-length": "0", "connection": "keep-alive"})


BODIES = (
    without_body, with_body, with_chunks, with_part_of_a_body, without_length, with_more_than_announced,
    with_small_letters,
)  # fmt: skip


def hop(how: Any, target: str, status: int = 302) -> Route:
    return lambda exchange: how(exchange, status, target)


def once(route: Route) -> Route:
    """An address that is good for one request."""
    return in_turn(route, fixed(b"used up", "text/plain", 410))


def refused(get: Get, url: str, **more: Any) -> ImportFailure:
    with pytest.raises(ImportFailure) as caught:
        get(url, **more)
    return caught.value


@pytest.mark.parametrize("how", BODIES)
@pytest.mark.parametrize("status", STATUSES)
def test_every_redirect_leads_on(site: FakeSourceSite, get: Get, how: Any, status: int) -> None:
    site.routes["/v.mp4"] = once(fixed(BODY))
    assert get(site.add("/a", once(hop(how, "/v.mp4", status)))).content == BODY


@pytest.mark.parametrize("how", BODIES)
@pytest.mark.parametrize("hops", [1, 2, 5, 10])
def test_every_address_of_a_chain_is_requested_once(
    site: FakeSourceSite, other: FakeSourceSite, get: Get, how: Any, hops: int
) -> None:
    places = [site, other, site, site, other, other, site, other, site, site, other]
    for number in range(hops):
        there = places[number + 1].url(f"/{number + 1}")
        places[number].routes[f"/{number}"] = once(hop(how, there))
    places[hops].routes[f"/{hops}"] = once(fixed(BODY))
    assert get(site.url("/0")).content == BODY
    assert len(site.requests) + len(other.requests) == hops + 1


def test_more_than_ten_hops_end_it(site: FakeSourceSite, get: Get) -> None:
    failure = refused(get, site.add("/a", redirect("/a")))
    assert failure.reason is Reason.SOURCE_UNAVAILABLE
    assert len(site.requests) == 11


def test_a_body_without_an_end_is_not_read(site: FakeSourceSite, get: Get) -> None:
    def endless(exchange: Exchange) -> None:
        exchange.start(302, {"Location": "/v.mp4", "Transfer-Encoding": "chunked"})
        while not site.over.is_set():
            exchange.write(b"1000\r\n" + bytes(4096) + b"\r\n")

    site.routes["/v.mp4"] = fixed(BODY)
    assert get(site.add("/a", endless)).content == BODY


def test_a_redirect_without_a_body_keeps_its_connection(site: FakeSourceSite, get: Get) -> None:
    site.routes["/v.mp4"] = fixed(BODY)
    get(site.add("/a", redirect("/v.mp4")))
    assert len({seen.connection for seen in site.requests}) == 1


def test_a_kept_connection_that_is_closed_meanwhile_costs_no_address(site: FakeSourceSite, get: Get) -> None:
    """The server closes it just when the next request comes."""
    site.routes["/v.mp4"] = in_turn(Exchange.hang_up, fixed(BODY))
    assert get(site.add("/a", once(redirect("/v.mp4")))).content == BODY
    assert len(site.asked("/a")) == 1


def test_http_1_0_keeps_connections_too(get: Get) -> None:
    with FakeSourceSite() as site:
        site.routes["/v.mp4"] = fixed(BODY)
        kept = {"Location": "/v.mp4", "Connection": "keep-alive", "Content-Length": "0"}
        assert get(site.add("/a", lambda exchange: exchange.start(302, kept))).content == BODY


LOCATIONS = (
    ("/v.mp4", "/v.mp4"),
    ("v.mp4", "/films/v.mp4"),
    ("../v.mp4", "/v.mp4"),
    ("./v.mp4#t=10", "/films/v.mp4"),
    ("?id=7", "/films/a?id=7"),
    ("  /v.mp4  ", "/v.mp4"),
    ("/my film.mp4", "/my%20film.mp4"),
    ("/my%20film.mp4", "/my%20film.mp4"),
    ("/100%-my%20film.mp4?a=5%", "/100%25-my%20film.mp4?a=5%25"),
    ("/a%2Fb.mp4?next=%2Fhome%3Fx", "/a%2Fb.mp4?next=%2Fhome%3Fx"),
    ("/über.mp4".encode(), "/%C3%BCber.mp4"),
    ("/%C3%BCber-ß.mp4?t=日".encode(), "/%C3%BCber-%C3%9F.mp4?t=%E6%97%A5"),
    ("/über.mp4".encode("latin-1"), "/%FCber.mp4"),
    ("/%FCber.mp4", "/%FCber.mp4"),
    ("/v.mp4?a=b&c=d;e|f", "/v.mp4?a=b&c=d;e%7Cf"),
)


@pytest.mark.parametrize(("location", "asked"), LOCATIONS, ids=lambda value: repr(value))
def test_a_location_is_understood_as_it_was_meant(
    site: FakeSourceSite, get: Get, location: str | bytes, asked: str
) -> None:
    written = location.decode("latin-1") if isinstance(location, bytes) else location
    site.routes[asked.partition("?")[0]] = fixed(BODY)
    assert get(site.add("/films/a", in_turn(redirect(written), fixed(BODY)))).content == BODY
    assert site.requests[-1].path == asked


def test_a_location_without_a_scheme_or_in_capitals(site: FakeSourceSite, other: FakeSourceSite, get: Get) -> None:
    site.routes["/a"] = redirect(other.url("/b").removeprefix("http:"))
    other.routes["/b"] = redirect(site.url("/v.mp4", "LOCALHOST").replace("http", "HTTP"))
    site.routes["/v.mp4"] = fixed(BODY)
    assert get(site.url("/a").replace("http", "HTTP")).content == BODY


@pytest.mark.parametrize("location", ["", " ", "#"])
def test_a_location_that_names_nothing(site: FakeSourceSite, get: Get, location: str) -> None:
    assert refused(get, site.add("/a", redirect(location))).reason is Reason.SOURCE_UNAVAILABLE


@pytest.mark.parametrize("location", ["ftp://127.0.0.1/v.mp4", "javascript:alert(1)", "data:video/mp4,x"])
def test_a_location_that_is_no_web_address(site: FakeSourceSite, get: Get, location: str) -> None:
    assert refused(get, site.add("/a", redirect(location))).reason is Reason.UNSUPPORTED_SOURCE
    assert len(site.requests) == 1


@pytest.mark.parametrize("host", ["пример.invalid", "xn--e1afmkfd.invalid", "bücher.invalid"])
def test_a_location_with_a_name_of_any_script(site: FakeSourceSite, get: Get, host: str) -> None:
    location = f"http://{host}/v.mp4".encode().decode("latin-1")
    failure = refused(get, site.add("/a", redirect(location)))
    assert failure.reason is Reason.SOURCE_UNAVAILABLE
    assert "does not resolve" in failure.message


class TestInformational:
    """Answers before the answer."""

    @pytest.mark.parametrize("lines", [
        b"HTTP/1.1 103 Early Hints\r\nLink: </s.css>; rel=preload\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 102 Processing\r\n\r\n" * 3 + b"HTTP/1.1 103\r\nLocation: /elsewhere\r\nContent-Length: 9\r\n\r\n",
    ])  # fmt: skip
    @pytest.mark.parametrize("before", ["/a", "/v.mp4"])
    def test_they_are_none(self, site: FakeSourceSite, get: Get, lines: bytes, before: str) -> None:
        def led(route: Route) -> Route:
            return lambda exchange: (exchange.write(lines), route(exchange))[-1]

        site.routes |= {"/a": hop(with_body, "/v.mp4"), "/v.mp4": fixed(BODY)}
        site.routes[before] = led(site.routes[before])
        assert get(site.url("/a")).content == BODY
        assert len(site.requests) == 2

    def test_they_end(self, site: FakeSourceSite, get: Get) -> None:
        def endless(exchange: Exchange) -> None:
            while not site.over.is_set():
                exchange.write(b"HTTP/1.1 103 Early Hints\r\n\r\n")

        assert refused(get, site.add("/a", endless)).reason is Reason.SOURCE_UNAVAILABLE


class TestCookies:
    def test_one_that_is_set_on_the_way_ends_the_loop(self, site: FakeSourceSite, get: Get) -> None:
        """A wall before the file: it sends back whoever has no cookie."""

        def wall(exchange: Exchange) -> None:
            if "seen=1" in exchange.seen.headers.get("Cookie", ""):
                exchange.answer(200, BODY, {"Content-Type": "video/mp4"})
            else:
                exchange.answer(302, WORDS, {"Location": "/gate"})

        site.routes["/gate"] = lambda exchange: exchange.answer(
            302, WORDS, {"Location": "/v.mp4", "Set-Cookie": "seen=1; Path=/; HttpOnly; SameSite=Lax"}
        )
        assert get(site.add("/v.mp4", wall)).content == BODY

    def test_several_go_together_with_those_of_the_secret(self, site: FakeSourceSite, get: Get) -> None:
        def giving(exchange: Exchange) -> None:
            exchange._handler.send_response(302)
            for cookie in ("a=1", "b=2; Path=/v.mp4", "c=3; Path=/x"):
                exchange._handler.send_header("Set-Cookie", cookie)
            exchange._handler.send_header("Location", "/v.mp4")
            exchange._handler.send_header("Content-Length", "0")
            exchange._handler.end_headers()

        site.routes["/v.mp4"] = fixed(BODY)
        url = site.add("/a", giving)
        get(url, secrets=WebSecrets(url=url, headers=(("Cookie", "own=0"),)))
        sent = set(site.asked("/v.mp4")[0].headers["Cookie"].split("; "))
        assert sent == {"a=1", "b=2", "own=0"}

    @pytest.mark.parametrize("cookie", [
        "a=1", "a=1; Path=/", "a=1; Domain=127.0.0.2", "a=1; Domain=0.0.1", "a=1; Domain=.0.0.1", "a=1; Domain=1",
    ])  # fmt: skip
    def test_none_goes_to_another_host(
        self, site: FakeSourceSite, other: FakeSourceSite, get: Get, cookie: str
    ) -> None:
        other.routes["/v.mp4"] = fixed(BODY)
        headers = {"Location": other.url("/v.mp4"), "Set-Cookie": cookie}
        get(site.add("/a", lambda exchange: exchange.answer(302, b"", headers)))
        assert "Cookie" not in other.requests[0].headers

    @pytest.mark.parametrize("cookie", ["a=1; Secure", "a=1; Max-Age=0", "a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
                                        "a=1; Path=/elsewhere", f"a={'x' * 5000}"])  # fmt: skip
    def test_what_does_not_apply_is_not_sent(self, site: FakeSourceSite, get: Get, cookie: str) -> None:
        site.routes["/v.mp4"] = fixed(BODY)
        get(site.add("/a", lambda exchange: exchange.answer(302, b"", {"Location": "/v.mp4", "Set-Cookie": cookie})))
        assert "Cookie" not in site.asked("/v.mp4")[0].headers

    def test_one_that_is_set_with_the_file_comes_back_with_the_rest(self, site: FakeSourceSite, get: Get) -> None:
        def first(exchange: Exchange) -> None:
            span = {"ETag": '"1"', "Accept-Ranges": "bytes", "Set-Cookie": "session=7"}
            exchange.answer(200, BODY, span, send=len(BODY) // 2)
            exchange.hang_up()

        assert get(site.add("/v.mp4", in_turn(first, lambda exchange: ranged(exchange, BODY, '"1"')))).content == BODY
        assert site.requests[1].headers["Cookie"] == "session=7"


class TestCredentials:
    """What belongs to the first host goes to it wherever it appears in the chain, and to no other."""

    EXTRA = {"Authorization": "Bearer page", "Cookie": "page=1", "Referer": "http://page/"}  # noqa: RUF012

    def chain(self, site: FakeSourceSite, other: FakeSourceSite) -> str:
        """Away and back; the file breaks off once."""
        site.routes["/a"] = redirect(other.url("/b"))
        other.routes["/b"] = hop(with_body, site.url("/c"))
        site.routes["/c"] = redirect(other.url("/v.mp4"))
        broken: Route = lambda exchange: (ranged(exchange, BODY, '"1"', send=9999), exchange.hang_up())[-1]  # noqa: E731
        other.routes["/v.mp4"] = in_turn(broken, lambda exchange: ranged(exchange, BODY, '"1"'))
        return site.url("/a")

    def test_a_login_in_the_address(self, site: FakeSourceSite, other: FakeSourceSite, get: Get) -> None:
        assert get(self.chain(site, other).replace("://", "://ann:word@")).content == BODY
        assert all("Authorization" in seen.headers for seen in site.requests)
        assert not any("Authorization" in seen.headers for seen in other.requests)
        assert other.requests[-1].range == "bytes=9999-"

    def test_a_login_in_the_address_with_an_absolute_location(self, site: FakeSourceSite, get: Get) -> None:
        site.routes |= {"/a": redirect(site.url("/v.mp4").replace("http", "HTTP")), "/v.mp4": fixed(BODY)}
        get(site.url("/a").replace("://", "://ann:word@"))
        assert all("Authorization" in seen.headers for seen in site.requests)

    def test_a_pages_own_headers(self, site: FakeSourceSite, other: FakeSourceSite, get: Get) -> None:
        assert get(self.chain(site, other), extra=self.EXTRA).content == BODY
        assert all(seen.headers["Cookie"] == "page=1" for seen in site.requests)
        assert all(seen.headers["Authorization"] == "Bearer page" for seen in site.requests)
        assert not any(name in seen.headers for seen in other.requests for name in ("Authorization", "Cookie"))
        assert all(seen.headers["Referer"] for seen in other.requests)

    def test_headers_of_the_secret_whatever_the_case_of_the_address(
        self, site: FakeSourceSite, other: FakeSourceSite, get: Get
    ) -> None:
        url = self.chain(site, other)
        secrets = WebSecrets(url=url.replace("http", "HTTP"), headers=(("X-Token", "one"),))
        assert get(url, secrets=secrets).content == BODY
        assert all(seen.headers["X-Token"] == "one" for seen in site.requests)
        assert not any("X-Token" in seen.headers for seen in other.requests)


def test_a_client_that_is_no_browser_is_told_what_to_send(site: FakeSourceSite, get: Get) -> None:
    def choosy(exchange: Exchange) -> None:
        is_browser = exchange.seen.headers["User-Agent"].startswith("Mozilla/")
        exchange.answer(200 if is_browser else 403, BODY, {"Content-Type": "video/mp4"})

    url = site.add("/v.mp4", choosy)
    failure = refused(get, url)
    assert failure.reason is Reason.SOURCE_AUTH_REQUIRED
    assert "User-Agent" in failure.advice
    assert get(url, secrets=WebSecrets(url=url, headers=(("user-agent", "Mozilla/5.0"),))).content == BODY


class TestRealProcess:
    """The fetching process as it runs: files and pages."""

    def digest(self, fetched: Fetched) -> str:
        return fetched.video.sha256

    @pytest.mark.parametrize("how", [with_body, with_chunks])
    def test_a_page_and_its_file_behind_redirects(
        self, bench: FetchHarness, site: FakeSourceSite, footage: Any, how: Any
    ) -> None:
        site.routes["/watch"] = hop(how, "/stra\xdfe")
        site.routes["/stra%DFe"] = html('<video src="/media"></video>')
        site.routes["/media"] = hop(how, "/v.mp4")
        site.routes["/v.mp4"] = file(footage("silent.mp4"))
        expected = hashlib.sha256(footage("silent.mp4").read_bytes()).hexdigest()
        url = site.url("/watch").replace("http", "HTTP")
        assert self.digest(bench.fetch(url=url)) == expected

    def test_hints_before_a_page(self, bench: FetchHarness, site: FakeSourceSite, footage: Any) -> None:
        page = html('<video src="/v.mp4"></video>')

        def hinted(exchange: Exchange) -> None:
            exchange.write(b"HTTP/1.1 103 Early Hints\r\nLink: </s.css>; rel=preload\r\n\r\n")
            page(exchange)

        site.routes["/v.mp4"] = file(footage("silent.mp4"))
        assert bench.fetch(url=site.add("/watch", hinted)).video.size == footage("silent.mp4").stat().st_size

    @pytest.mark.parametrize("kind", ["text/plain", "text/html", "application/x-mpegurl", "video/mp4"])
    def test_a_transport_stream_of_any_type(
        self, bench: FetchHarness, site: FakeSourceSite, footage: Any, kind: str
    ) -> None:
        content = footage("compliant.ts").read_bytes()[77:]
        fetched = bench.fetch(url=site.add("/v", fixed(content, kind)))
        assert self.digest(fetched) == hashlib.sha256(content).hexdigest()

    def test_a_redirect_to_a_private_address_stays_refused(self, bench: FetchHarness, site: FakeSourceSite) -> None:
        url = site.add("/a", hop(with_body, "HTTP://10.0.0.1/v.mp4"))
        assert bench.refusal(url=url).reason is Reason.ADDRESS_FORBIDDEN
