"""Pages: the real yt-dlp, against pages of our own."""

import subprocess
from collections.abc import Callable
from pathlib import Path

from support.fake_source_site import FakeSourceSite, file, fixed, html
from support.worker.refusals import assert_refused
from support.worker.worker_harness import WorkerHarness, probe
from videoimport.api.reasons import Reason

Footage = Callable[[str], Path]


def test_a_page_with_a_video_is_imported(desk: WorkerHarness, site: FakeSourceSite, footage: Footage) -> None:
    site.routes["/media/clip.mp4"] = file(footage("silent.mp4"))
    ended = desk.bring(site.add("/watch", html('<h1>A talk</h1><video src="/media/clip.mp4"></video>')))
    assert ended.code == 0, ended.everything
    assert ended.report.source.type == "HTML5MediaEmbed"
    assert ended.report.source.title == "A page"
    assert "in/clip/video.mp4" in desk.bucket.keys


def test_a_page_without_a_video_is_unsupported(desk: WorkerHarness, site: FakeSourceSite) -> None:
    assert_refused(desk.bring(site.add("/text", html("<p>Just words.</p>"))), desk, Reason.UNSUPPORTED_SOURCE)


def test_a_page_of_many_videos_is_unsupported(desk: WorkerHarness, site: FakeSourceSite, footage: Footage) -> None:
    site.routes["/a.mp4"] = site.routes["/b.mp4"] = file(footage("silent.mp4"))
    two = '<video src="/a.mp4"></video><p>and</p><video src="/b.mp4"></video>'
    assert_refused(desk.bring(site.add("/list", html(two))), desk, Reason.UNSUPPORTED_SOURCE, "list of videos")


def test_a_page_whose_video_is_gone_says_so(desk: WorkerHarness, site: FakeSourceSite) -> None:
    url = site.add("/watch", html('<video src="/gone.mp4"></video>'))
    assert_refused(desk.bring(url), desk, Reason.SOURCE_NOT_FOUND, "404")


def test_size_limits_hold_for_pages_too(desk: WorkerHarness, site: FakeSourceSite, footage: Footage) -> None:
    site.routes["/v.mp4"] = file(footage("silent.mp4"))
    url = site.add("/watch", html('<video src="/v.mp4"></video>'))
    assert_refused(desk.bring(url, requirements={"maxSize": "100k"}), desk, Reason.SOURCE_TOO_LARGE, "100000")


def segmented(site: FakeSourceSite, footage: Footage, folder: Path) -> str:
    """An HLS stream of 6 seconds in segments of about 2; returns the playlist's address."""
    source = footage("compliant.ts")
    folder.mkdir()
    options = ["-c", "copy", "-hls_time", "2", "-hls_list_size", "0", "-hls_playlist_type", "vod"]
    subprocess.run(["ffmpeg", "-v", "error", "-i", source, *options, folder / "index.m3u8"], check=True)
    for path in folder.glob("*.ts"):
        site.routes[f"/hls/{path.name}"] = fixed(path.read_bytes(), "video/mp2t")
    playlist = (folder / "index.m3u8").read_bytes()
    return site.add("/hls/index.m3u8", fixed(playlist, "application/vnd.apple.mpegurl"))


def test_hls_is_joined_and_counts_as_mp4(
    desk: WorkerHarness, site: FakeSourceSite, footage: Footage, tmp_path: Path
) -> None:
    ended = desk.bring(segmented(site, footage, tmp_path / "hls"), requirements={"formats": ["mp4"]})
    assert ended.code == 0, ended.everything
    assert ended.report.metadata.format == "mp4"
    assert ended.stage("Transcode").mode == "Remux"
    found = probe(desk.bucket.save("in/clip/video.mp4", tmp_path / "v.mp4"))
    assert abs(float(found["format"]["duration"]) - 6.0) < 0.2


def test_a_missing_segment_is_no_success(
    desk: WorkerHarness, site: FakeSourceSite, footage: Footage, tmp_path: Path
) -> None:
    url = segmented(site, footage, tmp_path / "hls")
    del site.routes["/hls/index1.ts"]
    ended = desk.bring(url)
    assert ended.report.reason in (Reason.SOURCE_TRUNCATED, Reason.SOURCE_NOT_FOUND), ended.everything
    assert desk.bucket.shown == []


def test_a_site_that_asks_for_fewer_requests_is_not_asked_once_more(
    desk: WorkerHarness, site: FakeSourceSite, footage: Footage, tmp_path: Path
) -> None:
    url = segmented(site, footage, tmp_path / "hls")
    site.routes["/hls/index1.ts"] = lambda exchange: exchange.answer(429, b"", {"Retry-After": "90"})
    ended = desk.bring(url)
    assert (ended.report.reason, ended.report.retry_after_seconds) == (Reason.RATE_LIMITED, 90), ended.everything
    assert len(site.asked("/hls/index1.ts")) == 1


def test_a_live_stream_is_tried_later(
    desk: WorkerHarness, site: FakeSourceSite, footage: Footage, tmp_path: Path
) -> None:
    segmented(site, footage, tmp_path / "hls")
    open_ended = (tmp_path / "hls" / "index.m3u8").read_text().replace("#EXT-X-ENDLIST\n", "")
    live = open_ended.replace("#EXT-X-PLAYLIST-TYPE:VOD\n", "")
    url = site.add("/hls/live.m3u8", fixed(live.encode(), "application/vnd.apple.mpegurl"))
    assert_refused(desk.bring(url), desk, Reason.SOURCE_NOT_YET_AVAILABLE)


def test_video_and_audio_apart_are_joined_by_us(
    desk: WorkerHarness, site: FakeSourceSite, footage: Footage, tmp_path: Path
) -> None:
    """DASH gives two files that were never one."""
    folder = tmp_path / "dash"
    folder.mkdir()
    subprocess.run(
        ["ffmpeg", "-v", "error", "-i", footage("moov-last.mp4"), "-c", "copy", "-f", "dash", "-seg_duration", "2",
         folder / "manifest.mpd"], check=True,
    )  # fmt: skip
    for path in folder.glob("*.m4s"):
        site.routes[f"/dash/{path.name}"] = fixed(path.read_bytes())
    url = site.add("/dash/manifest.mpd", fixed((folder / "manifest.mpd").read_bytes(), "application/dash+xml"))
    ended = desk.bring(url)
    assert ended.code == 0, ended.everything
    found = probe(desk.bucket.save("in/clip/video.mp4", tmp_path / "v.mp4"))
    assert [stream["codec_name"] for stream in found["streams"]] == ["h264", "aac"]
