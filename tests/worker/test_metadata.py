"""Private metadata of a source: none of it is in a result, unless all of it is wished."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from support.worker.transcode_runs import job, made
from support.worker.worker_harness import probe

SECRET = "52.1234"
GLOBAL = (
    "location",
    "comment",
    "artist",
    "make",
    "model",
    "com.apple.quicktime.location.ISO6709",
    "synopsis",
    "copyright",
)


@pytest.fixture(scope="module", params=["mov", "mp4", "mkv"])
def phone(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    """A recording with private words wherever its container has room for them."""
    folder = tmp_path_factory.mktemp("phone")
    path = folder / f"v.{request.param}"
    chapters = folder / "chapters"
    chapters.write_text(f";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1\nSTART=0\nEND=1\ntitle={SECRET}\n")
    tags = [word for name in GLOBAL for word in ("-metadata", f"{name}={SECRET}")]
    flags = ("-movflags", "+use_metadata_tags") if request.param == "mov" else ()
    shown = ("-f", "lavfi", "-i", "testsrc2=size=320x240:rate=25:duration=1", "-f", "lavfi", "-i", "sine=duration=1")
    streams = ("-metadata:s:v", f"handler_name={SECRET}", "-metadata:s:v", f"encoder={SECRET}", "-metadata:s:v",
               "timecode=01:00:00:00", "-metadata:s:v", f"title={SECRET}", "-metadata:s:a", f"handler_name={SECRET}",
               "-metadata:s:a", "language=ita")  # fmt: skip
    subprocess.run(
        ("ffmpeg", "-v", "error", "-y", *shown, "-i", chapters, "-map", "0", "-map", "1", "-map_chapters", "2",
         "-pix_fmt", "yuv420p", "-c:v", "libx264", "-preset", "ultrafast", "-c:a", "aac", *tags, *streams,
         "-metadata", "title=Our film", "-metadata", "creation_time=2020-01-02T03:04:05Z", *flags, path), check=True,
    )  # fmt: skip
    return path


@pytest.mark.parametrize(
    "output",
    [
        {"mode": "Remux", "audioFile": {"format": "m4a"}},
        {"mode": "Encode", "audioFile": {"format": "mp3"}, "renditions": [{"name": "small", "height": 144}]},
    ],
)
def test_only_title_and_language_stay(phone: Path, tmp_path: Path, output: dict[str, Any]) -> None:
    results = made(job(phone, **output), tmp_path)
    assert len(results) == (2 if output["mode"] == "Remux" else 3)
    for result in results.values():
        content = result.path.read_bytes()
        assert SECRET.encode() not in content
        assert b"2020-01-02" not in content
        found = probe(result.path)
        assert "data" not in [stream["codec_type"] for stream in found["streams"]]
        assert "creation_time" not in str(found)
        tags = {**found["format"].get("tags", {}), **found["streams"][0].get("tags", {})}
        assert tags["title"] == "Our film"
    assert [stream["tags"]["language"] for stream in probe(results["video"].path)["streams"]] == ["und", "ita"]


def test_all_of_it_is_kept_where_it_is_wished(phone: Path, tmp_path: Path) -> None:
    result = made(job(phone, mode="Remux", metadata="Keep"), tmp_path)["video"]
    tags = probe(result.path)["format"]["tags"]
    assert (tags["title"], tags["comment"]) == ("Our film", SECRET)


def test_a_title_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "v.mp4"
    subprocess.run(
        ("ffmpeg", "-v", "error", "-y", "-f", "lavfi", "-i", "testsrc2=size=320x240:rate=25:duration=1", "-c:v",
         "mpeg4", "-metadata", "title=-y\n\x1b[31mred" + "x" * 400, path), check=True,
    )  # fmt: skip
    title = probe(made(job(path, video={"preset": "ultrafast"}), tmp_path)["video"].path)["format"]["tags"]["title"]
    assert title.startswith("-y [31mredxxx")
    assert len(title) == 256
