"""Entries of a playlist."""

from typing import Any

import pytest
from yt_dlp.utils import smuggle_url

from support.every_case import every_case
from videoimport.api.reasons import Reason
from videoimport.worker.fetch.process_messages import identity
from videoimport.worker.listing import playlist_entries as flat
from videoimport.worker.listing.process_messages import ListEntry

PAGE = "https://e.com/shows/list"


def entry(raw: Any, *, has_secret: bool = False) -> ListEntry:
    return flat.entry(raw, "1", PAGE, has_secret=has_secret)


@every_case(
    ("raw", "url"),
    [
        ({"_type": "url", "url": "https://e.com/1"}, "https://e.com/1"),
        ({"_type": "url", "url": "//cdn.e.com/1"}, "https://cdn.e.com/1"),
        ({"_type": "url", "url": "../1.mp4"}, "https://e.com/1.mp4"),
        (
            {"_type": "url_transparent", "url": smuggle_url("https://e.com/1", {"force_videoid": "x"})},
            "https://e.com/1",
        ),
        ({"_type": "url", "url": "abc", "ie_key": "Site", "webpage_url": "https://e.com/abc"}, "https://e.com/abc"),
        ({"_type": "url", "url": "abc", "ie_key": "Site"}, None),
        ({"_type": "url", "url": "site:abc"}, None),
        ({"_type": "url", "url": "javascript:alert(1)"}, None),
        ({"_type": "url", "url": "https://e.com/" + "x" * 2048}, None),
        ({"_type": "url"}, None),
        ({"url": "https://cdn.e.com/1.mp4?sig=a", "webpage_url": "https://e.com/1"}, "https://e.com/1"),
        ({"url": "https://cdn.e.com/1.mp4", "webpage_url": PAGE}, "https://cdn.e.com/1.mp4"),
    ],
)
def test_an_entry_has_the_address_that_it_can_be_fetched_by_alone(raw: dict[str, Any], url: str | None) -> None:
    told = entry(raw)
    assert told.url == url
    assert (told.reason is None) == (url is not None)


def test_what_an_embedding_page_told_stays_with_the_address() -> None:
    told = entry({"_type": "url", "url": smuggle_url("https://player.e.com/1", {"referer": PAGE})})
    assert str(told.url).startswith("https://player.e.com/1#__youtubedl_smuggle=")


def test_the_best_file_with_sound_stands_for_a_video_without_a_page() -> None:
    formats = [
        {"url": "https://e.com/sound.m4a", "vcodec": "none"},
        {"url": "https://e.com/360.mp4", "height": 360},
        {"url": "https://e.com/720.m3u8", "height": 720, "manifest_url": "https://e.com/all.m3u8"},
        {"url": "https://e.com/silent.mp4", "height": 1080, "acodec": "none"},
    ]
    assert entry({"formats": formats}).url == "https://e.com/all.m3u8"


@pytest.mark.parametrize(
    ("raw", "reason", "with_secret"),
    [
        ({"live_status": "is_live"}, Reason.SOURCE_NOT_YET_AVAILABLE, Reason.SOURCE_NOT_YET_AVAILABLE),
        ({"live_status": "is_upcoming"}, Reason.SOURCE_NOT_YET_AVAILABLE, Reason.SOURCE_NOT_YET_AVAILABLE),
        ({"live_status": "was_live"}, None, None),
        ({"availability": "subscriber_only"}, Reason.SOURCE_AUTH_REQUIRED, None),
        ({"title": "[Private video]"}, Reason.SOURCE_AUTH_REQUIRED, None),
        ({"title": "[Deleted video]"}, Reason.SOURCE_NOT_FOUND, Reason.SOURCE_NOT_FOUND),
    ],
)
def test_what_nobody_could_import_now_is_told(
    raw: dict[str, Any], reason: Reason | None, with_secret: Reason | None
) -> None:
    raw = {"_type": "url", "url": "https://e.com/1", **raw}
    assert entry(raw).reason is reason
    assert entry(raw, has_secret=True).reason is with_secret


def test_an_entry_that_is_gone_has_neither_address_nor_identity() -> None:
    told = entry(None)
    assert (told.url, told.identity, told.reason) == (None, None, Reason.SOURCE_NOT_FOUND)


def test_only_an_extractors_own_id_is_an_identity() -> None:
    raw = {"_type": "url", "url": "https://e.com/1", "id": "abc"}
    assert entry({**raw, "ie_key": "Youtube"}).identity == identity("page", "Youtube", "abc")
    assert entry({**raw, "ie_key": "Generic"}).identity is None
    assert entry(raw).identity is None


def test_nonsense_in_a_list_is_no_fact_and_no_failure() -> None:
    raw = {"_type": "url", "url": "https://e.com/\ud800", "title": "\ud800", "duration": "long", "width": -1,
           "height": 10**12, "filesize": 1.5, "upload_date": "someday"}  # fmt: skip
    told = entry(raw)
    assert (told.duration_ms, told.width, told.height, told.size_bytes) == (None, None, None, None)
    assert told.model_dump_json()
    assert flat.moment(raw) is None


@pytest.mark.parametrize("told", [10**400, -(10**400), float("inf"), float("nan")])
def test_a_moment_that_none_can_be_is_none(told: float) -> None:
    assert flat.moment({"timestamp": told, "upload_date": "20260105"}) == 1767571200


@pytest.mark.parametrize("title", ["A talk: Über alles", "x" * 1000, "half \ud83d", 7, None, ""])
def test_a_title_is_kept_as_far_as_it_can_be_said(title: Any) -> None:
    told = entry({"_type": "url", "url": "https://e.com/1", "title": title}).title
    assert told is None or (isinstance(title, str) and 0 < len(told) <= 256)
    assert (told is None) is (not isinstance(title, str) or not title)
