"""What ffmpeg makes of a source, without the rest of a run: two files of one video, room for heads, damage, stills."""

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from support.worker.corpus.files import Corpus
from support.worker.transcode_runs import job, made
from support.worker.worker_harness import probe
from videoimport.api.reasons import Reason
from videoimport.media.container.mp4_boxes import top_level
from videoimport.worker.pipeline import ffmpeg as transcode
from videoimport.worker.pipeline import thumbnails
from videoimport.worker.pipeline import verify as verification
from videoimport.worker.runtime.errors import ImportFailure
from videoimport.worker.runtime.subprocesses import Children
from videoimport.worker.source.probe import Examined, examine


@pytest.fixture(scope="module")
def kitchen() -> Corpus:
    return Corpus.open()


def split(kitchen: Corpus, folder: Path, kind: str, start: float, *options: str) -> Path:
    """One stream of the plain footage in a file of its own whose clock starts at ``start``."""
    path = folder / f"{options[0].strip('-')}-{start}.{kind}"
    words = ["ffmpeg", "-v", "error", "-y", "-i", kitchen.obtain("faststart.mp4"), *options, "-c", "copy"]
    clock = ["-muxdelay", "0", "-muxpreload", "0"] if kind == "ts" else []
    subprocess.run([*words, "-output_ts_offset", str(start), *clock, path], check=True)
    return path


def offset(result: Examined) -> float:
    assert result.media.video is not None
    assert result.media.audio is not None
    video, audio = result.track(result.media.video.index), result.track(result.media.audio.index)
    return (audio.start or 0.0) - (video.start or 0.0)


@pytest.mark.parametrize("mode", ["Auto", "Encode"])
@pytest.mark.parametrize(
    ("kind", "video_start", "audio_kind", "audio_start", "apart"),
    [
        ("ts", 10.0, "ts", 10.3, 0.3),
        ("ts", 10.3, "ts", 10.0, -0.3),
        ("ts", 10.0, "aac", 0.0, 0.0),
        ("mp4", 0.0, "m4a", 0.0, 0.0),
        ("mkv", 5.0, "mkv", 5.5, 0.5),
        ("ts", 10.0, "ts", 500.0, 0.0),
    ],
)
def test_two_files_of_one_clock_keep_their_distance(
    kitchen: Corpus, tmp_path: Path, kind: str, video_start: float, audio_kind: str, audio_start: float, apart: float,
    mode: str,
) -> None:  # fmt: skip
    video = split(kitchen, tmp_path, kind, video_start, "-an")
    audio = split(kitchen, tmp_path, audio_kind, audio_start, "-vn")
    result = made(job(video, audio, mode=mode), tmp_path)["video"]
    assert offset(result) == pytest.approx(apart, abs=0.06)


def test_a_growing_file_has_its_head_first_from_the_start(kitchen: Corpus, tmp_path: Path) -> None:
    of = job(kitchen.obtain("variable.webm"), renditions=[{"name": "low", "height": 144}], audioFile={})
    result = made(of, tmp_path, growing=True)
    for target in transcode.targets(of, tmp_path, growing=True):
        content = Path(target.path).read_bytes()
        names = [box.name for box in top_level(lambda at, size, of=content: of[at : at + size], len(content))]
        assert names.index(b"moov") < names.index(b"mdat"), target.object_name
        assert target.head_bytes is not None
    assert set(result) == {"video", "low", "audio"}


def test_a_head_without_room_is_told_apart_from_other_failures(kitchen: Corpus, tmp_path: Path) -> None:
    of = job(kitchen.obtain("faststart.mp4"))
    targets = tuple(replace(target, head_bytes=64) for target in transcode.targets(of, tmp_path, growing=True))
    with pytest.raises(transcode.HeadTooSmall):
        transcode.run(Children(), of, targets, lambda part: None)


def test_uneven_frames_with_reordering_fit_into_the_room_of_their_head(kitchen: Corpus, tmp_path: Path) -> None:
    """Every frame has a duration and a place of its own: the longest tables there are."""
    uneven = tmp_path / "uneven.mp4"
    times = "setpts='(N*0.01+0.004*mod(N*7,3))/TB'"
    subprocess.run(["ffmpeg", "-v", "error", "-stream_loop", "150", "-i", kitchen.obtain("faststart.mp4"), "-an", "-vf",
                    f"scale=64:36,{times}", "-fps_mode", "passthrough", "-enc_time_base", "1:1000", "-c:v", "libx264",
                    "-preset", "ultrafast", "-bf", "3", uneven], check=True)  # fmt: skip
    of = job(uneven, mode="Remux")
    assert of.picture.video.is_uneven
    made(of, tmp_path, growing=True)


def test_damage_that_is_tolerated_says_what_was_lost(kitchen: Corpus, tmp_path: Path) -> None:
    of = job(kitchen.obtain("truncated.mkv"), is_tolerant=True, mode="Encode")
    children, targets = Children(), transcode.targets(of, tmp_path)
    complaint = transcode.run(children, of, targets, lambda part: None)
    results = verification.verified(children, of, targets, complaint)
    assert "s of video" in (verification.loss(children, of, results, complaint) or "")
    whole = job(kitchen.obtain("faststart.mp4"), is_tolerant=True)
    assert verification.loss(children, whole, {}, "") is None


def test_what_no_mp4_can_hold_is_not_remuxed(kitchen: Corpus) -> None:
    with pytest.raises(ImportFailure) as refused:
        job(kitchen.obtain("prores.mov"), mode="Remux")
    assert refused.value.reason is Reason.UNSUPPORTED_FORMAT


@pytest.mark.parametrize(("name", "size"), [("rotated.mp4", (180, 320)), ("anamorphic.mp4", (320, 180)),
                                            ("slideshow.mp4", (320, 180)), ("one-frame.mp4", (320, 180)),
                                            ("pq.mp4", (320, 180)), ("open-gop.mp4", (320, 180))])  # fmt: skip
def test_still_pictures_are_upright_and_square(
    kitchen: Corpus, tmp_path: Path, name: str, size: tuple[int, int]
) -> None:
    children = Children()
    pictures = thumbnails.make(children, examine(children, kitchen.obtain(name)), 3, tmp_path / "thumbnails")
    assert [path.name for path in pictures] == ["001.jpg", "002.jpg", "003.jpg"]
    for path in pictures:
        found = probe(path)["streams"][0]
        assert (found["codec_name"], found["width"], found["height"]) == ("mjpeg", *size)
