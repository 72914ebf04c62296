"""Which streams of HLS, DASH and files with several tracks are imported, what becomes of parts, and what is told."""

import re
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from support.fake_source_site import FakeSourceSite, file, fixed
from support.worker.differential_matrix import H264, PLAIN, TONE, ffmpeg
from support.worker.numbered_pictures import make, seen
from support.worker.worker_harness import FinishedRun, WorkerHarness

PICTURES = 50
HLS = ("-f", "hls", "-hls_time", "1", "-hls_list_size", "0", "-hls_playlist_type", "vod")
TYPES = {".m3u8": "application/vnd.apple.mpegurl", ".mpd": "application/dash+xml", ".ts": "video/mp2t"}
OUTPUT = {"video": {"preset": "ultrafast", "crf": 18}}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recording") / "base.mkv"
    make(path, PICTURES)
    return path


def serve(site: FakeSourceSite, folder: Path, name: str) -> str:
    for path in folder.iterdir():
        site.routes[f"/{path.name}"] = fixed(path.read_bytes(), TYPES.get(path.suffix, "video/mp4"))
    return site.url(f"/{name}")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "site"
    path.mkdir()
    return path


def result(desk: WorkerHarness, ended: FinishedRun, folder: Path) -> Path:
    assert ended.code == 0, ended.everything
    return desk.bucket.save("in/clip/video.mp4", folder / "result.mp4")


def streams(desk: WorkerHarness) -> Any:
    return desk.bucket.json("in/clip/result.json")["streams"]


def renditions(base: Path, folder: Path) -> None:
    """A picture, the recording's sound and a tone without pauses, each a media playlist of its own."""
    for name, words in (("seen", ("-an", *H264)), ("heard", ("-vn", "-c:a", "aac"))):
        ffmpeg("-i", base, *words, *HLS, folder / f"{name}.m3u8")
    ffmpeg(*TONE, "-t", "2", "-c:a", "aac", *HLS, folder / "tone.m3u8")


def master(folder: Path, sounds: Sequence[str]) -> None:
    lines = ["#EXTM3U", *sounds, '#EXT-X-STREAM-INF:BANDWIDTH=400000,RESOLUTION=320x180,AUDIO="g"', "seen.m3u8"]
    (folder / "master.m3u8").write_text("\n".join(lines) + "\n")


def media(name: str, more: str = "") -> str:
    return f'#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="g",NAME="{name}"{more},URI="{name}.m3u8"'


@pytest.mark.parametrize(
    "sounds",
    [
        [media("heard", ",DEFAULT=YES")],
        [media("tone", ',LANGUAGE="fr"'), media("heard", ',LANGUAGE="en",DEFAULT=YES')],
        [media("tone", ',CHARACTERISTICS="public.accessibility.describes-video"'), media("heard")],
    ],
)
@pytest.mark.full(but=["sounds0"])
def test_hls_has_its_default_sound_also_without_codecs(
    desk: WorkerHarness, site: FakeSourceSite, base: Path, folder: Path, sounds: list[str]
) -> None:
    renditions(base, folder)
    master(folder, sounds)
    ended = desk.bring(serve(site, folder, "master.m3u8"), output=OUTPUT)
    found = seen(result(desk, ended, folder))
    assert found.numbers == tuple(range(PICTURES))
    assert found.beeps == pytest.approx((0.0, 1.0), abs=0.1)
    assert [one["part"] for one in streams(desk)["taken"]] == ["video", "audio"]


def parts(base: Path, folder: Path, kind: str, *words: str) -> list[str]:
    """An advertisement of a second and the film as media playlists; their lines without heads and ends."""
    found = []
    for name, cut in (("ad", ("-t", "1")), ("film", ())):
        more = ("-hls_segment_type", "fmp4", "-hls_fmp4_init_filename", f"{name}.init") if kind == "fmp4" else ()
        pids = ("-mpegts_start_pid", "0x200") if name == "ad" and kind == "ts" else ()
        ffmpeg(
            *cut, "-i", base, *PLAIN, *(words if name == "film" else ()), *HLS, *more, *pids, folder / f"{name}.m3u8"
        )
        lines = (folder / f"{name}.m3u8").read_text().splitlines()
        found.append("\n".join(line for line in lines if not line.startswith(("#EXTM3U", "#EXT-X-ENDLIST"))))
    return found


def test_hls_is_imported_across_a_discontinuity(
    desk: WorkerHarness, site: FakeSourceSite, base: Path, folder: Path
) -> None:
    ad, film = parts(base, folder, "ts", "-ar", "44100")
    (folder / "whole.m3u8").write_text(f"#EXTM3U\n{ad}\n#EXT-X-DISCONTINUITY\n{film}\n#EXT-X-ENDLIST\n")
    ended = desk.bring(serve(site, folder, "whole.m3u8"), output=OUTPUT)
    found = seen(result(desk, ended, folder))
    assert found.numbers == (*range(25), *range(PICTURES))
    assert found.beeps == pytest.approx((0.0, 1.0, 2.0), abs=0.1)
    assert streams(desk)["joinedParts"] == 2
    told = streams(desk)["taken"][1]["changes"]
    assert told.startswith("the source is joined from 2 parts, each with a clock or streams of its own; audio changes")


@pytest.mark.parametrize("has_one_header", [True, False])
def test_hls_of_fragments_with_a_discontinuity_is_refused(
    desk: WorkerHarness, site: FakeSourceSite, base: Path, folder: Path, *, has_one_header: bool
) -> None:
    ad, film = parts(base, folder, "fmp4")
    if has_one_header:
        film = "\n".join(line for line in film.splitlines() if not line.startswith("#EXT-X-MAP"))
    (folder / "whole.m3u8").write_text(f"#EXTM3U\n{film}\n#EXT-X-DISCONTINUITY\n{ad}\n#EXT-X-ENDLIST\n")
    if has_one_header:
        text = (folder / "whole.m3u8").read_text()
        (folder / "whole.m3u8").write_text(text.replace("#EXTINF", '#EXT-X-MAP:URI="film.init"\n#EXTINF', 1).replace(
            '#EXT-X-MAP:URI="ad.init"\n', ""))  # fmt: skip
    ended = desk.bring(serve(site, folder, "whole.m3u8"), output=OUTPUT)
    assert ended.reason == "UnsupportedSource", ended.everything


def test_dash_of_periods_that_differ_is_refused(
    desk: WorkerHarness, site: FakeSourceSite, base: Path, folder: Path
) -> None:
    periods = []
    for name, words in (("ad", ("-t", "1", "-vf", "scale=160:90")), ("film", ())):
        names = ("-init_seg_name", f"{name}-init.m4s", "-media_seg_name", f"{name}-$Number$.m4s")
        ffmpeg("-i", base, "-an", *H264, *words, "-f", "dash", *names, folder / f"{name}.mpd")
        text = (folder / f"{name}.mpd").read_text()
        periods.append(text[text.index("<Period") : text.index("</Period>")] + "</Period>")
    head = text[: text.index("<Period")]
    (folder / "whole.mpd").write_text(f"{head}{''.join(periods)}</MPD>")
    ended = desk.bring(serve(site, folder, "whole.mpd"), output=OUTPUT)
    assert ended.reason == "UnsupportedSource", ended.everything
    assert "2 periods" in ended.report.message


def test_the_first_of_equal_sounds_of_dash_is_taken(
    desk: WorkerHarness, site: FakeSourceSite, base: Path, folder: Path
) -> None:
    sets = ("-adaptation_sets", "id=0,streams=0 id=1,streams=1 id=2,streams=2")
    inputs = ("-i", base, *TONE, "-map", "0:v", "-map", "0:a", "-map", "1:a", "-t", "2")
    ffmpeg(*inputs, *H264, "-c:a", "aac", "-b:a", "96k", "-f", "dash", *sets, folder / "whole.mpd")
    text = (folder / "whole.mpd").read_text()
    (folder / "whole.mpd").write_text(re.sub(r'(bandwidth|value)="\d+"', r'\1="2"', text))
    ended = desk.bring(serve(site, folder, "whole.mpd"), output=OUTPUT)
    found = seen(result(desk, ended, folder))
    assert found.numbers == tuple(range(PICTURES))
    assert found.beeps == pytest.approx((0.0, 1.0), abs=0.1)


@pytest.mark.parametrize("honours_ranges", [True, False])
def test_hls_of_byte_ranges_needs_a_server_that_honours_them(
    desk: WorkerHarness, site: FakeSourceSite, base: Path, folder: Path, *, honours_ranges: bool
) -> None:
    ffmpeg("-i", base, *PLAIN, *HLS, "-hls_flags", "single_file", folder / "whole.m3u8")
    address = serve(site, folder, "whole.m3u8")
    if honours_ranges:
        site.routes["/whole.ts"] = file(folder / "whole.ts")
    ended = desk.bring(address, output=OUTPUT)
    if honours_ranges:
        assert seen(result(desk, ended, folder)).numbers == tuple(range(PICTURES))
    else:
        assert ended.reason == "UnsupportedSource", ended.everything
        assert "does not answer Range requests" in ended.report.message


def loudest(path: Path, channel: int) -> float:
    """The mean volume of one channel in dB: beeps are quiet on the whole, a tone is not."""
    told = subprocess.run(
        ["ffmpeg", "-hide_banner", "-i", path, "-af", f"pan=mono|c0=c{channel},volumedetect", "-f", "null", "-"],
        capture_output=True, text=True, check=True,
    ).stderr  # fmt: skip
    return float(told.partition("mean_volume: ")[2].split()[0])


def test_two_mono_tracks_become_left_and_right(
    desk: WorkerHarness, site: FakeSourceSite, base: Path, folder: Path
) -> None:
    source = folder / "mono.mov"
    ffmpeg("-i", base, *TONE, "-map", "0:v", "-map", "0:a", "-map", "1:a", *H264, "-c:a", "pcm_s16le", "-ac", "1", "-t",
           "2", source)  # fmt: skip
    ended = desk.bring(site.add("/mono.mov", file(source)), output={**OUTPUT, "audioFile": {"format": "mp3"}})
    path = result(desk, ended, folder)
    assert loudest(path, 0) < loudest(path, 1) - 3
    assert [(one["index"], one["kind"]) for one in streams(desk)["taken"]] == [(0, "video"), (1, "audio"), (2, "audio")]
    assert streams(desk)["leftOut"] == []


def test_a_copy_names_the_second_mono_track_as_left_out(
    desk: WorkerHarness, site: FakeSourceSite, base: Path, folder: Path
) -> None:
    source = folder / "mono.mp4"
    ffmpeg("-i", base, *TONE, "-map", "0:v", "-map", "0:a", "-map", "1:a", *PLAIN, "-ac", "1", "-t", "2", source)
    ended = desk.bring(site.add("/mono.mp4", file(source)), output={"mode": "Remux"})
    assert ended.code == 0, ended.everything
    assert [(one["index"], one["why"]) for one in streams(desk)["leftOut"]] == [(2, "a copy has one audio track")]


@pytest.mark.parametrize("mode", ["Auto", "Encode"])
def test_changes_of_streams_are_told_whatever_is_done_with_them(
    desk: WorkerHarness, site: FakeSourceSite, base: Path, folder: Path, mode: str
) -> None:
    source, halves = folder / "turned.ts", []
    for number, words in enumerate((("-t", "1"), ("-ss", "1"))):
        turned = ("-vf", "scale=180:320", "-ar", "44100") if number else ()
        ffmpeg(*words, "-i", base, *PLAIN, *turned, folder / f"{number}.ts")
        halves.append(f"file '{folder / f'{number}.ts'}'\n")
    (folder / "halves.txt").write_text("".join(halves))
    ffmpeg("-f", "concat", "-safe", "0", "-i", folder / "halves.txt", "-c", "copy", source)
    ended = desk.bring(site.add("/turned.ts", file(source)), output={**OUTPUT, "mode": mode})
    assert ended.code == 0, ended.report.message
    video, audio = (one["changes"] for one in streams(desk)["taken"])
    assert video.startswith("video changes from 320x180 yuv420p to 180x320 yuv420p")
    assert audio.startswith("audio changes from 48000 Hz with 1 channels to 44100 Hz with 1 channels")
