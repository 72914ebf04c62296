"""What is no video, or may not be one of ours: the reason, its exit code, and an untouched bucket."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from support.fake_source_site import FakeSourceSite, file, fixed, html, redirect
from support.worker.refusals import assert_refused
from support.worker.worker_harness import WorkerHarness
from videoimport.api.reasons import Reason, info

Footage = Callable[[str], Path]


@pytest.mark.parametrize(
    ("name", "reason", "word"),
    [
        ("audio.m4a", Reason.NOT_VIDEO, "only audio"),
        ("with-cover.m4a", Reason.NOT_VIDEO, "cover picture"),
        ("picture.png", Reason.NOT_VIDEO, "picture"),
        ("playlist.mp4", Reason.UNSUPPORTED_SOURCE, "playlist"),
        ("truncated.mp4", Reason.SOURCE_TRUNCATED, "bytes longer than the file"),
        ("truncated-moov-last.mp4", Reason.SOURCE_TRUNCATED, "bytes longer than the file"),
        ("truncated.mkv", Reason.SOURCE_TRUNCATED, "bytes longer than the file"),
        ("corrupt.mp4", Reason.SOURCE_CORRUPT, "ffmpeg reports"),
    ],
)
@pytest.mark.full(
    but=[
        "audio.m4a-*",
        "with-cover.m4a-*",
        "playlist.mp4-*",
        "truncated.mp4-*",
        "truncated-moov-last.mp4-*",
        "corrupt.mp4-*",
    ]
)
def test_footage_that_is_refused(
    desk: WorkerHarness, site: FakeSourceSite, footage: Footage, name: str, reason: Reason, word: str
) -> None:
    assert_refused(desk.bring(site.add(f"/{name}", file(footage(name)))), desk, reason, word)


def test_a_playlist_that_calls_itself_nothing_opens_no_other_file(
    desk: WorkerHarness, site: FakeSourceSite, footage: Footage
) -> None:
    """Served as bytes of no kind it goes to yt-dlp, which may only reach the web."""
    content = footage("playlist.mp4").read_bytes()
    ended = desk.bring(site.add("/v.mp4", fixed(content, "application/octet-stream")))
    assert ended.report.outcome == "Failed"
    assert ended.report.reason in (Reason.UNSUPPORTED_SOURCE, Reason.SOURCE_NOT_FOUND, Reason.SOURCE_TRUNCATED)


def test_corruption_is_found_while_encoding(desk: WorkerHarness, site: FakeSourceSite, footage: Footage) -> None:
    url = site.add("/v.mp4", file(footage("corrupt.mp4")))
    assert_refused(desk.bring(url, output={"mode": "Encode"}), desk, Reason.SOURCE_CORRUPT)


@pytest.mark.full(but=["3"])
@pytest.mark.parametrize("packets", [3, 5, 22])
def test_a_transport_stream_of_a_few_packets_is_refused(
    desk: WorkerHarness, site: FakeSourceSite, footage: Footage, tmp_path: Path, packets: int
) -> None:
    """Of the shorter ones ffprobe tells no size of the pictures, as the first packets hold no whole header."""
    stream = tmp_path / "whole.ts"
    made = ["ffmpeg", "-v", "error", "-i", footage("silent.mp4"), "-c", "copy", stream]
    subprocess.run(made, check=True)
    ended = desk.bring(site.add("/v.ts", fixed(stream.read_bytes()[: 188 * packets], "video/mp2t")))
    assert ended.reason in {"SourceCorrupt", "NotVideo", "UnsupportedDuration", "SourceTruncated"}, ended.everything
    assert ended.report.reason is not None
    assert_refused(ended, desk, ended.report.reason)


def test_bytes_that_are_nothing_are_no_video(desk: WorkerHarness, site: FakeSourceSite) -> None:
    assert_refused(desk.bring(site.add("/v.mp4", fixed(b"\x01\x02\x03\x04" * 5000))), desk, Reason.NOT_VIDEO)
    assert_refused(desk.bring(site.add("/e.mp4", fixed(b""))), desk, Reason.NOT_VIDEO)
    assert_refused(desk.bring(site.add("/t.txt", fixed(b"hello\n", "text/plain"))), desk, Reason.NOT_VIDEO)


def test_requirements_refuse_with_found_and_wanted_value(
    desk: WorkerHarness, site: FakeSourceSite, footage: Footage
) -> None:
    small, silent = site.add("/s.mp4", file(footage("small.mp4"))), site.add("/v.mp4", file(footage("silent.mp4")))
    assert_refused(
        desk.bring(small, requirements={}), desk, Reason.UNSUPPORTED_RESOLUTION, "320x180", "minHeight is 360"
    )
    shorter = {"maxDurationSeconds": 2}
    assert_refused(
        desk.bring(silent, requirements=shorter), desk, Reason.UNSUPPORTED_DURATION, "4.0", "maxDurationSeconds is 2"
    )
    assert_refused(desk.bring(silent, requirements={"formats": ["mkv"]}), desk, Reason.UNSUPPORTED_FORMAT, "mp4", "mkv")
    assert_refused(desk.bring(silent, requirements={"maxSize": "100k"}), desk, Reason.SOURCE_TOO_LARGE, "100000")


def test_metadata_is_told_on_refusal_too(desk: WorkerHarness, site: FakeSourceSite, footage: Footage) -> None:
    ended = desk.bring(site.add("/s.mp4", file(footage("small.mp4"))), requirements={})
    assert ended.report.metadata is not None
    assert ended.report.metadata.resolution == "320x180"
    assert not ended.progress[-1].validated


def test_http_refusals_reach_the_report(desk: WorkerHarness, site: FakeSourceSite) -> None:
    assert_refused(desk.bring(site.url("/nothing.mp4")), desk, Reason.SOURCE_NOT_FOUND, "404")
    assert_refused(desk.bring(site.add("/limited.mp4", fixed(b"", status=429))), desk, Reason.RATE_LIMITED, "429")
    assert len(site.asked("/limited.mp4")) == 1


def test_what_a_host_wants_of_patience_stands_in_the_report(desk: WorkerHarness, site: FakeSourceSite) -> None:
    url = site.add("/limited.mp4", lambda exchange: exchange.answer(429, b"", {"Retry-After": "100000000"}))
    assert desk.bring(url).report.retry_after_seconds == 86_400


def test_a_source_larger_than_scratch_is_told_so(desk: WorkerHarness, site: FakeSourceSite, footage: Footage) -> None:
    url = site.add("/v.mp4", file(footage("compliant.mp4")))
    assert_refused(
        desk.bring(url, worker={"scratch": {"size": "1Mi"}}), desk, Reason.SCRATCH_FULL, "worker.scratch.size"
    )


class TestAddresses:
    def test_loopback_is_forbidden_unless_allowed(
        self, desk: WorkerHarness, site: FakeSourceSite, footage: Footage
    ) -> None:
        url = site.add("/v.mp4", file(footage("silent.mp4")))
        assert_refused(desk.bring(url, allowed=()), desk, Reason.ADDRESS_FORBIDDEN, "127.0.0.1", "allowedNetworks")
        assert site.requests == []

    def test_a_name_is_judged_by_its_address(self, desk: WorkerHarness, site: FakeSourceSite) -> None:
        ended = desk.bring(site.url("/v.mp4", host="localhost"), allowed=("192.0.2.0/24",))
        assert_refused(ended, desk, Reason.ADDRESS_FORBIDDEN, "localhost")
        assert site.requests == []

    @pytest.mark.parametrize(
        "host", ["2130706433", "0x7f000001", "[::1]", "[64:ff9b::7f00:1]", "169.254.169.254", "0.0.0.0"]
    )
    @pytest.mark.full(but=["2130706433", "?::1?", "169.254.169.254"])
    def test_disguises_do_not_help(self, desk: WorkerHarness, host: str) -> None:
        assert_refused(desk.bring(f"http://{host}/v.mp4", allowed=()), desk, Reason.ADDRESS_FORBIDDEN)

    @pytest.mark.parametrize(
        ("host", "named"),
        [("169.254.169.254", "169.254.169.254"), ("[::ffff:169.254.169.254]", "::ffff:"), ("[fe80::1]", "fe80::1")],
    )
    def test_a_redirect_is_judged_like_an_address(
        self, desk: WorkerHarness, site: FakeSourceSite, host: str, named: str
    ) -> None:
        url = site.add("/v.mp4", redirect(f"http://{host}/latest/meta-data/"))
        assert_refused(desk.bring(url), desk, Reason.ADDRESS_FORBIDDEN, named)

    def test_a_page_cannot_lead_there_either(self, desk: WorkerHarness, site: FakeSourceSite) -> None:
        url = site.add("/page", html('<video src="http://10.0.0.1/secret.mp4"></video>'))
        assert_refused(desk.bring(url), desk, Reason.ADDRESS_FORBIDDEN, "10.0.0.1")


def test_the_deadline_ends_a_run(desk: WorkerHarness, site: FakeSourceSite) -> None:
    def endless(exchange: object) -> None:
        site.over.wait(60)

    running = desk.start(desk.task(site.add("/v.mp4", endless), timeoutSeconds=10))
    ended = running.ended()  # on a busy machine perhaps before the source was asked for anything
    assert_refused(ended, desk, Reason.DEADLINE_EXCEEDED, "timeoutSeconds")
    assert running.children() == []


def test_a_task_of_another_version_is_refused(desk: WorkerHarness, site: FakeSourceSite) -> None:
    task = desk.task(site.url("/v.mp4")).model_copy(update={"schema_version": 2})
    ended = desk.run(task)
    assert ended.code == info(Reason.INVALID_SPEC).exit_code
    assert ended.report.reason is Reason.INVALID_SPEC
    assert "schemaVersion" in ended.report.message
