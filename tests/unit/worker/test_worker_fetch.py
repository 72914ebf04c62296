"""Addresses, commands, statuses, headers and yt-dlp's errors: what is let through and what is made of them."""

import contextlib
import errno
import ipaddress
from typing import Any
from unittest.mock import Mock

import pytest
from hypothesis import given
from hypothesis import strategies as some
from urllib3 import HTTPResponse
from yt_dlp.networking.common import Response
from yt_dlp.networking.exceptions import (
    CertificateVerifyError,
    HTTPError,
    IncompleteRead,
    NoSupportingHandlers,
    RequestError,
    TransportError,
    UnsupportedRequest,
)  # fmt: skip
from yt_dlp.utils import DownloadError, ExtractorError, GeoRestrictedError, UnsupportedError

from videoimport.api.reasons import Reason
from videoimport.worker.fetch.http.response import Answer, Interrupted, Validator, reason_of, status_failure
from videoimport.worker.fetch.protocol import Failed
from videoimport.worker.fetch.ytdlp import errors as classify
from videoimport.worker.fetch.ytdlp import info as finding
from videoimport.worker.sandbox.address_guard import ForbiddenError, Guard, is_allowed, is_harmless
from videoimport.worker.source.sandboxed_child import environment


@pytest.mark.parametrize("host", ["93.184.216.34", "8.8.8.8", "2606:2800:220:1:248:1893:25c8:1946", "::ffff:8.8.8.8"])
def test_public_addresses_are_let_through(host: str) -> None:
    assert is_allowed(host, [])


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
        "255.255.255.255", "240.0.0.1", "192.0.2.1", "198.18.0.1", "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1",
        "ff02::1", "::ffff:127.0.0.1", "::ffff:a00:1", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:0:a00:1:0:0:80ff:fffe",
        "168.63.129.16", "192.0.0.192", "192.0.0.9", "192.88.99.1", "fec0::1", "feff::1", "3fff::1",
        "::ffff:168.63.129.16", "100.100.100.200", "2130706433", "0x7f000001", "127.1",
        "localhost", "metadata.google.internal", "",
    ],
)  # fmt: skip
def test_everything_else_is_not(host: str) -> None:
    assert not is_allowed(host, [])


def test_allowed_networks_open_what_they_name_and_no_more() -> None:
    allowed = [ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("fd00::/8")]
    assert is_allowed("10.9.9.9", allowed)
    assert is_allowed("::ffff:10.9.9.9", allowed)
    assert is_allowed("fd00::5", allowed)
    assert not is_allowed("192.168.0.1", allowed)
    assert not is_allowed("fc00::5", allowed)


def test_an_allowed_network_opens_even_what_is_denied_by_name() -> None:
    assert is_allowed("192.0.0.192", [ipaddress.ip_network("192.0.0.192/32")])
    assert is_allowed("fec0::1", [ipaddress.ip_network("fec0::/64")])


@given(some.ip_addresses(v=4, network="10.0.0.0/8"), some.sampled_from(["::ffff:{}", "{}"]))
def test_no_notation_of_a_private_address_passes(address: ipaddress.IPv4Address, notation: str) -> None:
    assert not is_allowed(notation.format(address), [])


class TestWhatWasRefused:
    """Only what nothing public could be reached instead of is the reason of a failure."""

    PRIVATE, PUBLIC = ("fd00::7", 443, 0, 0), ("93.184.216.34", 443)

    def connect(self, guard: Guard, host: str, *addresses: tuple[Any, ...]) -> None:
        """As a client does that tries a host's addresses one after the other."""
        guard.on_event("socket.getaddrinfo", (host, 443, 0, 0, 0))
        for address in addresses:
            with contextlib.suppress(ForbiddenError):
                guard.on_event("socket.connect", (None, address))

    def test_is_named_with_its_host(self) -> None:
        guard = Guard([])
        self.connect(guard, "inside.example", self.PRIVATE)
        assert guard.refused == "inside.example (fd00::7)"

    @pytest.mark.parametrize("addresses", [(PRIVATE, PUBLIC), (PUBLIC, PRIVATE)])
    def test_is_nothing_where_the_host_has_a_public_address_too(self, addresses: tuple[Any, ...]) -> None:
        guard = Guard([])
        self.connect(guard, "both.example", *addresses)
        assert guard.refused is None

    def test_is_forgotten_once_something_else_is_reached(self) -> None:
        guard = Guard([])
        self.connect(guard, "inside.example", self.PRIVATE)
        self.connect(guard, "outside.example", self.PUBLIC)
        assert guard.refused is None

    def test_stays_after_a_redirect_from_a_public_host(self) -> None:
        guard = Guard([])
        self.connect(guard, "outside.example", self.PUBLIC)
        self.connect(guard, "inside.example", self.PRIVATE)
        assert guard.refused == "inside.example (fd00::7)"


DENO = ["/usr/bin/deno", "run", "--ext=js", "--no-code-cache", "--no-prompt", "--no-remote", "--no-lock", "-"]


def test_deno_without_rights_is_harmless() -> None:
    assert is_harmless(DENO)
    assert is_harmless(["deno", "--version"])


@pytest.mark.parametrize(
    "option", ["--allow-net", "-A", "--allow-all", "-N", "--allow-run=curl", "--unsafely-ignore-certificate-errors"]
)
def test_deno_with_rights_is_not(option: str) -> None:
    assert not is_harmless([*DENO[:-1], option, "-"])


@pytest.mark.parametrize(
    "argv",
    [
        ["curl", "http://10.0.0.1"],
        ["ffmpeg", "-i", "http://e.com"],
        ["deno", "eval", "1"],
        ["deno", "run", "http://e.com/x"],
        [],
    ],
)
def test_no_other_command_is_harmless(argv: list[str]) -> None:
    assert not is_harmless(argv)


def test_the_fetching_process_inherits_neither_keys_nor_proxies(tmp_path: Any) -> None:
    outer = {"PATH": "/bin", "AWS_SECRET_ACCESS_KEY": "x", "HTTPS_PROXY": "http://p", "no_proxy": "*", "LANG": "C"}
    made = environment(outer, tmp_path)
    assert made["PATH"] == "/bin"
    assert made["YTDLP_NO_PLUGINS"] == "1"
    assert made["HOME"] == str(tmp_path)
    assert not {name for name in made if "proxy" in name.lower() or name.startswith("AWS")}


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (404, Reason.SOURCE_NOT_FOUND), (418, Reason.SOURCE_NOT_FOUND), (401, Reason.SOURCE_AUTH_REQUIRED),
        (403, Reason.SOURCE_AUTH_REQUIRED), (429, Reason.RATE_LIMITED), (408, Reason.SOURCE_UNAVAILABLE),
        (503, Reason.SOURCE_UNAVAILABLE), (304, Reason.SOURCE_UNAVAILABLE),
    ],
)  # fmt: skip
def test_every_status_has_a_reason(status: int, reason: Reason) -> None:
    assert reason_of(status) is reason


def test_only_what_may_pass_is_tried_again() -> None:
    assert isinstance(status_failure(503, "https://e.com/v?token=x"), Interrupted)
    final = status_failure(404, "https://e.com/v?token=x")
    assert str(final) == "SourceNotFound: e.com answers 404 Not Found."


def answer(status: int = 200, url: str = "https://e.com/a/b%20c.mp4?x=1", **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(HTTPResponse(body=b"", status=status, headers=named, preload_content=False), url)


def test_weak_etags_validate_nothing() -> None:
    assert answer(ETag='W/"a"').validator == Validator(None, None)
    assert answer(ETag='"a"', Last_Modified="yesterday").validator.if_range == '"a"'
    assert answer(Last_Modified="yesterday").validator.if_range == "yesterday"


def test_versions_differ_only_where_both_tell() -> None:
    assert Validator('"a"').differs(Validator('"b"'))
    assert not Validator('"a"').differs(Validator(None, "yesterday"))
    assert not Validator('"a"', "x").differs(Validator('"a"', "x"))


@pytest.mark.parametrize("text", ["", "bytes 0-", "bytes */100", "items 0-1/2", "bytes 5-9/ten"])
def test_a_content_range_that_makes_no_sense_is_none(text: str) -> None:
    assert answer(206, Content_Range=text).content_range is None


def test_the_length_of_a_compressed_body_is_not_believed() -> None:
    assert answer(Content_Length="10", Content_Encoding="gzip").length is None
    assert answer(Content_Length="10").length == 10


@pytest.mark.parametrize(
    ("disposition", "name"),
    [
        ("", "b c.mp4"),
        ('attachment; filename="my film.mkv"', "my film.mkv"),
        ("attachment; filename=x.mp4; filename*=UTF-8''%C3%BCber.mp4", "über.mp4"),
    ],
)
def test_a_file_has_the_name_its_server_gives(disposition: str, name: str) -> None:
    assert answer(Content_Disposition=disposition).filename == name


def http_error(status: int) -> HTTPError:
    return HTTPError(Response(Mock(), "https://e.com/", {}, status))


SCHEMELESS = UnsupportedRequest("Unsupported url scheme", handler=Mock(RH_NAME="urllib"))


def wrapped(cause: Exception) -> DownloadError:
    """As yt-dlp hands it on: the cause in an ExtractorError in a DownloadError."""
    error = ExtractorError("Unable to download webpage", cause=cause)
    return DownloadError(f"ERROR: {error}", (ExtractorError, error, None))


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (wrapped(http_error(404)), Reason.SOURCE_NOT_FOUND),
        (wrapped(http_error(403)), Reason.SOURCE_AUTH_REQUIRED),
        (wrapped(http_error(429)), Reason.RATE_LIMITED),
        (wrapped(http_error(502)), Reason.SOURCE_UNAVAILABLE),
        (wrapped(TransportError("reset")), Reason.SOURCE_UNAVAILABLE),
        (wrapped(RequestError("no idea")), Reason.SOURCE_UNAVAILABLE),
        (wrapped(NoSupportingHandlers([SCHEMELESS], [])), Reason.UNSUPPORTED_SOURCE),
        (wrapped(IncompleteRead(5, 10)), Reason.SOURCE_TRUNCATED),
        (wrapped(CertificateVerifyError("expired")), Reason.CERTIFICATE_INVALID),
        (wrapped(OSError(errno.ENOSPC, "No space left on device")), Reason.SCRATCH_FULL),
        (wrapped(GeoRestrictedError("not in your country")), Reason.GEO_BLOCKED),
        (wrapped(UnsupportedError("https://e.com/")), Reason.UNSUPPORTED_SOURCE),
        (DownloadError("ERROR: [youtube] abc: Sign in to confirm you’re not a bot."), Reason.RATE_LIMITED),
        (DownloadError("ERROR: Please try again later"), Reason.RATE_LIMITED),
        (DownloadError("ERROR: Sign in to confirm your age"), Reason.SOURCE_AUTH_REQUIRED),
        (DownloadError("ERROR: Private video. Sign in if you've been granted access"), Reason.SOURCE_AUTH_REQUIRED),
        (DownloadError("ERROR: Join this channel to get access to members-only content"), Reason.SOURCE_AUTH_REQUIRED),
        (DownloadError("ERROR: This video is DRM protected"), Reason.DRM_PROTECTED),
        (DownloadError("ERROR: Premieres in 3 hours"), Reason.SOURCE_NOT_YET_AVAILABLE),
        (DownloadError("ERROR: This live event will begin in 2 days"), Reason.SOURCE_NOT_YET_AVAILABLE),
        (DownloadError("ERROR: Video unavailable. This video has been removed"), Reason.SOURCE_NOT_FOUND),
        (DownloadError("ERROR: No video formats found!"), Reason.UNSUPPORTED_SOURCE),
        (DownloadError("ERROR: Requested format is not available"), Reason.UNSUPPORTED_SOURCE),
        (
            DownloadError("ERROR: \r[download] Got error: HTTP Error 403: Forbidden. Giving up after 3 retries"),
            Reason.SOURCE_AUTH_REQUIRED,
        ),
        (
            DownloadError("ERROR: HTTP Error 503: Service Unavailable. Giving up after 3 retries"),
            Reason.SOURCE_UNAVAILABLE,
        ),
        (DownloadError("ERROR: fragment 3 not found, unable to continue"), Reason.SOURCE_TRUNCATED),
    ],
)
def test_every_error_of_yt_dlp_has_its_reason(error: Exception, reason: Reason) -> None:
    assert classify.failure(error).reason is reason


def named(video_id: str, complaint: str, cause: Exception | None = None) -> DownloadError:
    """As yt-dlp hands on what went wrong with a video of this id."""
    error = ExtractorError(complaint, video_id=video_id, ie="generic", expected=True, cause=cause)
    return DownloadError(f"ERROR: {error}", (ExtractorError, error, None))


@pytest.mark.parametrize(
    "video_id", ["how-to-subscribe", "premieres in drm: password removed", "not a bot", "a:log-in"]
)
def test_a_videos_id_says_nothing_of_what_went_wrong(video_id: str) -> None:
    assert classify.failure(named(video_id, "Timed out", TransportError("timeout"))).reason is Reason.SOURCE_UNAVAILABLE
    assert classify.failure(named(video_id, "Oh dear")).reason is Reason.UNSUPPORTED_SOURCE
    assert classify.failure(named(video_id, "Video unavailable")).reason is Reason.SOURCE_NOT_FOUND


@pytest.mark.parametrize(
    "told", ["ERROR: [generic] how-to-subscribe: Oh dear", "ERROR: Oh dear, no https://e.com/sign-in/cookies"]
)
def test_neither_do_the_addresses_in_words(told: str) -> None:
    assert classify.failure(DownloadError(told)).reason is Reason.UNSUPPORTED_SOURCE


def test_a_timeout_whose_words_speak_of_a_login_is_a_timeout() -> None:
    error = wrapped(TransportError("sign in server timed out"))
    assert classify.failure(error).reason is Reason.SOURCE_UNAVAILABLE


def test_half_a_surrogate_pair_can_be_told() -> None:
    found = finding.found({"extractor_key": "Generic", "id": "x\ud83d", "title": "cat \ud83d"})
    assert (found.source_id, found.title) == ("x?", "cat ?")
    assert found.model_dump_json()
    told = Failed(reason=Reason.INTERNAL, message=classify.failure(DownloadError("ERROR: no \ud83d")).message)
    assert "no ?" in told.model_dump_json()


def test_a_missing_segment_is_a_short_source() -> None:
    assert classify.failure(wrapped(http_error(404)), in_segments=True).reason is Reason.SOURCE_TRUNCATED


def test_words_lose_their_secrets() -> None:
    told = classify.failure(DownloadError("ERROR: Unable to open https://u:p@e.com/v?sig=abc123&q=1")).message
    assert "abc123" not in told
    assert "u:p" not in told
    assert "e.com/v?q=1" in told
