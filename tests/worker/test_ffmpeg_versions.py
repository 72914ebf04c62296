"""The second round: with other ffmpegs that users have, every argument list gives what the machine's ffmpeg gives.

`make test` runs half of the matrix, `make full-test` all of it.
``hack/ffmpegs.py`` brings them: 7.1 with its own ffprobe, and the static 9.0, which is beside the ffprobe of 7.1.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from support.fake_source_site import FakeSourceSite, file, fixed
from support.portion import portion
from support.worker.corpus.files import ROOT, Corpus, ffmpeg
from support.worker.listing_harness import ListingHarness
from support.worker.object_store import ObjectStore
from support.worker.transcode_runs import job, made
from support.worker.worker_harness import FinishedRun, WorkerHarness
from videoimport.media.source import ffmpeg_versions as versions
from videoimport.media.source.packet_scan import walk, walk_argv
from videoimport.media.transcode import command
from videoimport.worker.pipeline import ffmpeg as transcode
from videoimport.worker.pipeline import thumbnails
from videoimport.worker.runtime.subprocesses import Children
from videoimport.worker.source.probe import Examined, examine

VERSIONS = ("7.1", "9.0")


def obtained(version: str) -> Path:
    done = subprocess.run([sys.executable, "hack/ffmpegs.py", version], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        pytest.fail(f"ffmpeg {version} could not be had: {done.stderr[-500:]}", pytrace=False)
    return Path(done.stdout.strip())


@dataclass(frozen=True)
class Programs:
    """A folder with an ffmpeg and an ffprobe."""

    version: str
    folder: Path

    @property
    def path(self) -> str:
        return f"{self.folder}:{os.environ['PATH']}"

    @contextmanager
    def used(self) -> Iterator[None]:
        """Inside, they are what ``ffmpeg`` and ``ffprobe`` mean."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PATH", self.path)
            yield


@pytest.fixture(scope="module", params=VERSIONS)
def programs(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Programs:
    folder = tmp_path_factory.mktemp(f"ffmpeg-{request.param}")
    (folder / "ffmpeg").symlink_to(obtained(request.param) / "ffmpeg")
    (folder / "ffprobe").symlink_to(obtained("7.1") / "ffprobe")
    return Programs(request.param, folder)


@pytest.fixture(scope="module")
def kitchen() -> Corpus:
    return Corpus.open()


def test_the_version_is_the_one_that_is_meant(programs: Programs) -> None:
    with programs.used():
        told = Children().run(versions.version_argv("ffmpeg")).stdout
    release = versions.release_of(versions.named_version(told))
    assert release is not None
    assert f"{release[0]}.{release[1]}" == programs.version
    assert versions.doubt("ffmpeg", versions.named_version(told)) is None


# What an encode shows, and when

P = ("-fps_mode", "passthrough", "-enc_time_base", "1:90000", "-c:v", "libx264", "-preset", "ultrafast")
CLOCK = "settb=1/90000,setpts="
UNEVEN = {
    "pairs.mp4": f"fps=30,{CLOCK}'(floor(N/2)*2/30+mod(N,2)*0.0001)/TB'",
    "jitter.mp4": f"fps=30,{CLOCK}'(N/29.97+0.002*mod(N*7,3))/TB'",
    "random.mp4": f"fps=30,{CLOCK}'if(N,PREV_OUTPTS+10-2500*log(1-0.98*random(1)),0)'",
    "bursts.mp4": f"fps=30,{CLOCK}'if(N,PREV_OUTPTS+if(mod(N,5),160,9000),0)'",
    "mixed.mp4": "fps=120,settb=1/90000,select='lt(mod(n\\,40)\\,12)+not(mod(n\\,5))'",
}
"""Names of files and the filters that make their times: each has a rate below the cap for most of its time."""
STEADY = ("ntsc.mp4", "slideshow.mp4", "variable.mkv", "variable.webm", "fast.mp4", "fast75.mp4", "interlaced.ts")
TIMED = portion(
    "times",
    (*UNEVEN, *STEADY),
    ("jitter.mp4", "bursts.mp4", "mixed.mp4", "ntsc.mp4", "variable.webm", "fast75.mp4"),
)


@pytest.fixture(scope="module")
def sources(kitchen: Corpus, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Made by the machine's own ffmpeg, of which all versions make theirs."""
    folder, plain = tmp_path_factory.mktemp("sources"), kitchen.obtain("faststart.mp4")
    for name, times in {**UNEVEN, "fast75.mp4": "fps=75"}.items():
        ffmpeg("-i", plain, "-an", "-vf", f"scale=160:90,{times}", *P, folder / name)
    return {name: folder / name if (folder / name).exists() else kitchen.obtain(name) for name in TIMED}


def times(path: Path) -> list[float]:
    """When the pictures of a result are shown, by the machine's own ffprobe."""
    words = [
        "ffprobe",
        "-v",
        "error",
        "-select_streams",
        "v",
        "-show_entries",
        "packet=pts_time",
        "-of",
        "csv=p=0",
        path,
    ]
    told = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    return sorted(float(word.rstrip(",")) for word in told.split())


def encoded(path: Path, folder: Path) -> list[float]:
    """Made without a look at the result: what the cap leaves of bursts is not as much as the source has."""
    of = job(path, mode="Encode")
    targets = transcode.targets(of, folder)
    transcode.run(Children(), of, targets, lambda part: None)
    return times(Path(targets[0].path))


@pytest.fixture(scope="module")
def shown(sources: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[float]]:
    """When the machine's own ffmpeg shows each picture."""
    folder = tmp_path_factory.mktemp("machine")
    return {name: encoded(path, folder / name) for name, path in sources.items()}


@pytest.mark.parametrize("name", TIMED)
def test_every_version_shows_the_same_pictures_at_the_same_times(
    programs: Programs, sources: dict[str, Path], shown: dict[str, list[float]], name: str, tmp_path: Path
) -> None:
    with programs.used():
        assert encoded(sources[name], tmp_path) == shown[name]


FAST = ("fast.mp4", "fast75.mp4", "random.mp4", "bursts.mp4", "mixed.mp4")
SLOW = ("ntsc.mp4", "slideshow.mp4", "variable.mkv", "variable.webm", "pairs.mp4", "jitter.mp4")


@pytest.mark.parametrize("name", [name for name in FAST if name in TIMED])
def test_no_two_pictures_are_nearer_than_a_sixtieth(shown: dict[str, list[float]], name: str) -> None:
    steps = [later - sooner for sooner, later in zip(shown[name], shown[name][1:], strict=False)]
    assert min(steps) >= 1 / 60 - 1e-5


@pytest.mark.parametrize("name", [name for name in SLOW if name in TIMED])
def test_what_is_slower_than_the_cap_loses_no_picture(
    sources: dict[str, Path], shown: dict[str, list[float]], name: str
) -> None:
    assert len(shown[name]) == len(times(sources[name]))


# Every argument list

LADDER: dict[str, Any] = {
    "renditions": [{"name": "low", "height": 144}, {"name": "same", "height": 720}], "audioFile": {"format": "mp3"},
}  # fmt: skip
LISTS: dict[str, tuple[str, dict[str, Any]]] = {
    "copies": ("faststart.mp4", {"mode": "Auto", "audioFile": {"format": "m4a"}}),
    "gives times to copied pictures": ("untimed.avi", {"mode": "Remux"}),
    "copies hevc": ("hevc.mkv", {"mode": "Remux"}),
    "several sizes": ("vp9.webm", LADDER),
    "hevc, too fast": ("fast.mp4", {"video": {"codec": "hevc", "preset": "ultrafast"}, "mode": "Encode"}),
    "av1, too fast": ("fast300.mp4", {"video": {"codec": "av1", "preset": "ultrafast"}, "mode": "Encode"}),
    "half pictures": ("interlaced.ts", {"mode": "Encode"}),
    "hdr": ("pq.mp4", {"mode": "Encode"}),
    "turned": ("rotated.mp4", {"mode": "Encode"}),
    "long pixels": ("anamorphic.mp4", {"mode": "Encode"}),
    "more channels": ("dolby.mkv", {"audioFile": {"format": "mp3"}}),
    "late sound": ("late-sound.mkv", {"mode": "Encode"}),
    "no sound": ("silent.mp4", {"mode": "Encode"}),
    "one picture": ("one-frame.mp4", {"mode": "Encode"}),
}
LISTED = portion(
    "argument list",
    [*((name, True) for name in LISTS), ("copies", False), ("several sizes", False), ("no sound", False)],
    [*((name, True) for name in ("copies", "gives times to copied pictures", "several sizes", "hevc, too fast",
       "half pictures", "hdr", "more channels", "late sound")), ("copies", False)],
)  # fmt: skip


@pytest.fixture(scope="module")
def listed(kitchen: Corpus, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("listed")
    plain = kitchen.obtain("faststart.mp4")
    ffmpeg("-i", plain, "-c", "copy", "-bsf:v", "h264_mp4toannexb", "-bsf:a", "aac_adtstoasc", folder / "untimed.avi")
    ffmpeg("-i", plain, "-an", "-vf", "scale=320:180,fps=300", "-t", "0.5", *P[4:], folder / "fast300.mp4")
    names = {name for name, _ in LISTS.values()}
    return {name: folder / name if (folder / name).exists() else kitchen.obtain(name) for name in names}


def shape(result: Examined) -> tuple[object, ...]:
    """What two versions' results must have in common."""
    video, audio = result.media.video, result.media.audio
    seen = (video.codec, video.shown, video.pixels, video.rotation) if video else None
    heard = (audio.codec, audio.channels, audio.sample_rate) if audio else None
    return seen, heard, result.track(video.index).packets if video else None


Shapes = dict[str, tuple[object, ...]]


@pytest.fixture(scope="module")
def machines(listed: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, bool], Shapes]:
    """What the machine's own ffmpeg makes of a list, made once."""

    @cache
    def make(name: str, growing: bool) -> Shapes:
        return shapes(name, listed, tmp_path_factory.mktemp("machine"), growing=growing)

    return make


def shapes(name: str, listed: dict[str, Path], folder: Path, *, growing: bool) -> Shapes:
    """Each result is verified too."""
    file_name, output = LISTS[name]
    return {
        one: shape(result) for one, result in made(job(listed[file_name], **output), folder, growing=growing).items()
    }


@pytest.mark.full(
    but=["*-copies-True", "*-several sizes-True", "*-hdr-True", "*-more channels-True", "*-late sound-True"]
)
@pytest.mark.parametrize(("name", "growing"), LISTED)
def test_every_list_makes_what_the_machines_makes(
    programs: Programs,
    listed: dict[str, Path],
    machines: Callable[[str, bool], Shapes],
    name: str,
    growing: bool,
    tmp_path: Path,
) -> None:
    """Growing files keep room for the index at the front; the others get it moved there."""
    with programs.used():
        found = shapes(name, listed, tmp_path, growing=growing)
    assert found == machines(name, growing)


def test_two_files_of_one_clock_are_made_one(programs: Programs, kitchen: Corpus, tmp_path: Path) -> None:
    plain, parts = kitchen.obtain("faststart.mp4"), (tmp_path / "v.mkv", tmp_path / "a.mkv")
    for path, start, left_out in zip(parts, ("5", "5.5"), ("-an", "-vn"), strict=True):
        ffmpeg("-i", plain, left_out, "-c", "copy", "-output_ts_offset", start, path)
    with programs.used():
        of = job(*parts, mode="Encode")
        result = made(of, tmp_path)["video"]
    assert result.media.audio is not None
    assert result.track(result.media.audio.index).start == pytest.approx(0.5, abs=0.06)


def test_a_head_without_room_is_told_apart(programs: Programs, kitchen: Corpus, tmp_path: Path) -> None:
    with programs.used():
        of = job(kitchen.obtain("faststart.mp4"))
        targets = tuple(replace(target, head_bytes=64) for target in transcode.targets(of, tmp_path, growing=True))
        with pytest.raises(transcode.HeadTooSmall):
            transcode.run(Children(), of, targets, lambda part: None)


def test_damage_is_found_and_can_be_tolerated(programs: Programs, kitchen: Corpus, tmp_path: Path) -> None:
    damaged, whole = kitchen.obtain("scrambled.mp4"), kitchen.obtain("faststart.mp4")
    with programs.used():
        assert not Children().run(command.decode_argv(str(damaged), keyframes_only=False)).clean
        assert Children().run(command.decode_argv(str(whole), keyframes_only=True)).clean
        assert Children().run(command.decode_argv(str(whole), keyframes_only=False)).clean
        of = job(damaged, mode="Encode", is_tolerant=True)
        made(of, tmp_path)


@pytest.mark.parametrize("name", ["rotated.mp4", "pq.mp4", "one-frame.mp4"])
def test_still_pictures_are_made(programs: Programs, kitchen: Corpus, name: str, tmp_path: Path) -> None:
    with programs.used():
        pictures = thumbnails.make(Children(), examine(Children(), kitchen.obtain(name)), 2, tmp_path)
    assert [path.name for path in pictures] == ["001.jpg", "002.jpg"]
    assert all(path.read_bytes()[:2] == b"\xff\xd8" for path in pictures)


def test_what_a_build_has_is_listed(programs: Programs) -> None:
    with programs.used():
        transcode.require(
            Children(), frozenset({"libx264", "libx265", "libsvtav1", "aac", "libmp3lame"}),
            frozenset({"zscale", "tonemap", "bwdif", "scale", "settb", "select"}),
        )  # fmt: skip


# One import of each kind


def frames(path: Path) -> int:
    """Packets of the first video stream."""
    video = examine(Children(), path).media.video
    assert video is not None
    return walk(Children().run(walk_argv(str(path))).stdout.splitlines())[video.index].packets


def brought(programs: Programs, desk: WorkerHarness, url: str, **output: Any) -> FinishedRun:
    desk.path = programs.path
    ended = desk.bring(url, output={"video": {"preset": "ultrafast"}, **output})
    assert ended.code == 0, ended.everything
    assert "known are" not in ended.stderr
    return ended


@pytest.mark.parametrize(
    ("name", "mode"), [("faststart.mp4", "Remux"), ("moov-last.mp4", "Encode"), ("vp9.webm", "Encode")]
)
@pytest.mark.full(but=["*-moov-last.mp4-Encode"])
def test_an_import_comes_out_right(
    programs: Programs, desk: WorkerHarness, site: FakeSourceSite, kitchen: Corpus, name: str, mode: str, tmp_path: Path
) -> None:
    more = {"audioFile": {"format": "m4a"}, "thumbnails": {"count": 1}}
    more |= {"mode": "Encode"} if mode == "Encode" else {}
    ended = brought(programs, desk, site.add(f"/{name}", file(kitchen.obtain(name))), **more)
    assert ended.stage("Transcode").mode == mode
    assert frames(desk.bucket.save("in/clip/video.mp4", tmp_path / "v.mp4")) == 50
    assert {"in/clip/audio.m4a", "in/clip/thumbnails/001.jpg"} <= set(desk.bucket.keys)


def test_a_segmented_source_comes_out_right(
    programs: Programs, desk: WorkerHarness, site: FakeSourceSite, kitchen: Corpus, tmp_path: Path
) -> None:
    options = ("-c", "copy", "-hls_time", "1", "-hls_list_size", "0", "-hls_playlist_type", "vod")
    ffmpeg("-i", kitchen.obtain("stream.ts"), *options, tmp_path / "index.m3u8")
    for path in tmp_path.glob("*.ts"):
        site.routes[f"/hls/{path.name}"] = fixed(path.read_bytes(), "video/mp2t")
    playlist = fixed((tmp_path / "index.m3u8").read_bytes(), "application/vnd.apple.mpegurl")
    brought(programs, desk, site.add("/hls/index.m3u8", playlist))
    assert frames(desk.bucket.save("in/clip/video.mp4", tmp_path / "v.mp4")) == 50


# A version that is not known


@pytest.fixture
def renamed(tmp_path: Path) -> str:
    """A PATH on which the machine's own programs call themselves something else."""
    folder = tmp_path / "renamed"
    folder.mkdir()
    for name in versions.PROGRAMS:
        told = f"{name} version N-12345-gabcdef Copyright"
        lines = f'[ "$1" = -version ] && echo "{told}" && exit\nexec {shutil.which(name)} "$@"\n'
        (folder / name).write_text(f"#!/bin/sh\n{lines}")
        (folder / name).chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


def warning(name: str) -> str:
    return f"{name} has the version N-12345-gabcdef; the tested versions are 5.1 to 9.0."


def test_an_import_with_an_unknown_version_is_warned_of_and_ends_right(
    desk: WorkerHarness, site: FakeSourceSite, kitchen: Corpus, renamed: str
) -> None:
    desk.path = renamed
    ended = desk.bring(site.add("/v.mp4", file(kitchen.obtain("faststart.mp4"))))
    assert ended.code == 0, ended.everything
    assert all(warning(name) in ended.stderr for name in versions.PROGRAMS)


def test_a_listing_with_an_unknown_version_is_warned_of_and_ends_right(
    lists: ListingHarness, store: ObjectStore, kitchen: Corpus, renamed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = store.new_bucket()
    source.put("v.mp4", kitchen.obtain("faststart.mp4").read_bytes())
    monkeypatch.setenv("PATH", renamed)
    page = lists.page(lists.bucket_source(source), requirements={"minHeight": 1})
    assert page.keys == ["v.mp4"], page.log
    assert warning("ffprobe") in page.log
    assert warning("ffmpeg") not in page.log
