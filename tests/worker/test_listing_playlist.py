"""Playlists, channels and feeds of a real web server, listed by the real yt-dlp; first in the whole worker, then, since
that takes seconds to start, without the processes around it."""

import json
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from yt_dlp.extractor.common import InfoExtractor
from yt_dlp.utils import OnDemandPagedList, YoutubeDLError

from support.fake_source_site import FakeSourceSite, Route, fixed, html
from support.worker.listing_harness import ListingHarness
from videoimport.api.bulkimport_source import BulkSource
from videoimport.api.reasons import Reason, info
from videoimport.worker.fetch.context import Surroundings
from videoimport.worker.fetch.credentials import WebSecrets
from videoimport.worker.fetch.process_messages import Request, Teller, identity
from videoimport.worker.fetch.ytdlp import errors as classify
from videoimport.worker.fetch.ytdlp.client import Ydl
from videoimport.worker.listing import playlist
from videoimport.worker.listing.playlist import PlaylistWalk
from videoimport.worker.listing.process_messages import ListEntry, ListRequest
from videoimport.worker.runtime.errors import ImportFailure
from videoimport.worker.sandbox.address_guard import Guard
from videoimport.worker.sandbox.proxy import Route as Way

HEAD = '<?xml version="1.0"?><rss version="2.0" xmlns:itunes="http://www.itunes.com/dtds/podcast-1.0.dtd">'


def feed(*items: str) -> Route:
    inner = "".join(f"<item>{item}</item>" for item in items)
    return fixed(f"{HEAD}<channel><title>Talks</title>{inner}</channel></rss>".encode(), "application/rss+xml")


def talk(url: str, more: str = "") -> str:
    return f'<title>A talk</title><guid>{url}</guid><enclosure url="{url}" type="video/mp4"/>{more}'


def lasting(url: str, time: str) -> str:
    return talk(url, f"<itunes:duration>{time}</itunes:duration>")


def dated(number: int, day: int) -> str:
    return talk(f"https://e.com/{number}.mp4", f"<pubDate>{day:02} Jan 2026 10:00:00 GMT</pubDate>")


def source(url: str, **more: Any) -> dict[str, Any]:
    return {"playlist": {"url": url, **more}}


class TestInTheWholeWorker:
    def test_a_feed_is_a_list_of_what_its_items_enclose(self, lists: ListingHarness, site: FakeSourceSite) -> None:
        lists.secret = {"headers": "X-Key: geheim"}
        items = [
            talk("https://e.com/1.mp4?token=streng"),
            talk("/media/2.mp4"),
            talk("3.mp4"),
            talk("https://e.com/1.mp4?token=streng"),
            talk("https://e.com/sound.mp3"),
            lasting("https://e.com/long.mp4", "7:00:00"),
            lasting("https://e.com/short.mp4", "59"),
            "<title>words only</title>",
            "<title>A page</title><link>https://e.com/watch?v=5</link>",
        ]
        url = site.add("/shows/feed.xml", feed(*items))
        page = lists.page(source(url) | {"credentialsSecretRef": {"name": "login"}}, requirements={})
        assert page.code == 0, page.log
        here = [site.url("/media/2.mp4"), site.url("/shows/3.mp4")]
        others = ["https://e.com/short.mp4", "https://e.com/watch?v=5"]
        assert page.urls == ["https://e.com/1.mp4?token=streng", *here, *others]
        assert page.reasons == {"sound.mp3": "NotVideo", "long.mp4": "UnsupportedDuration"}
        assert page.report.done
        assert {seen.path for seen in site.requests} == {"/shows/feed.xml"}, "no item is asked for"
        assert site.requests[0].headers["X-Key"] == "geheim"
        assert "geheim" not in page.log + page.message.decode()

    def test_pages_and_limit(self, lists: ListingHarness, site: FakeSourceSite) -> None:
        url = site.add("/feed", feed(*(talk(f"https://e.com/{number}.mp4") for number in range(5))))
        talks = [f"https://e.com/{number}.mp4" for number in range(5)]
        pages = list(lists.pages(source(url), max_items=2))
        assert [page.urls for page in pages] == [talks[:2], talks[2:4], talks[4:]]
        page = lists.page(source(url, limit=3))
        assert (page.urls, page.report.done) == (talks[:3], True)

    def test_a_site_that_pushes_back_is_left_alone(self, lists: ListingHarness, site: FakeSourceSite) -> None:
        page = lists.page(source(site.add("/busy", fixed(b"", "text/plain", 429))))
        assert (page.reason, page.code) == ("RateLimited", info(Reason.RATE_LIMITED).exit_code)
        assert len(site.asked("/busy")) == 1

    def test_an_address_that_is_not_public_is_forbidden(self, lists: ListingHarness, site: FakeSourceSite) -> None:
        url = site.add("/feed", feed(talk("https://e.com/1.mp4")))
        assert lists.page(source(url), allowed_networks=()).reason == "AddressForbidden"
        assert site.requests == []


@pytest.fixture
def around(tmp_path: Path) -> Surroundings:
    request = Request(folder=str(tmp_path), max_height=1080, room_bytes=2**30)
    return Surroundings.of(request, Teller.__new__(Teller), Guard(()), Way())


List = Callable[..., list[ListEntry]]


@pytest.fixture
def listed(around: Surroundings) -> List:
    """Entries behind a cursor."""

    def entries(url: str, cursor: str | None = None, **more: Any) -> list[ListEntry]:
        wish = BulkSource.model_validate(source(url, **more))
        return list(playlist.entries(around, ListRequest(fetch=around.request, source=wish, cursor=cursor)))

    return entries


def numbers(entries: list[ListEntry]) -> str:
    """Of files that are called by digits."""
    return "".join(str(entry.url).rpartition("/")[2].partition(".")[0] for entry in entries)


def test_newest_sorts_by_date_and_leaves_alone_what_has_none(listed: List, site: FakeSourceSite) -> None:
    days = (5, 9, 1, 7)
    url = site.add("/feed", feed(*(dated(number, day) for number, day in enumerate(days)), talk("https://e.com/4.mp4")))
    assert numbers(listed(url)) == "01234"
    newest = listed(url, newest=True)
    assert numbers(newest) == "13024"
    assert numbers(listed(url, newest=True, cursor=newest[1].cursor)) == "024"
    undated = site.add("/undated", feed(*(talk(f"https://e.com/{number}.mp4") for number in range(3))))
    assert numbers(listed(undated, newest=True)) == "012"


def test_a_page_begins_behind_the_last_entry_wherever_that_stands_now(listed: List, site: FakeSourceSite) -> None:
    talks = [talk(f"https://e.com/{number}.mp4") for number in range(6)]
    url = site.add("/feed", feed(*talks))
    cursor = listed(url)[2].cursor
    assert numbers(listed(url, cursor)) == "345"
    site.add("/feed", feed(*talks[1:]))
    assert numbers(listed(url, cursor)) == "345", "an entry that went away moves the others up"
    site.add("/feed", feed(talk("https://e.com/9.mp4"), *talks))
    assert set(numbers(listed(url, cursor))) >= set("345"), "a new one moves them down"
    site.add("/feed", feed(*talks[3:]))
    assert set(numbers(listed(url, cursor))) >= set("345"), "the last entry itself went away"


def test_what_is_called_like_another_hides_nothing_between_them(listed: List, site: FakeSourceSite) -> None:
    zero, twin, two, three, four = (talk(f"https://e.com/{number}.mp4") for number in range(5))
    url = site.add("/feed", feed(zero, four, twin, two, twin, three))
    cursor = listed(url)[2].cursor
    site.add("/feed", feed(twin, two, twin, three))
    assert set(numbers(listed(url, cursor))) >= set("23")


ATOM = """<?xml version="1.0"?><feed xmlns="http://www.w3.org/2005/Atom" xmlns:yt="http://www.youtube.com/xml/schemas/2015">
<entry><title>One</title><published>2026-01-05T10:00:00Z</published>
  <link rel="alternate" href="https://e.com/page"/><link rel="enclosure" type="audio/mpeg" href="https://e.com/1.mp3"/>
  <link rel="enclosure" type="video/mp4" href="/media/1.mp4"/></entry>
<entry><title>Two</title><published>2026-01-09T10:00:00Z</published><yt:videoId>abc</yt:videoId>
  <link rel="alternate" href="https://www.youtube.com/watch?v=abc"/></entry>
<entry><title>Three</title></entry>
</feed>"""


def test_an_atom_feed_is_a_list_too(listed: List, site: FakeSourceSite) -> None:
    url = site.add("/atom.xml", fixed(ATOM.encode(), "application/atom+xml"))
    first, second, third = listed(url)
    assert (first.url, first.identity) == (site.url("/media/1.mp4"), None)
    assert (second.url, second.identity) == ("https://www.youtube.com/watch?v=abc", identity("page", "Youtube", "abc"))
    assert (third.url, third.reason) == (None, Reason.UNSUPPORTED_SOURCE)
    assert [entry.url for entry in listed(url, newest=True)] == [second.url, first.url, None]


def test_a_feed_that_would_grow_when_it_is_read_is_refused(listed: List, site: FakeSourceSite) -> None:
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 9))
    bomb = f'<?xml version="1.0"?><!DOCTYPE feed [<!ENTITY l0 "ha">{laughs}]><feed>&l8;</feed>'
    with pytest.raises(ImportFailure) as told:
        listed(site.add("/bomb.xml", fixed(bomb.encode(), "application/atom+xml")))
    assert told.value.reason is Reason.PAGE_TOO_LARGE


def test_a_page_of_many_videos_is_a_list_of_their_files(listed: List, site: FakeSourceSite) -> None:
    two = '<video src="/a.mp4"></video><p>and</p><video src="/b.mp4"></video>'
    found = listed(site.add("/list", html(two)))
    assert [entry.url for entry in found] == [site.url("/a.mp4"), site.url("/b.mp4")]


def test_a_single_video_is_a_list_of_one(listed: List, site: FakeSourceSite) -> None:
    url = site.add("/watch", html('<video src="/a.mp4"></video>'))
    (only,) = listed(url)
    assert only.url == url
    assert listed(url, only.cursor) == []


def test_an_empty_feed_is_a_list(listed: List, site: FakeSourceSite) -> None:
    assert listed(site.add("/feed", feed())) == []


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (404, b"", Reason.SOURCE_NOT_FOUND),
        (401, b"", Reason.SOURCE_AUTH_REQUIRED),
        (200, b"<!doctype html><html><body>words</body></html>", Reason.UNSUPPORTED_SOURCE),
    ],
)
def test_what_a_site_says_instead_of_a_list_is_the_reason(
    listed: List, site: FakeSourceSite, status: int, body: bytes, reason: Reason
) -> None:
    with pytest.raises(ImportFailure) as told:
        listed(site.add("/list", fixed(body, "text/html", status)))
    assert told.value.reason is reason


# A site that yt-dlp knows: a channel with tabs, whose lists come in numbered pages.


class TalkIE(InfoExtractor):  # type: ignore[misc]
    """A video."""

    _VALID_URL = r"http://127\.0\.0\.1:\d+/talk/(?P<id>\d+)"
    _RETURN_TYPE = "video"


class TabIE(InfoExtractor):  # type: ignore[misc]
    """A list in numbered pages of ten."""

    _VALID_URL = r"http://127\.0\.0\.1:\d+/tab/(?P<id>\w+)"
    _RETURN_TYPE = "playlist"

    def _real_extract(self, url: str) -> Any:
        name = self._match_id(url)

        def page(number: int) -> Any:
            for talk_ in self._download_json(f"{url}/{number}", name):
                own = talk_ and self.url_result(f"{url[: -len(f'/tab/{name}')]}/talk/{talk_['id']}", "Talk")
                yield own and {**own, **talk_}

        return self.playlist_result(OnDemandPagedList(page, 10), name)


class ChannelIE(InfoExtractor):  # type: ignore[misc]
    """A list of lists."""

    _VALID_URL = r"http://127\.0\.0\.1:\d+/channel"
    _RETURN_TYPE = "playlist"

    def _real_extract(self, url: str) -> Any:
        tabs = ("live", "videos", "none", "videos")
        return self.playlist_result([self.url_result(f"{url[:-8]}/tab/{tab}", "Tab") for tab in tabs], "channel")


@pytest.fixture
def tube(site: FakeSourceSite, around: Surroundings) -> List:
    """Entries of the site, whose videos are thirty-five and whose live ones are three."""

    def page(number: int) -> Route:
        talks = [{"id": str(n), "duration": n + 1} for n in range(10 * number, min(35, 10 * number + 10))]
        return json_(talks)

    for number in range(4):
        site.routes[f"/tab/videos/{number}"] = page(number)
    states = [{"live_status": "is_live"}, {"live_status": "is_upcoming"}, {"availability": "needs_auth"}]
    site.routes["/tab/live/0"] = json_([{"id": f"9{n}", **state} for n, state in enumerate(states)])

    def entries(path: str, cursor: str | None = None, secret: str | None = None) -> list[ListEntry]:
        return list(walked(around, site.url(path), cursor, secret))

    return entries


def walked(around: Surroundings, url: str, cursor: str | None = None, secret: str | None = None) -> Iterator[ListEntry]:
    request = around.request.model_copy(update={"secret": secret})
    wish = BulkSource.model_validate(source(url))
    with Ydl(around, WebSecrets(), extract_flat=True, playlist_items=None) as ydl:
        own = {ie.ie_key(): ie(ydl) for ie in (TalkIE, TabIE, ChannelIE)}
        ydl._ies, ydl._ies_instances = {**own, **ydl._ies}, {**own, **ydl._ies_instances}
        yield from PlaylistWalk(ydl, ListRequest(fetch=request, source=wish, cursor=cursor)).entries()


def json_(value: Any) -> Route:
    return fixed(json.dumps(value).encode(), "application/json")


def test_lists_in_a_list_stand_in_their_place_and_one_that_is_gone_harms_no_other(
    tube: List, site: FakeSourceSite
) -> None:
    found = tube("/channel")
    assert [entry.url for entry in found[3:38]] == [site.url(f"/talk/{n}") for n in range(35)]
    assert [entry.reason for entry in found[:3]] == [
        Reason.SOURCE_NOT_YET_AVAILABLE, Reason.SOURCE_NOT_YET_AVAILABLE, Reason.SOURCE_AUTH_REQUIRED,
    ]  # fmt: skip
    gone = found[38]
    assert (gone.url, gone.reason, len(found)) == (site.url("/tab/none"), Reason.SOURCE_NOT_FOUND, 39)
    assert tube("/channel", secret="login")[2].reason is None, "with a login it may be open"
    assert tube("/channel", found[30].cursor)[0].url == found[31].url


def test_entries_that_are_gone_hide_nothing_between_them(tube: List, site: FakeSourceSite) -> None:
    """What has no name may be another than the one the cursor meant."""
    site.routes["/tab/videos/1"] = json_([])
    site.routes["/tab/videos/0"] = json_([{"id": "0"}, {"id": "1"}, {"id": "2"}, None, {"id": "3"}, None])
    cursor = tube("/tab/videos")[3].cursor
    site.routes["/tab/videos/0"] = json_([{"id": "2"}, {"id": "3"}, None, {"id": "4"}])
    again = [entry.url for entry in tube("/tab/videos", cursor)]
    assert again == [site.url(f"/talk/{number}") for number in (2, 3, 4)]


def test_a_list_too_deep_within_others_is_rejected_and_not_left_out(
    tube: List, site: FakeSourceSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(playlist, "MOST_DEPTH", 0)
    assert {entry.url: entry.reason for entry in tube("/channel")} == {
        site.url(f"/tab/{name}"): Reason.UNSUPPORTED_SOURCE for name in ("live", "videos", "none")
    }


def test_what_a_list_tells_is_known_without_asking_for_the_video(tube: List) -> None:
    first = tube("/tab/videos")[0]
    assert (first.duration_ms, first.identity) == (1000, identity("page", "Talk", "0"))


def test_numbered_pages_before_the_cursor_are_not_asked_for(
    tube: List, site: FakeSourceSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(playlist, "OVERLAP", 2)
    found = tube("/tab/videos")
    site.requests.clear()
    assert tube("/tab/videos", found[29].cursor) == found[30:]
    assert {seen.path for seen in site.requests} == {"/tab/videos/2", "/tab/videos/3"}


def test_a_list_that_breaks_off_half_way_has_told_its_first_part(
    tube: List, site: FakeSourceSite, around: Surroundings
) -> None:
    site.routes["/tab/videos/2"] = fixed(b"", "text/plain", 429)
    walk = walked(around, site.url("/tab/videos"))
    assert [entry.url for entry in islice(walk, 20)] == [site.url(f"/talk/{n}") for n in range(20)]
    with pytest.raises(YoutubeDLError) as told:
        next(walk)
    assert classify.failure(told.value).reason is Reason.RATE_LIMITED
    assert len(site.asked("/tab/videos/2")) == 1
