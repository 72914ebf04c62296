"""Objects and lists of stores that differ from S3 in their answers: read right, or refused with the reason."""

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit
from xml.sax.saxutils import escape

import pytest

from support.fake_source_site import Exchange, FakeSourceSite
from videoimport.api.bulkimport_source import BulkSource
from videoimport.api.destination import S3Destination
from videoimport.api.reasons import Reason
from videoimport.api.videoimport_source import S3Source
from videoimport.worker.fetch import s3_ranges as ranges
from videoimport.worker.fetch.context import Surroundings
from videoimport.worker.fetch.limits import Throttle
from videoimport.worker.fetch.process_messages import Request, Teller
from videoimport.worker.fetch.s3_ranges import Reader, Version
from videoimport.worker.listing import bucket_pages as objects
from videoimport.worker.listing.bucket import Bucket
from videoimport.worker.listing.process_messages import ListEntry, ListRequest
from videoimport.worker.runtime.errors import ImportFailure
from videoimport.worker.sandbox.address_guard import Guard
from videoimport.worker.sandbox.proxy import Route
from videoimport.worker.storage.s3 import store as s3

MOVIE = bytes(range(256)) * 4 * 1024 * 5
"""5 MiB: five ranges."""
DATE = "Fri, 27 Nov 2026 06:00:00 GMT"
LATER = "Fri, 27 Nov 2026 06:00:01 GMT"
XML = {"Content-Type": "application/xml"}
Headers = Mapping[str, str | None]


def code(name: str, more: str = "") -> bytes:
    return f"<?xml version='1.0'?><Error><Code>{name}</Code>{more}</Error>".encode()


@dataclass
class Stored:
    """One object of a store; fields say how its answers differ."""

    site: FakeSourceSite
    head: Headers = field(default_factory=dict)
    """Headers of HEAD; None leaves one out."""
    get: Headers = field(default_factory=dict)
    content: bytes = MOVIE
    changes: Callable[[int], Headers] = lambda _: {}
    """More headers of GET, by the first byte."""
    refuses: Callable[["Stored", Exchange], tuple[int, bytes] | None] = lambda *_: None
    span: Callable[[int, int, int], str | None] = lambda first, last, size: f"bytes {first}-{last}/{size}"
    most: int = 2**30
    """Bytes of an answer."""
    conditions: list[str | None] = field(default_factory=list)
    version_id: str | None = None

    def __post_init__(self) -> None:
        self.site.add("/films/v.mp4", self._route)

    @property
    def reader(self) -> Reader:
        wish = S3Source(endpoint=self.site.url(""), bucket="films", key="v.mp4", version_id=self.version_id)
        return Reader(ranges.connect(wish, None, Route(), 5), wish, Throttle(None))

    def read(self) -> bytes:
        reader = self.reader
        version = reader.look()
        with ThreadPoolExecutor(4) as pool:
            return b"".join(reader.chunks(pool, version, 0, version.size))

    def refusal(self) -> ImportFailure:
        with pytest.raises(ImportFailure) as caught:
            self.read()
        return caught.value

    def _route(self, exchange: Exchange) -> None:
        if (refused := self.refuses(self, exchange)) is not None:
            exchange.answer(*refused, XML, send=-1 if exchange.seen.range else 0)
            return
        usual: Headers = {"ETag": '"one"', "Last-Modified": DATE, "Content-Length": str(len(self.content))}
        if exchange.seen.range is None:
            self._start(exchange, 200, {**usual, **self.head})
            return
        first, last = map(int, exchange.seen.range.removeprefix("bytes=").split("-"))
        last = min(last, len(self.content) - 1, first + self.most - 1)
        told = self.span(first, last, len(self.content))
        body = self.content[first : last + 1] if told else self.content
        self.conditions.append(exchange.seen.headers.get("If-Match"))
        here: Headers = {"Content-Length": str(len(body)), "Content-Range": told}
        self._start(exchange, 206 if told else 200, {**usual, **here, **self.get, **self.changes(first)})
        exchange.write(body)

    def _start(self, exchange: Exchange, status: int, headers: Headers) -> None:
        exchange.start(status, {name: value for name, value in headers.items() if value is not None})


@pytest.mark.parametrize(
    ("head", "get", "condition"),
    [
        ('"one"', '"one"', '"one"'),
        ("one", '"one"', '"one"'),
        ('"one"', "one", '"one"'),
        ('"one"', 'W/"one"', '"one"'),
        ('W/"one"', 'W/"one"', None),
        ('W/"one"', '"one"', None),
        (None, None, None),
        (None, '"one"', None),
        ('"one"', None, '"one"'),
    ],
)
def test_an_etag_of_any_form_is_one(
    site: FakeSourceSite, head: str | None, get: str | None, condition: str | None
) -> None:
    """Nothing is bound to a weak one, which no store would find equal."""
    stored = Stored(site, head={"ETag": head}, get={"ETag": get})
    assert stored.read() == MOVIE
    assert set(stored.conditions) == {condition}


@pytest.mark.parametrize("etags", [('"one"', '"two"'), ('W/"one"', 'W/"two"'), ("one", "two"), (None, None)])
def test_an_object_that_changes_is_found_out_though_the_store_ignores_conditions(
    site: FakeSourceSite, etags: tuple[str | None, str | None]
) -> None:
    old, new = etags
    stored = Stored(site, head={"ETag": old}, get={"ETag": old})
    stored.changes = lambda first: {"ETag": new, "Last-Modified": LATER} if first > 2 * 2**20 else {}
    assert stored.refusal().reason is Reason.SOURCE_CHANGED


def test_an_object_of_another_size_is_another(site: FakeSourceSite) -> None:
    stored = Stored(site, head={"ETag": None, "Last-Modified": None}, get={"ETag": None, "Last-Modified": None})
    stored.span = lambda first, last, size: f"bytes {first}-{last}/{size + (first > 0)}"
    assert stored.refusal().reason is Reason.SOURCE_CHANGED


@pytest.mark.parametrize("status", [400, 412, 501])
def test_a_store_that_refuses_conditions_is_read_without(site: FakeSourceSite, status: int) -> None:
    def refuses(stored: Stored, exchange: Exchange) -> tuple[int, bytes] | None:
        return (status, code("NotImplemented")) if exchange.seen.headers.get("If-Match") else None

    stored = Stored(site, refuses=refuses)
    assert stored.read() == MOVIE
    assert set(stored.conditions) == {None}


def test_a_condition_that_is_unmet_is_not_left_out(site: FakeSourceSite) -> None:
    def refuses(stored: Stored, exchange: Exchange) -> tuple[int, bytes] | None:
        if not exchange.seen.headers.get("If-Match"):
            return None
        stored.head = stored.get = {"ETag": '"two"'}
        return 412, code("PreconditionFailed")

    assert Stored(site, refuses=refuses).refusal().reason is Reason.SOURCE_CHANGED


def test_a_store_that_ignores_ranges_is_refused_with_the_way_out(site: FakeSourceSite) -> None:
    stored = Stored(site, span=lambda *_: None)
    failure = stored.refusal()
    assert failure.reason is Reason.UNSUPPORTED_SOURCE
    assert "ignores ranges" in failure.message
    assert "source.url" in failure.advice
    stored.content = MOVIE[:1000]
    assert stored.read() == MOVIE[:1000], "all of it is the range"


def test_ranges_that_are_told_in_other_ways_are_understood(site: FakeSourceSite) -> None:
    stored = Stored(site, span=lambda first, last, _: f"  Bytes  {first}-{last}/*")
    assert stored.read() == MOVIE
    stored.most = 300_000
    assert stored.read() == MOVIE, "of each range only the beginning is brought"


@pytest.mark.parametrize(
    "span", [lambda first, last, size: f"bytes {first}-{last + 1}/{size}", lambda first, last, size: "bytes */9"]
)
def test_a_range_that_is_another_is_not_believed(site: FakeSourceSite, span: Callable[[int, int, int], str]) -> None:
    assert Stored(site, span=span).refusal().reason in (Reason.SOURCE_CHANGED, Reason.UNSUPPORTED_SOURCE)


def test_answers_without_a_byte_end_the_reading(site: FakeSourceSite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranges, "_PAUSE_SECONDS", 0.001)
    stored = Stored(site, get={"Content-Length": None})
    stored.site.protocol = "HTTP/1.0"
    stored.content = b""
    stored.head = {"Content-Length": "10"}
    stored.span = lambda *_: "bytes 0-9/10"
    assert stored.refusal().reason is Reason.SOURCE_UNAVAILABLE


@pytest.mark.parametrize("status", [400, 403, 405, 501])
def test_what_head_does_not_tell_a_get_does(site: FakeSourceSite, status: int) -> None:
    stored = Stored(site, refuses=lambda _, exchange: None if exchange.seen.range else (status, b""))
    assert stored.reader.look() == Version(len(MOVIE), '"one"', None, "2026-11-27T06:00:00")
    assert stored.read() == MOVIE


def test_a_head_without_a_size_is_no_answer(site: FakeSourceSite) -> None:
    assert Stored(site, head={"Content-Length": None}).read() == MOVIE


def test_a_date_that_is_none_is_no_internal_error(site: FakeSourceSite) -> None:
    failure = Stored(site, head={"Last-Modified": "yesterday"}).refusal()
    assert failure.reason is Reason.SOURCE_UNAVAILABLE
    assert "source.s3.endpoint" in failure.advice


@pytest.mark.parametrize("told", [None, "null", "v2"])
def test_another_version_than_was_asked_for_is_never_taken(site: FakeSourceSite, told: str | None) -> None:
    stored = Stored(site, head={"x-amz-version-id": told}, version_id="v1")
    failure = stored.refusal()
    assert failure.reason is Reason.UNSUPPORTED_SOURCE
    assert "source.s3.versionID" in failure.message
    stored.head = {"x-amz-version-id": "v1"}
    assert stored.read() == MOVIE


@pytest.mark.parametrize(("status", "word"), [(404, "NoSuchVersion"), (400, "InvalidArgument")])
def test_a_version_that_is_not_there_is_named(site: FakeSourceSite, status: int, word: str) -> None:
    failure = Stored(site, refuses=lambda *_: (status, code(word)), version_id="v1").refusal()
    assert failure.reason is Reason.SOURCE_NOT_FOUND
    assert "no version 'v1' of 'v.mp4'" in failure.message


def test_an_object_without_an_etag_is_named_by_its_date(site: FakeSourceSite) -> None:
    """What is not the same must never go on where the other ended, and is no duplicate."""
    names = []
    for date in (DATE, LATER, None):
        names.append(Stored(site, head={"ETag": None, "Last-Modified": date}).reader.look().name)
    assert names[0] != names[1]
    assert names[2] == "", "nothing vouches for it"
    assert Stored(site, head={"ETag": 'W/"one"'}).reader.look().name == Stored(site).reader.look().name


@pytest.mark.parametrize(
    ("status", "body", "reason", "told"),
    [
        (400, code("AuthorizationHeaderMalformed", "<Region>eu-west-1</Region>"), Reason.INVALID_SPEC, "eu-west-1"),
        (301, code("PermanentRedirect"), Reason.INVALID_SPEC, "source.s3.region"),
        (403, code("InvalidObjectState", "<StorageClass>DEEP_ARCHIVE</StorageClass>"), Reason.UNSUPPORTED_SOURCE,
         "DEEP_ARCHIVE"),
        (404, code("NoSuchBucket"), Reason.SOURCE_NOT_FOUND, "There is no bucket 'films'"),
        (403, code("AccessDenied"), Reason.SOURCE_AUTH_REQUIRED, "AccessDenied"),
        (400, code("UnsupportedAlgorithm"), Reason.SOURCE_AUTH_REQUIRED, "UnsupportedAlgorithm"),
    ],
)  # fmt: skip
def test_what_a_refusal_means_is_told(
    site: FakeSourceSite, status: int, body: bytes, reason: Reason, told: str
) -> None:
    failure = Stored(site, refuses=lambda *_: (status, body)).refusal()
    assert failure.reason is reason
    assert told in failure.message


# Lists


@dataclass
class Shelf:
    """A bucket that answers a listing in its own way; of HEAD it tells a size and an ETag of every key."""

    site: FakeSourceSite
    keys: list[str]
    page: int = 2
    tokens: bool = True
    token: str | None = None
    """The same with each page."""
    knows_start: bool = True
    knows_prefix: bool = True
    encoding: str | None = "url"
    waits_to_be_asked: bool = False
    """Whether it encodes only where it is asked to."""
    written: Callable[[str], str] = quote
    fields: str = '<Size>9</Size><ETag>"e"</ETag>'
    metadata: Mapping[str, str] = field(default_factory=dict)
    status: int = 200
    asked: list[dict[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.site.routes["/shelf"] = self._list
        for key in self.keys:
            self.site.routes[f"/shelf/{quote(key)}"] = lambda exchange: exchange.start(
                200, {"Content-Length": "9", "ETag": '"e"', **self.metadata}
            )

    def _list(self, exchange: Exchange) -> None:
        asked = {name: values[0] for name, values in parse_qs(urlsplit(exchange.seen.path).query).items()}
        self.asked.append(asked)
        start = asked.get("start-after", "") if self.knows_start else ""
        after = unquote(asked.get("continuation-token", quote(start))) if self.tokens else start
        prefix = asked.get("prefix", "") if self.knows_prefix else ""
        left = [key for key in self.keys if key > after and key.startswith(prefix)]
        some, more = left[: self.page], len(left) > self.page
        token = self.token or (quote(some[-1]) if self.tokens and more else "")
        encodes = not self.waits_to_be_asked or asked.get("encoding-type") == "url"
        written = self.written if encodes else escape
        inner = "".join(f"<Contents><Key>{written(key)}</Key>{self.fields}</Contents>" for key in some)
        encoding = f"<EncodingType>{self.encoding}</EncodingType>" if self.encoding and encodes else ""
        told = f"<NextContinuationToken>{token}</NextContinuationToken>" if token else ""
        inner = f"<IsTruncated>{str(more).lower()}</IsTruncated>{encoding}{told}{inner}"
        exchange.answer(self.status, f"<ListBucketResult>{inner}</ListBucketResult>".encode(), XML)

    def entries(self, tmp_path: Path, cursor: str | None = None, prefix: str = "", **more: Any) -> list[ListEntry]:
        fetch = Request(folder=str(tmp_path), max_height=1080, room_bytes=2**30)
        around = Surroundings.of(fetch, Teller.__new__(Teller), Guard(()), Route())
        source = {"s3": {"endpoint": self.site.url(""), "bucket": "shelf", "prefix": prefix}}
        wish = ListRequest(fetch=fetch, source=BulkSource.model_validate(source), cursor=cursor, **more)
        return [one for one in Bucket(around, wish).entries() if isinstance(one, ListEntry)]

    def listed(self, tmp_path: Path, **more: Any) -> list[str | None]:
        return [entry.key for entry in self.entries(tmp_path, **more)]

    def refusal(self, tmp_path: Path) -> ImportFailure:
        with pytest.raises(ImportFailure) as caught:
            self.entries(tmp_path)
        return caught.value


FIVE = ["a/1.mp4", "a/2.mp4", "b/1.mp4", "b/2.mp4", "c.mp4"]


def test_a_cut_list_without_a_token_goes_on_behind_its_last_key(site: FakeSourceSite, tmp_path: Path) -> None:
    shelf = Shelf(site, FIVE, tokens=False)
    assert shelf.listed(tmp_path) == FIVE
    assert [asked.get("start-after") for asked in shelf.asked] == [None, "a/2.mp4", "b/2.mp4"]


def test_a_token_that_is_always_the_same_is_left_out(site: FakeSourceSite, tmp_path: Path) -> None:
    shelf = Shelf(site, FIVE, token="again")
    shelf.tokens = False
    assert shelf.refusal(tmp_path).reason is Reason.UNSUPPORTED_SOURCE


def test_a_store_that_knows_only_the_first_listobjects_is_refused(site: FakeSourceSite, tmp_path: Path) -> None:
    """Its answer is cut, without a token; and it begins anew whatever it is asked for."""
    shelf = Shelf(site, FIVE, tokens=False, knows_start=False)
    failure = shelf.refusal(tmp_path)
    assert failure.reason is Reason.UNSUPPORTED_SOURCE
    assert "ListObjectsV2" in failure.message
    assert "manifest" in failure.advice
    shelf.page = 10
    assert shelf.listed(tmp_path) == FIVE, "its list has one page"


@pytest.mark.parametrize("status", [405, 501])
def test_a_store_that_refuses_listobjectsv2_is_refused(site: FakeSourceSite, tmp_path: Path, status: int) -> None:
    failure = Shelf(site, FIVE, status=status).refusal(tmp_path)
    assert (failure.reason, "ListObjectsV2" in failure.message) == (Reason.UNSUPPORTED_SOURCE, True)


def test_a_start_that_is_ignored_and_a_prefix_too(site: FakeSourceSite, tmp_path: Path) -> None:
    assert Shelf(site, FIVE, knows_start=False).listed(tmp_path, cursor="b/1.mp4") == FIVE[3:]
    assert Shelf(site, FIVE, knows_prefix=False).listed(tmp_path, prefix="b/") == FIVE[2:4]


ODD = ["50%.mp4", "a b.mp4", "a%20b.mp4", "a+b.mp4", "a//b.mp4", "c\x7fd.mp4", "zürich/Ω ☂.mp4"]


def _form(key: str) -> str:
    return quote(key).replace("+", "%2B").replace("%20", "+")


@pytest.mark.parametrize(
    ("encoding", "written"),
    [("url", quote), ("url", _form), ("url", lambda key: quote(key, safe="/+")), ("url", str), (None, str)],
    ids=["percent", "form", "percent with a plain plus", "named and not applied", "ignored"],
)
def test_keys_are_read_however_they_are_written(
    site: FakeSourceSite, tmp_path: Path, encoding: str | None, written: Callable[[str], str]
) -> None:
    assert Shelf(site, ODD, page=10, encoding=encoding, written=written).listed(tmp_path) == ODD


def _mixed(key: str) -> str:
    """As SeaweedFS writes a key: its folders one way, its name another."""
    folder, slash, name = key.rpartition("/")
    return quote(folder, safe="/+") + slash + _form(name)


def test_a_store_that_encodes_in_two_ways_is_not_asked_to(site: FakeSourceSite, tmp_path: Path) -> None:
    keys = ["a b+c/d e+f.mp4", "a&b<c.mp4", "c d.mp4", "50%25.mp4"]
    shelf = Shelf(site, sorted(keys), page=10, written=_mixed, waits_to_be_asked=True)
    assert shelf.listed(tmp_path) == sorted(keys)
    assert "encoding-type" not in shelf.asked[0]


@pytest.mark.parametrize("written", [quote, _form])
def test_a_page_that_xml_cannot_hold_is_asked_for_encoded(
    site: FakeSourceSite, tmp_path: Path, written: Callable[[str], str]
) -> None:
    """And no other page."""
    keys = ["1 2.mp4", "a\1b+c.mp4", "a\1b c.mp4", "z+.mp4"]
    shelf = Shelf(site, sorted(keys), page=1, written=written, waits_to_be_asked=True)
    assert shelf.listed(tmp_path) == sorted(keys)
    assert [asked.get("encoding-type") for asked in shelf.asked] == [None, None, "url", None, "url", None]


def test_a_destination_lists_its_keys_so_too(site: FakeSourceSite) -> None:
    """A user's file beside ours may have any key."""
    keys = sorted([*ODD, "a b+c/d e+f.mp4", "a\1b c.mp4"])
    store = s3.connect(S3Destination(endpoint=site.url(""), bucket="shelf"), None)
    for page in (10, 2):
        Shelf(site, keys, page=page, written=_form, waits_to_be_asked=True)
        assert list(store.keys("")) == keys
    Shelf(site, FIVE, token="again")
    assert list(store.keys("")) == FIVE, "a token that leads nowhere is gone on from by the last key"
    store.close()


@pytest.mark.parametrize("fields", ["", "<Size>9</Size>", '<ETag>"e"</ETag>'])
def test_what_a_list_does_not_tell_is_asked_for(site: FakeSourceSite, tmp_path: Path, fields: str) -> None:
    whole = Shelf(site, FIVE).entries(tmp_path)
    found = Shelf(site, FIVE, fields=fields).entries(tmp_path)
    assert [(one.key, one.size_bytes, one.identity) for one in found] == [
        (one.key, one.size_bytes, one.identity) for one in whole
    ]


@pytest.mark.parametrize("etag", ["e", 'W/"e"', "&quot;e&quot;"])
def test_an_object_has_one_name_whatever_form_the_list_gives_its_etag(
    site: FakeSourceSite, tmp_path: Path, etag: str
) -> None:
    """Else a nightly run would import all of them again: an import names them as HEAD tells."""
    fields = f"<Size>9</Size><ETag>{etag}</ETag>"
    names = {one.identity for one in Shelf(site, FIVE, fields=fields).entries(tmp_path)}
    assert names == {one.identity for one in Shelf(site, FIVE).entries(tmp_path)}


def test_keys_that_come_twice_are_one_and_a_list_in_no_order_is_refused(site: FakeSourceSite, tmp_path: Path) -> None:
    assert Shelf(site, ["a.mp4", "a.mp4", "b.mp4"], page=10).listed(tmp_path) == ["a.mp4", "b.mp4"]
    failure = Shelf(site, ["b.mp4", "a.mp4", "c.mp4"], page=10).refusal(tmp_path)
    assert "order" in failure.message


@pytest.mark.parametrize("name", ["videoimport-uid", "Videoimport-Uid", "VIDEOIMPORT-UID"])
def test_a_result_is_ours_whatever_the_case_of_its_marks(site: FakeSourceSite, tmp_path: Path, name: str) -> None:
    shelf = Shelf(site, ["raw.mp4", "talk/video.mp4"], metadata={f"x-amz-meta-{name}": "some-uid"})
    assert shelf.listed(tmp_path, is_own=True) == ["raw.mp4"]


def test_pages_without_a_key_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objects, "MOST_EMPTY", 5)
    numbers = iter(range(100))
    answers = iter(lambda: {"IsTruncated": True, "NextContinuationToken": str(next(numbers))}, None)
    with pytest.raises(ImportFailure, match="again and again"):
        list(objects.pages(lambda _: next(answers), "", ""))


def test_a_list_that_does_not_say_whether_it_is_cut_is_read_on(site: FakeSourceSite) -> None:
    keys = [f"{number:04}" for number in range(1500)]

    def page(asks: dict[str, Any]) -> dict[str, Any]:
        some = [key for key in keys if key > asks.get("StartAfter", "")][:1000]
        return {"Contents": [{"Key": key, "Size": 1} for key in some]}

    assert [one.key for some in objects.pages(page, "", "") for one in some] == keys


@pytest.mark.parametrize("body", [b"<html><body>Sign in<br></body>", b"<ListBucketResult><Contents><Key>\1</Key>"])
def test_what_is_no_xml_of_s3_is_no_internal_error(site: FakeSourceSite, tmp_path: Path, body: bytes) -> None:
    """A page of a proxy; a key that XML cannot have, from a store that does not encode it."""
    shelf = Shelf(site, FIVE)
    site.routes["/shelf"] = lambda exchange: exchange.answer(200, body, XML)
    assert shelf.refusal(tmp_path).reason is Reason.SOURCE_UNAVAILABLE
