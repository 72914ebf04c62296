"""What strangers' lists say, as entries; and what is read of an object to look into it."""

from pathlib import Path
from typing import Any

import pytest
from yt_dlp.utils import smuggle_url

from videoimport.api.reasons import Reason
from videoimport.api.videoimport_source import S3Source
from videoimport.worker.fetch.context import Surroundings
from videoimport.worker.fetch.protocol import Request, Teller, identity
from videoimport.worker.fetch.s3_ranges import Reader, Version
from videoimport.worker.listing import playlist_entries as flat
from videoimport.worker.listing.addresses import is_address
from videoimport.worker.listing.object_probe import HEAD_BYTES, MOST_INDEX_BYTES, Looker
from videoimport.worker.listing.protocol import Entry, Look
from videoimport.worker.runtime.errors import ImportFailure
from videoimport.worker.sandbox.address_guard import Guard
from videoimport.worker.sandbox.proxy import Route

PAGE = "https://e.com/shows/list"


def entry(raw: Any, *, has_secret: bool = False) -> Entry:
    return flat.entry(raw, "1", PAGE, has_secret=has_secret)


@pytest.mark.parametrize(
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


@pytest.mark.parametrize(
    "text",
    ["http://", "https:///x", "http://a", "ftp://e.com/1", "https://e.com:99999/1", "https://e.com/\n", "https://[::1",
     "https://a b/c", "HTTPS:e.com/1", "e.com/1", ""],
)  # fmt: skip
def test_what_is_no_address(text: str) -> None:
    assert not is_address(text)


@pytest.mark.parametrize("text", ["HTTPS://E.com/1", "Http://e.com/1", "https://e.com/1"])
def test_what_is_an_address(text: str) -> None:
    assert is_address(text)


# What is read of an object


class Stored:
    """A client for an object of which only some bytes exist."""

    def __init__(self, size: int, pieces: dict[int, bytes]) -> None:
        self.size, self.pieces, self.asked = size, pieces, list[str]()

    def get_object(self, **asked: Any) -> Any:
        self.asked.append(asked["Range"])
        first, last = (int(part) for part in asked["Range"].removeprefix("bytes=").split("-"))
        body = bytearray(last - first + 1)
        for offset, piece in self.pieces.items():
            if first <= offset <= last:
                body[offset - first : offset - first + len(piece)] = piece[: last - offset + 1]
        return {"Body": _Body(bytes(body)), "ContentRange": f"bytes {first}-{last}/{self.size}"}


class _Body:
    def __init__(self, content: bytes) -> None:
        self._content = content

    def __enter__(self) -> "_Body":
        return self

    def __exit__(self, *_: object) -> None: ...

    def read(self, length: int) -> bytes:
        chunk, self._content = self._content[:length], self._content[length:]
        return chunk


def looked(folder: Path, stored: Stored) -> Look:
    request = Request(folder=str(folder), max_height=1080, room_bytes=2**30)
    around = Surroundings.of(request, Teller.__new__(Teller), Guard(()), Route())
    looker = Looker(stored, around)  # type: ignore[arg-type]
    return looker.look(S3Source(bucket="source", key="a.mp4"), Version(stored.size, '"etag"', None))


def box(name: bytes, size: int) -> bytes:
    return (1).to_bytes(4, "big") + name + size.to_bytes(8, "big")


FTYP = (16).to_bytes(4, "big") + b"ftypisom" + bytes(4)
GIBIBYTE = 2**30


def test_of_a_large_file_only_its_head_and_its_index_are_read(tmp_path: Path) -> None:
    media, index = 50 * GIBIBYTE, 3_000_000
    size = 16 + media + index
    stored = Stored(size, {0: FTYP, 16: box(b"mdat", media), 16 + media: box(b"moov", index)})
    look = looked(tmp_path, stored)
    assert stored.asked == [f"bytes=0-{HEAD_BYTES - 1}", f"bytes={16 + media}-{size - 1}"]
    found = Path(str(look.path)).stat()
    assert (found.st_size, look.container) == (size, "mp4")


def test_an_index_that_is_too_long_is_not_read(tmp_path: Path) -> None:
    size = 16 + MOST_INDEX_BYTES + HEAD_BYTES + 1000
    stored = Stored(size, {0: FTYP, 16: box(b"moov", size - 16)})
    look = looked(tmp_path, stored)
    assert len(stored.asked) == 1
    assert (look.path, look.reason) == (None, None), "its beginning names some of the tracks only"


def test_of_other_containers_nothing_but_the_head_is_written(tmp_path: Path) -> None:
    stored = Stored(50 * GIBIBYTE, {0: b"RIFF\xff\xff\xff\xffAVI LIST"})
    look = looked(tmp_path, stored)
    assert Path(str(look.path)).stat().st_size == HEAD_BYTES
    assert look.container is None


def test_what_is_no_media_is_known_by_its_head(tmp_path: Path) -> None:
    assert looked(tmp_path, Stored(9000, {0: b"%PDF-1.7"})).reason is Reason.NOT_VIDEO


def test_of_a_size_that_no_file_has_nothing_is_told(tmp_path: Path) -> None:
    look = looked(tmp_path, Stored(2**63 - 1, {0: FTYP, 16: box(b"mdat", 2**63 - 17)}))
    assert (look.path, look.reason) == (None, None)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "reason",
    [
        Reason.SOURCE_AUTH_REQUIRED,
        Reason.CERTIFICATE_INVALID,
        Reason.UNSUPPORTED_SOURCE,
        Reason.SOURCE_CHANGED,
        Reason.SOURCE_NOT_FOUND,
        Reason.SOURCE_TRUNCATED,
    ],
)
def test_what_cannot_be_read_is_left_to_its_import(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reason: Reason
) -> None:
    def fail(*_: Any) -> bytes:
        raise ImportFailure(reason, "Not this one.")

    monkeypatch.setattr(Reader, "read", fail)
    look = looked(tmp_path, Stored(9, {}))
    assert (look.path, look.reason) == (None, None)


@pytest.mark.parametrize("reason", [Reason.RATE_LIMITED, Reason.SOURCE_UNAVAILABLE])
def test_what_is_the_stores_fault_is_not_an_objects(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reason: Reason
) -> None:
    def fail(*_: Any) -> bytes:
        raise ImportFailure(reason, "Not now.")

    monkeypatch.setattr(Reader, "read", fail)
    with pytest.raises(ImportFailure):
        looked(tmp_path, Stored(9, {}))


@pytest.mark.parametrize("title", ["A talk: Über alles", "x" * 1000, "half \ud83d", 7, None, ""])
def test_a_title_is_kept_as_far_as_it_can_be_said(title: Any) -> None:
    told = entry({"_type": "url", "url": "https://e.com/1", "title": title}).title
    assert told is None or (isinstance(title, str) and 0 < len(told) <= 256)
    assert (told is None) is (not isinstance(title, str) or not title)
