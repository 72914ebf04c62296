"""Files that ask for far more memory or time than they have bytes: refused by their tables."""

import subprocess
from pathlib import Path

import pytest

from support.fake_source_site import FakeSourceSite, file
from support.memory_peaks import MemoryPeaks
from support.worker import hostile_media
from support.worker.hostile_media import HARMLESS, HOSTILE
from support.worker.refusals import assert_refused
from support.worker.worker_harness import WorkerHarness
from videoimport.api.reasons import Reason
from videoimport.media.source import requirements
from videoimport.media.transcode import command
from videoimport.worker.runtime.errors import ImportFailure
from videoimport.worker.runtime.subprocesses import Children
from videoimport.worker.source.probe import examine

PEAK_MIB = 400


@pytest.mark.parametrize("name", HOSTILE)
def test_tables_that_ask_for_too_much_are_refused(tmp_path: Path, name: str) -> None:
    path = hostile_media.write(tmp_path / "hostile.mp4", HOSTILE[name])
    with pytest.raises(ImportFailure) as caught, MemoryPeaks() as peaks:
        examine(Children(), path)
    assert caught.value.reason is Reason.SOURCE_CORRUPT, caught.value.message
    assert caught.value.advice == "Export the video again from the program that made the file."
    assert peaks.of("ffprobe") == 0, "nothing had to be asked"


def test_a_thousand_tracks_are_refused(tmp_path: Path) -> None:
    path = hostile_media.write(tmp_path / "tracks.mp4", {b"moov": hostile_media.many_tracks(999)})
    with pytest.raises(ImportFailure, match="1000 tracks"):
        examine(Children(), path)


@pytest.mark.parametrize("name", HARMLESS)
def test_edits_as_programs_write_them_are_fine(tmp_path: Path, name: str) -> None:
    path = hostile_media.write(tmp_path / "cut.mp4", HARMLESS[name])
    examined = examine(Children(), path)
    assert examined.media.video is not None
    assert examined.track(examined.media.video.index).packets >= 25


@pytest.mark.parametrize("mode", ["Auto", "Encode"])
def test_a_worker_refuses_a_repeating_edit_list_at_once(
    desk: WorkerHarness, site: FakeSourceSite, tmp_path: Path, mode: str
) -> None:
    path = hostile_media.write(tmp_path / "hostile.mp4", HOSTILE["an edit list repeats a second 20,000 times"])
    with MemoryPeaks() as peaks:
        ended = desk.bring(site.add("/v.mp4", file(path)), output={"mode": mode})
    assert_refused(ended, desk, Reason.SOURCE_CORRUPT, "edit list of 20000 entries")
    assert peaks.of(" -i ") == 0, "nothing was made of it"


def test_fragments_of_a_billion_samples_are_refused(tmp_path: Path) -> None:
    path = hostile_media.clip(tmp_path / "f.mp4", "-movflags", "+frag_keyframe+empty_moov")
    content = path.read_bytes()
    run = hostile_media.box(b"trun", b"\0\0\0\0" + (2**30).to_bytes(4, "big"))
    head = hostile_media.box(b"tfhd", b"\0\2\0\0" + (1).to_bytes(4, "big"))
    path.write_bytes(content + hostile_media.box(b"moof", hostile_media.box(b"traf", head + run)))
    with pytest.raises(ImportFailure, match="samples in its fragments"):
        examine(Children(), path)


def _large(path: Path, codec: str) -> Path:
    """One second of pictures of 9000x9000, in some hundred kilobytes."""
    made = ("-f", "lavfi", "-i", "color=black:size=9000x9000:rate=1", "-frames:v", "1", "-c:v", codec)
    subprocess.run(["ffmpeg", "-v", "error", "-y", *made, "-strict", "-1", str(path)], check=True)
    return path


@pytest.mark.parametrize("codec", ["png", "mjpeg"])
def test_pictures_too_large_to_decode_are_refused_without_their_memory(tmp_path: Path, codec: str) -> None:
    path = _large(tmp_path / "large.mkv", codec)
    with MemoryPeaks() as peaks:
        examined = examine(Children(), path)
    assert peaks.of("ffprobe") < 150, "9000x9000 pixels of three bytes are 232 MiB"
    found = requirements.refusal(requirements.CheckedSource(examined.media, None, 1.0, 1, None))
    assert found is not None
    assert found.reason is Reason.UNSUPPORTED_RESOLUTION, found.message


def test_a_cover_too_large_to_decode_takes_no_memory_and_does_no_harm(tmp_path: Path) -> None:
    plain, cover = hostile_media.clip(tmp_path / "plain.mp4"), _large(tmp_path / "cover.png", "png")
    path = tmp_path / "covered.mp4"
    joined = ("-i", plain, "-i", cover, "-map", "0:v", "-map", "1:v", "-c", "copy", "-disposition:v:1", "attached_pic")
    subprocess.run(["ffmpeg", "-v", "error", "-y", *joined, path], check=True)
    with MemoryPeaks() as peaks:
        examined = examine(Children(), path)
        decoded = Children().run(command.decode_argv(str(path), keyframes_only=False))
    assert peaks.of("ffprobe") < 150
    assert decoded.clean, decoded.stderr
    assert examined.media.video is not None
    assert examined.media.video.shown == (640, 360)
    assert [video.is_picture for video in examined.media.videos] == [False, True]
    assert requirements.refusal(requirements.CheckedSource(examined.media, "mp4", 4.0, 1, None)) is None
