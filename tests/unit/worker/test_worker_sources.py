"""Decisions about sources: who is shown what, where a file's index lies, what an earlier run's part is good for."""

import contextlib
from itertools import pairwise
from typing import Any
from unittest.mock import Mock

import pytest
from hypothesis import given
from hypothesis import strategies as some

from videoimport.api.reasons import Reason
from videoimport.api.source import S3Source
from videoimport.worker.credentials import Keys
from videoimport.worker.errors import ImportFailure
from videoimport.worker.fetch import cookies, extras, finding, marks, netscape, ranges, store_failures, tail
from videoimport.worker.fetch.answers import Validator
from videoimport.worker.fetch.limits import CHUNK, Limits, Throttle
from videoimport.worker.fetch.marks import Mark
from videoimport.worker.fetch.protocol import identity
from videoimport.worker.fetch.secrets import Login, WebSecrets, is_own
from videoimport.worker.fetch.stored import place

OWN = "https://e.com/watch/1"


class TestWhoIsShownTheSecret:
    @pytest.mark.parametrize(
        ("source", "url", "own"),
        [
            (OWN, "https://e.com/other", True),
            (OWN, "https://e.com:443/", True),
            (OWN, "https://e.com:8443/", False),
            (OWN, "http://e.com/", False),
            (OWN, "https://cdn.e.com/", False),
            (OWN, "https://e.com.evil.com/", False),
            (OWN, "https://e.com@evil.com/", False),
            ("http://e.com/", "https://e.com/", True),
            ("http://e.com:8080/", "https://e.com/", False),
            ("http://e.com/", "https://e.com:8443/", False),
            ("http://10.0.0.1/", "http://10.0.0.1/x", True),
            ("https://E.com/", "https://e.COM/x", True),
        ],
    )
    def test_the_sources_own_host_and_nobody_else(self, source: str, url: str, own: bool) -> None:
        assert is_own(source, url) is own

    @given(host=some.from_regex(r"[a-z]{1,8}\.(com|org)", fullmatch=True), scheme=some.sampled_from(["http", "https"]))
    def test_no_other_host_gets_a_header(self, host: str, scheme: str) -> None:
        secrets = WebSecrets(
            url="https://own.example/", headers=(("X-Key", "s"),), logins={"own.example": Login("a", "s")}
        )
        assert secrets.headers_for(f"{scheme}://{host}/own.example") == {}

    def test_a_login_goes_to_its_machine_by_https(self) -> None:
        secrets = WebSecrets(url=OWN, logins={"e.com": Login("a", "b"), "cdn.e.com": Login("a", "b")})
        assert secrets.headers_for("https://cdn.e.com/v.mp4") == {"authorization": "Basic YTpi"}
        assert secrets.headers_for("http://cdn.e.com/v.mp4") == {}

    def test_headers_win_over_a_login(self) -> None:
        secrets = WebSecrets(url=OWN, headers=(("authorization", "Bearer x"),), logins={"e.com": Login("a", "b")})
        assert secrets.headers_for(OWN) == {"authorization": "Bearer x"}

    def test_no_repr_shows_any(self) -> None:
        shown = repr(WebSecrets(url=OWN, headers=(("A", "hunter2"),))) + repr(Keys("hunter2", "hunter2", None))
        assert "hunter2" not in shown


class TestCookies:
    LINES = (
        "# Netscape HTTP Cookie File",
        "",
        ".e.com\tTRUE\t/\tTRUE\t0\tall\t1",
        "#HttpOnly_e.com\tFALSE\t/private\tFALSE\t9999999999\tone\t2",
        "e.com\tFALSE\t/\tFALSE\t1000\told\t3",
    )

    @pytest.mark.parametrize(
        ("url", "sent"),
        [
            ("https://e.com/", "all=1"),
            ("http://e.com/", None),
            ("https://cdn.e.com/", "all=1"),
            ("http://e.com/private/x", "one=2"),
            ("https://evil.com/", None),
            ("https://note.com/", None),
        ],
    )
    def test_each_goes_where_it_belongs(self, url: str, sent: str | None) -> None:
        secrets = WebSecrets(cookies=netscape.cookies(self.LINES, "s", now=2000))
        assert cookies.header(secrets.jar(), url).get("Cookie") == sent

    @given(some.text())
    def test_any_line_is_a_cookie_or_a_failure(self, line: str) -> None:
        with contextlib.suppress(ImportFailure):
            netscape.cookies([line], "s", now=0)

    @pytest.mark.parametrize("expires", ["soon", "nan", "inf", "1e999"])
    def test_a_time_that_is_none_is_told_by_its_line(self, expires: str) -> None:
        with pytest.raises(ImportFailure) as caught:
            netscape.cookies(["", f"e.com	FALSE	/	FALSE	{expires}	n	v"], "s", now=0)
        assert caught.value.reason is Reason.CREDENTIALS_NOT_FOUND
        assert "line 2" in caught.value.message


def box(name: bytes, size: int) -> bytes:
    return size.to_bytes(4, "big") + name


class TestTail:
    HEAD = box(b"ftyp", 16) + bytes(8)

    def test_an_index_behind_the_media_is_looked_for_there(self) -> None:
        assert tail.offset_of(self.HEAD + box(b"mdat", 1000), 2000) == 1016

    def test_a_large_media_box_has_a_long_size(self) -> None:
        long = (1).to_bytes(4, "big") + b"mdat" + (10**10).to_bytes(8, "big")
        assert tail.offset_of(self.HEAD + long, 10**10 + 500) == 16 + 10**10

    @pytest.mark.parametrize(
        ("head", "total"),
        [
            (HEAD + box(b"moov", 100) + bytes(92) + box(b"mdat", 1000), 2000),
            (HEAD + box(b"moof", 100), 2000),
            (HEAD + box(b"mdat", 0), 2000),
            (HEAD + box(b"mdat", 5000), 2000),
            (HEAD + box(b"mdat", 1984), 2000),
            (HEAD + box(b"mdat", 1000), None),
            (HEAD + box(b"mdat", 1000), 10**9),
            (b"\x1a\x45\xdf\xa3" + bytes(60), 2000),
            (b"", 0),
        ],
    )
    def test_nothing_else_has_a_tail_worth_fetching(self, head: bytes, total: int | None) -> None:
        assert tail.offset_of(head, total) is None

    def test_only_a_whole_index_counts(self) -> None:
        assert tail.holds_index(box(b"free", 16) + bytes(8) + box(b"moov", 16) + bytes(8))
        assert not tail.holds_index(box(b"moov", 17) + bytes(8))
        assert not tail.holds_index(box(b"free", 16) + bytes(8))

    @given(some.binary(max_size=200), some.integers(0, 10**12))
    def test_no_bytes_confuse_it(self, head: bytes, total: int) -> None:
        found = tail.offset_of(head, total)
        assert found is None or 0 < total - found <= tail.MOST_BYTES


class TestMarks:
    def mark(self, **more: Any) -> Mark:
        return Mark(**{"source": "url:x", "version": '"a"', "total": 100, "name": "source", "kept": 50, **more})

    @pytest.mark.parametrize(("kept", "total", "usable"), [(50, 100, 50), (100, 100, 99), (50, None, 50), (0, 0, 0)])
    def test_a_byte_is_left_to_ask_for(self, kept: int, total: int | None, usable: int) -> None:
        assert self.mark(kept=kept, total=total).usable == usable

    def test_it_is_read_as_it_was_written(self, tmp_path: Any) -> None:
        marks.write(tmp_path, self.mark())
        assert marks.read(tmp_path) == self.mark()
        marks.remove(tmp_path)
        assert marks.read(tmp_path) is None

    @pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a/b", ""])
    def test_it_names_no_file_elsewhere(self, tmp_path: Any, name: str) -> None:
        (tmp_path / "fetched.json").write_text(
            self.mark().model_copy(update={"name": name}).model_dump_json(by_alias=True)
        )
        assert marks.read(tmp_path) is None

    def test_a_validator_comes_back_from_its_text(self) -> None:
        for validator in (Validator('"a"', "Mon"), Validator('"a"', None), Validator(None, "Mon")):
            assert Validator.parse(validator.text or "") == validator
        assert Validator(None, None).text is None


class TestThrottle:
    def test_readers_together_keep_to_the_rate(self) -> None:
        now = [0.0]

        def sleep(seconds: float) -> None:
            now[0] += seconds

        throttle = Throttle(1000, lambda: now[0], sleep)
        for _ in range(10):
            throttle.took(500)
        assert now[0] == pytest.approx(5.0)

    def test_without_a_rate_nobody_waits(self) -> None:
        sleep = Mock()
        Throttle(None, lambda: 0.0, sleep).took(10**9)
        sleep.assert_not_called()

    @pytest.mark.parametrize(("rate", "chunk"), [(None, CHUNK), (10**9, CHUNK), (100_000, 25_000), (10, 1024)])
    def test_no_read_is_a_long_wait(self, rate: int | None, chunk: int) -> None:
        assert Throttle(rate).chunk == chunk


WISH = S3Source(bucket="films", key="a/b.mp4", endpoint="https://s3.example.com:9000")


@pytest.mark.parametrize(
    ("code", "status", "reason"),
    [
        ("NoSuchKey", 404, Reason.SOURCE_NOT_FOUND),
        ("404", 404, Reason.SOURCE_NOT_FOUND),
        ("NoSuchBucket", 404, Reason.SOURCE_NOT_FOUND),
        ("NoSuchVersion", 404, Reason.SOURCE_NOT_FOUND),
        ("MethodNotAllowed", 405, Reason.SOURCE_NOT_FOUND),
        ("403", 403, Reason.SOURCE_AUTH_REQUIRED),
        ("InvalidAccessKeyId", 403, Reason.SOURCE_AUTH_REQUIRED),
        ("InvalidObjectState", 403, Reason.UNSUPPORTED_SOURCE),
        ("PreconditionFailed", 412, Reason.SOURCE_CHANGED),
        ("InvalidRange", 416, Reason.SOURCE_CHANGED),
        ("PermanentRedirect", 301, Reason.INVALID_SPEC),
        ("SlowDown", 503, Reason.RATE_LIMITED),
        ("ThrottlingException", 400, Reason.RATE_LIMITED),
        ("RequestLimitExceeded", 503, Reason.RATE_LIMITED),
        ("ServiceUnavailable", 503, Reason.SOURCE_UNAVAILABLE),
        ("TooManyRequests", 429, Reason.RATE_LIMITED),
        ("InternalError", 500, Reason.SOURCE_UNAVAILABLE),
        ("ExpiredToken", 400, Reason.SOURCE_AUTH_REQUIRED),
        ("InvalidToken", 400, Reason.SOURCE_AUTH_REQUIRED),
        ("XAdminUserNotFound", 404, Reason.SOURCE_AUTH_REQUIRED),
        ("UnsupportedAlgorithm", 400, Reason.SOURCE_AUTH_REQUIRED),
        ("RequestTimeTooSkewed", 403, Reason.SOURCE_UNAVAILABLE),
        ("BandwidthLimitExceeded", 503, Reason.RATE_LIMITED),
        ("SlowDownRead", 503, Reason.RATE_LIMITED),
        ("InvalidBucketName", 400, Reason.INVALID_SPEC),
        ("NotImplemented", 501, Reason.SOURCE_UNAVAILABLE),
        ("307", 307, Reason.INVALID_SPEC),
    ],
)
def test_every_word_of_a_store_has_a_reason(code: str, status: int, reason: Reason) -> None:
    assert store_failures.said(code, status, WISH).reason is reason


@pytest.mark.parametrize(
    ("code", "status", "words"),
    [
        ("RequestTimeTooSkewed", 403, "clocks"),
        ("InvalidBucketName", 400, "source.s3.bucket"),
        ("ExpiredToken", 400, "keys"),
        ("MethodNotAllowed", 405, "source.s3.key"),
    ],
)
def test_a_stores_word_leads_to_advice(code: str, status: int, words: str) -> None:
    assert words in store_failures.said(code, status, WISH).advice


@given(some.integers(0, 10**6), some.integers(0, 10**9))
def test_ranges_follow_each_other_without_gap(first: int, length: int) -> None:
    found = [*ranges.spans(first, first + length)]
    assert sum(last - start + 1 for start, last in found) == length
    assert all(last + 1 == start for (_, last), (start, _) in pairwise(found))
    assert all(last - start < ranges.PIECE_BYTES for start, last in found)


def test_an_objects_place_tells_stores_apart() -> None:
    assert place(WISH) == "s3.example.com:9000/films/a/b.mp4"
    assert place(WISH.model_copy(update={"endpoint": None})) == "amazonaws.com/films/a/b.mp4"


def test_identities_hold_no_address() -> None:
    assert "secret" not in identity("url", "https://e.com/?token=secret", '"a"')
    assert identity("url", "ab", "c") != identity("url", "a", "bc")


def test_limits_count_what_is_there_already() -> None:
    limits = Limits(room_bytes=100, max_bytes=50, before=40)
    limits.check(10)
    with pytest.raises(ImportFailure) as caught:
        limits.check(11)
    assert "51 bytes" in caught.value.message


class TestWhatAPageSays:
    def test_chapters_that_make_no_sense_are_left_out(self) -> None:
        told = [
            {"start_time": 0, "end_time": 1.5, "title": "One"},
            {"start_time": 2, "end_time": 1, "title": "Backwards"},
            {"start_time": float("nan"), "end_time": 1},
            {"start_time": "0", "end_time": "1"},
            {"start_time": 2, "end_time": float("inf")},
            {"start_time": 1.5, "end_time": 3},
        ]
        found = [*extras.chapters(told)]
        assert [(one.start_ms, one.end_ms, one.title) for one in found] == [(0, 1500, "One"), (1500, 3000, "")]

    @pytest.mark.parametrize("told", [None, 5, "many", {}, [None], [5], [{}]])
    def test_what_is_no_list_of_chapters_is_none(self, told: Any) -> None:
        assert [*extras.chapters(told)] == []

    def test_they_are_bounded(self) -> None:
        told = [{"start_time": n, "end_time": n + 1, "title": "x" * 1000} for n in range(2000)]
        found = [*extras.chapters(told)]
        assert len(found) == extras.MOST_CHAPTERS
        assert len(found[0].title) == 256

    def test_captions_are_bounded_and_named_for_a_path(self) -> None:
        told = {
            f"../{n}/é": [{"ext": "json", "url": "u"}, {"ext": "srt", "url": "u"}, {"ext": "vtt", "url": "v"}]
            for n in range(99)
        }
        found = [*extras._chosen(told | {"live_chat": [{"ext": "json", "url": "u"}]})]
        assert len(found) == extras.MOST_CAPTIONS
        assert found[0] == ("0", {"ext": "vtt", "url": "v"})
        assert all("/" not in name and "." not in name for name, _ in found)

    @pytest.mark.parametrize("told", [None, [], {"en": None}, {"en": [None]}, {"en": [{"ext": "vtt"}]}, {"": [{}]}])
    def test_what_is_no_caption_is_none(self, told: Any) -> None:
        assert [*extras._chosen(told)] == []

    @pytest.mark.parametrize("told", [None, 0, -1, float("nan"), float("inf"), "60", 10**20])
    def test_a_duration_that_no_video_has_is_unknown(self, told: Any) -> None:
        assert finding.found({"duration": told}).duration_seconds is None

    def test_only_an_extractors_own_id_is_an_identity(self) -> None:
        assert finding.found({"extractor_key": "Generic", "id": "clip"}).identity is None
        assert (finding.found({"extractor_key": "Vimeo", "id": "1"}).identity or "").startswith("page:")
