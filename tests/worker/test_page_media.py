"""What a page gives besides one plain file: segments, video and audio apart, captions, a thumbnail, chapters."""

import hashlib
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from support.fake_source_site import Exchange, FakeSourceSite, Route, file, fixed, html, redirect
from support.worker.fetch_harness import FetchHarness
from videoimport.api.reasons import Reason

Footage = Callable[[str], Path]
PNG = b"\x89PNG\r\n\x1a\n" + bytes(200)
VTT = b"WEBVTT\n\n00:00.000 --> 00:01.000\nHello.\n"
PLAYLIST = "application/vnd.apple.mpegurl"


@pytest.fixture(scope="module")
def hls(footage: Footage, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One rendition of video and one of audio, each in segments of about two seconds."""
    folder = tmp_path_factory.mktemp("hls")
    options = ["-c", "copy", "-f", "hls", "-hls_time", "2", "-hls_list_size", "0", "-hls_playlist_type", "vod"]
    for name, stream in (("video", "0:v:0"), ("audio", "0:a:0")):
        made = [
            "ffmpeg",
            "-v",
            "error",
            "-i",
            footage("compliant.ts"),
            "-map",
            stream,
            *options,
            folder / f"{name}.m3u8",
        ]
        subprocess.run(made, check=True)
    master = '#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="a",NAME="en",DEFAULT=YES,URI="audio.m3u8"\n'
    master += '#EXT-X-STREAM-INF:BANDWIDTH=2000000,RESOLUTION=1280x720,CODECS="avc1.640028,mp4a.40.2",AUDIO="a"\n'
    (folder / "master.m3u8").write_text(master + "video.m3u8\n")
    return folder


def serve_folder(site: FakeSourceSite, folder: Path) -> str:
    for path in folder.iterdir():
        kind = PLAYLIST if path.suffix == ".m3u8" else "video/mp2t"
        site.routes[f"/hls/{path.name}"] = fixed(path.read_bytes(), kind)
    return site.url("/hls/master.m3u8")


def test_audio_of_its_own_is_there_before_the_video(bench: FetchHarness, site: FakeSourceSite, hls: Path) -> None:
    under_way = bench.begin(url=serve_folder(site, hls))
    sources = under_way.sources(60)
    assert sources.audio is not None
    assert sources.audio.finished
    assert sources.is_segmented
    fetched = under_way.finish()
    assert fetched.audio is not None
    for whole, name in ((fetched.video, "video"), (fetched.audio, "audio")):
        count = len(list(hls.glob(f"{name}*.ts")))
        joined = b"".join((hls / f"{name}{number}.ts").read_bytes() for number in range(count))
        assert whole.sha256 == hashlib.sha256(joined).hexdigest()


@pytest.mark.parametrize("missing", ["video1.ts", "audio0.ts"])
def test_a_missing_segment_is_a_failure_and_never_a_short_video(
    bench: FetchHarness, site: FakeSourceSite, hls: Path, missing: str
) -> None:
    url = serve_folder(site, hls)
    del site.routes[f"/hls/{missing}"]
    assert bench.refusal(url=url).reason is Reason.SOURCE_TRUNCATED


def test_a_segment_at_a_private_address_is_refused(bench: FetchHarness, site: FakeSourceSite, hls: Path) -> None:
    url = serve_folder(site, hls)
    site.routes["/hls/video1.ts"] = redirect("http://10.0.0.1/video1.ts")
    assert bench.refusal(url=url).reason is Reason.ADDRESS_FORBIDDEN


def test_a_segment_that_fails_once_is_asked_again(bench: FetchHarness, site: FakeSourceSite, hls: Path) -> None:
    url = serve_folder(site, hls)
    whole = site.routes["/hls/video1.ts"]
    site.routes["/hls/video1.ts"] = lambda exchange: (
        fixed(b"", status=500)(exchange) if exchange.count == 1 else whole(exchange)
    )
    assert bench.fetch(url=url).is_segmented
    assert len(site.asked("/hls/video1.ts")) == 2


def test_a_segment_whose_address_has_run_out_is_looked_up_anew(
    bench: FetchHarness, site: FakeSourceSite, hls: Path
) -> None:
    url = serve_folder(site, hls)
    whole = site.routes["/hls/video1.ts"]
    looked_up: list[int] = []

    def signed(exchange: Exchange) -> None:
        looked_up.append(len(site.asked("/hls/master.m3u8")))
        fixed(b"", status=403)(exchange) if looked_up[-1] == looked_up[0] else whole(exchange)

    site.routes["/hls/video1.ts"] = signed
    assert bench.fetch(url=url).is_segmented
    assert looked_up[-1] > looked_up[0]


def test_the_secret_goes_to_every_segment_of_its_host(bench: FetchHarness, site: FakeSourceSite, hls: Path) -> None:
    bench.fetch(url=serve_folder(site, hls), **bench.secret(headers="X-Club: 7"))
    assert {seen.headers.get("X-Club") for seen in site.requests} == {"7"}


def test_a_checksum_is_of_one_file(bench: FetchHarness, site: FakeSourceSite, hls: Path) -> None:
    failure = bench.refusal(url=serve_folder(site, hls), checksum="0" * 64)
    assert failure.reason is Reason.INVALID_SPEC
    assert "source.checksum" in failure.message
    assert site.asked("/hls/video0.ts") == []


def page(site: FakeSourceSite, clip: Path, *, caption: Route, picture: Route) -> str:
    site.routes |= {"/v.mp4": file(clip), "/c.vtt": caption, "/p.png": picture}
    tracks = '<track kind="subtitles" srclang="en" src="/c.vtt"><track kind="subtitles" srclang="de" src="/none.vtt">'
    return site.add("/watch", html(f'<video src="/v.mp4" poster="/p.png">{tracks}</video>'))


def test_captions_and_thumbnail_are_kept_and_what_is_missing_is_left_out(
    bench: FetchHarness, site: FakeSourceSite, footage: Footage
) -> None:
    url = page(site, footage("silent.mp4"), caption=fixed(VTT, "text/vtt"), picture=fixed(PNG, "image/png"))
    extras = bench.fetch(url=url).extras
    assert [(one.language, Path(one.path).read_bytes()) for one in extras.captions] == [("en", VTT)]
    assert Path(extras.thumbnail or "").read_bytes() == PNG


NOT_TO_BE_HAD = (
    fixed(b"<html>", "text/html"),
    fixed(bytes(9 * 2**20)),
    redirect("http://10.0.0.1/p.png"),
    redirect("file:///etc/passwd"),
)


@pytest.mark.parametrize("bad", NOT_TO_BE_HAD)
def test_extras_that_cannot_be_had_end_nothing(
    bench: FetchHarness, site: FakeSourceSite, footage: Footage, bad: Route
) -> None:
    fetched = bench.fetch(url=page(site, footage("silent.mp4"), caption=fixed(b"", status=500), picture=bad))
    assert fetched.video.size
    assert fetched.extras.thumbnail is None
    assert fetched.extras.captions == ()


def test_a_page_that_is_asked_anew_leaves_nothing_of_the_first_time(
    bench: FetchHarness, site: FakeSourceSite, footage: Footage
) -> None:
    """A signed address runs out in the middle."""
    path, pages = footage("silent.mp4"), list[int]()
    content = path.read_bytes()

    def runs_out(exchange: Exchange) -> None:
        pages.append(len(site.asked("/watch")))
        if pages[-1] > pages[0]:
            file(path)(exchange)
        elif len(pages) == 1:
            headers = {"Content-Type": "video/mp4", "ETag": '"one"', "Accept-Ranges": "bytes"}
            exchange.answer(200, content, headers, send=len(content) // 2)
        else:
            fixed(b"", status=403)(exchange)

    url = page(site, path, caption=fixed(VTT, "text/vtt"), picture=fixed(PNG, "image/png"))
    site.routes["/v.mp4"] = runs_out
    fetched = bench.fetch(url=url)
    assert Path(fetched.video.path).name.startswith("page-2-")
    assert list((bench.folder / "scratch").glob("page-1-*")) == []


def test_an_extra_that_was_forbidden_is_not_why_the_import_fails(
    bench: FetchHarness, site: FakeSourceSite, footage: Footage
) -> None:
    away = redirect("http://10.0.0.1/c.vtt")
    failure = bench.refusal(url=page(site, footage("silent.mp4"), caption=away, picture=away), checksum="0" * 64)
    assert failure.reason is Reason.CHECKSUM_MISMATCH


def test_a_pages_plain_file_is_resumed_by_our_own_client(
    bench: FetchHarness, site: FakeSourceSite, footage: Footage
) -> None:
    content = footage("moov-last.mp4").read_bytes()

    def dying(exchange: Exchange) -> None:
        file(footage("moov-last.mp4"))(exchange) if exchange.seen.range else exchange.answer(
            200,
            content,
            {"Content-Type": "video/mp4", "ETag": '"one"', "Accept-Ranges": "bytes"},
            send=len(content) // 2,
        )

    site.routes["/v.mp4"] = dying
    fetched = bench.fetch(url=site.add("/watch", html('<video src="/v.mp4"></video>')))
    assert fetched.video.sha256 == hashlib.sha256(content).hexdigest()
    assert all(seen.headers.get("If-Range") == '"one"' for seen in site.asked("/v.mp4") if seen.range)
