"""The source's Secret: shown to the source alone, told to nobody."""

import hashlib
from pathlib import Path
from typing import Any

import pytest

from support.fake_source_site import Exchange, FakeSourceSite, Route, fixed, html, ranged, redirect
from support.worker.fetch_harness import FetchHarness
from videoimport.api.reasons import Reason

BODY = b"\0\0\0\x18ftypmp42" + bytes(range(256)) * 400
HEADERS = "Authorization: Bearer hunter2\n\n# a comment\nX-Club: 7\n"
COOKIES = "# Netscape HTTP Cookie File\n127.0.0.1\tFALSE\t/\tFALSE\t0\tsession\thunter2\n"


def serve(exchange: Exchange) -> None:
    ranged(exchange, BODY, '"one"')


def only(**wanted: str) -> Route:
    """Answers those who show this; everybody else gets 401."""

    def answer(exchange: Exchange) -> None:
        shown = exchange.seen.headers
        if all(wanted_value in (shown.get(name) or "") for name, wanted_value in wanted.items()):
            serve(exchange)
        else:
            exchange.answer(401, b"who are you?")

    return answer


@pytest.mark.parametrize(
    ("key", "content", "wanted"),
    [
        ("headers", HEADERS, {"Authorization": "Bearer hunter2", "X-Club": "7"}),
        ("cookies__txt", COOKIES, {"Cookie": "session=hunter2"}),
        ("netrc", "machine 127.0.0.1 login ann password hunter2", {"Authorization": "Basic YW5uOmh1bnRlcjI="}),
    ],
)
def test_a_file_behind_a_login(
    bench: FetchHarness, site: FakeSourceSite, key: str, content: str, wanted: dict[str, str]
) -> None:
    url = site.add("/v.mp4", only(**wanted))
    assert bench.refusal(url=url).reason is Reason.SOURCE_AUTH_REQUIRED
    fetched = bench.fetch(url=url, **bench.secret(**{key: content}))
    assert fetched.video.sha256 == hashlib.sha256(BODY).hexdigest()


@pytest.mark.parametrize("key", ["headers", "cookies__txt", "netrc"])
def test_another_host_is_shown_nothing(bench: FetchHarness, site: FakeSourceSite, key: str) -> None:
    content = {"headers": HEADERS, "cookies__txt": COOKIES, "netrc": "machine 127.0.0.1 login a password hunter2"}[key]
    site.routes["/there"] = serve
    url = site.add("/v.mp4", redirect(site.url("/there", host="localhost")))
    bench.fetch(url=url, **bench.secret(**{key: content}))
    assert "hunter2" in str(site.asked("/v.mp4")[0].headers) or key == "netrc"
    for shown in ("Authorization", "X-Club", "Cookie"):
        assert shown not in site.asked("/there")[0].headers


def test_a_page_and_its_video_behind_a_login(bench: FetchHarness, site: FakeSourceSite) -> None:
    def page(exchange: Exchange) -> None:
        if exchange.seen.headers.get("X-Club") == "7" and "session=hunter2" in exchange.seen.headers.get("Cookie", ""):
            html('<video src="/media/v.mp4"></video>')(exchange)
        else:
            exchange.answer(401, b"")

    site.routes["/media/v.mp4"] = only(**{"X-Club": "7", "Cookie": "session=hunter2"})
    url = site.add("/watch", page)
    fetched = bench.fetch(url=url, **bench.secret(headers=HEADERS, cookies__txt=COOKIES))
    assert fetched.video.sha256 == hashlib.sha256(BODY).hexdigest()


def test_a_page_whose_video_lies_elsewhere_shows_it_nothing(bench: FetchHarness, site: FakeSourceSite) -> None:
    site.routes["/hop"] = redirect(site.url("/v.mp4", host="localhost"))
    site.routes["/v.mp4"] = serve
    url = site.add("/watch", html('<video src="/hop"></video>'))
    bench.fetch(url=url, **bench.secret(headers=HEADERS, cookies__txt=COOKIES))
    assert site.asked("/watch")[-1].headers["X-Club"] == "7"
    assert site.asked("/v.mp4")
    for seen in site.asked("/v.mp4"):
        assert not {"X-Club", "Authorization", "Cookie"} & set(seen.headers)


def test_yt_dlps_own_redirects_show_another_host_nothing(bench: FetchHarness, site: FakeSourceSite) -> None:
    """The page itself moves: yt-dlp follows, and its library would copy every header."""
    site.routes["/elsewhere"] = html('<video src="/v.mp4"></video>')
    site.routes["/v.mp4"] = serve
    url = site.add("/watch", redirect(site.url("/elsewhere", host="localhost")))
    bench.fetch(url=url, **bench.secret(headers=HEADERS, cookies__txt=COOKIES))
    assert len(site.asked("/elsewhere")) > 1
    for seen in (*site.asked("/elsewhere"), *site.asked("/v.mp4")):
        assert not {"X-Club", "Authorization", "Cookie"} & set(seen.headers)


def test_a_secret_of_an_object_store_shows_a_web_address_nothing(bench: FetchHarness, site: FakeSourceSite) -> None:
    """A list in a bucket and the addresses on it have one Secret."""
    url = site.add("/v.mp4", serve)
    bench.fetch(url=url, **bench.secret(AWS_ACCESS_KEY_ID="hunter2", AWS_SECRET_ACCESS_KEY="hunter2"))
    assert all("hunter2" not in str(seen.headers) for seen in site.asked("/v.mp4"))


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({}, "does not exist or is empty"),
        ({"password": "hunter2"}, "needs cookies.txt or headers or netrc"),
        ({"headers": "X-A: 1\nhunter2"}, "line 2 of headers"),
        ({"headers": "X A: hunter2"}, "line 1 of headers"),
        ({"headers": "Host: hunter2"}, "Host in line 1 of headers"),
        ({"headers": "X-A: hunter2é"}, "not ASCII"),
        (
            {"cookies__txt": "# x\nsession=hunter2"},
            "has 1 fields separated by tabs, not 7",
        ),
        ({"cookies__txt": COOKIES.replace("TRUE", "x").replace("FALSE", "no")}, "neither TRUE nor FALSE"),
        ({"cookies__txt": '[{"name": "hunter2"}]'}, "Line 1 of cookies.txt"),
        ({"netrc": "machine e.com login ann\nsecret hunter2"}, "of netrc that cannot be parsed"),
        ({"netrc": "default login ann password hunter2"}, "has a default in netrc"),
    ],
)
def test_a_secret_that_is_of_no_use_is_told_without_its_values(
    bench: FetchHarness, site: FakeSourceSite, keys: dict[str, str], told: str
) -> None:
    failure = bench.refusal(url=site.add("/v.mp4", serve), **bench.secret(**keys))
    assert failure.reason is Reason.CREDENTIALS_NOT_FOUND
    assert "'source-login'" in failure.message
    assert told in failure.message
    assert "hunter2" not in failure.message
    assert site.requests == []


@pytest.mark.parametrize("route", [fixed(b"", status=404), html("<p>Nothing.</p>"), redirect("http://[::1/")])
def test_failures_and_logs_hold_none_of_it(
    bench: FetchHarness, site: FakeSourceSite, capfd: Any, route: Route, tmp_path: Path
) -> None:
    keys = {"headers": HEADERS, "cookies__txt": COOKIES, "netrc": "machine 127.0.0.1 login ann password hunter2"}
    failure = bench.refusal(url=site.add("/v.mp4", route), **bench.secret(**keys))
    captured = capfd.readouterr()
    assert "hunter2" not in failure.message + captured.out + captured.err
    left = [path for path in (tmp_path / "scratch").rglob("*") if path.is_file() and b"hunter2" in path.read_bytes()]
    assert left == []
