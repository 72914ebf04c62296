"""Which files are cut short: data that is missing is evidence, whatever a header promises is none."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from support.worker.corpus.files import Corpus
from videoimport.api.reasons import Reason
from videoimport.media.source.findings import Finding
from videoimport.worker.runtime.errors import ImportFailure
from videoimport.worker.runtime.subprocesses import Children
from videoimport.worker.source.probe import examine

COPY = ("-c", "copy")
OLD = ("-c:v", "mpeg2video", "-c:a", "mp2")
KINDS = {
    "faststart.mp4": (*COPY, "-movflags", "+faststart"),
    "moov-last.mp4": COPY,
    "fragments.mp4": (*COPY, "-movflags", "+frag_keyframe+empty_moov+default_base_moof"),
    "old-fragments.mp4": (*COPY, "-movflags", "+frag_keyframe+empty_moov"),
    "dash.mp4": (*COPY, "-movflags", "+dash+global_sidx+frag_keyframe"),
    "plain.mov": ("-c:v", "copy", "-c:a", "pcm_s16le"),
    "plain.mkv": COPY,
    "live.mkv": (*COPY, "-live", "1"),
    "plain.webm": ("-c:v", "libvpx", "-deadline", "realtime", "-c:a", "libopus"),
    "plain.ts": COPY,
    "blu-ray.m2ts": (*COPY, "-mpegts_m2ts_mode", "1"),
    "plain.flv": COPY,
    "plain.avi": ("-c:v", "mpeg4", "-c:a", "mp3"),
    "plain.mpg": OLD,
    "plain.vob": ("-c:v", "mpeg2video", "-c:a", "ac3"),
    "plain.ogv": ("-c:v", "libtheora", "-c:a", "libvorbis"),
    "plain.wmv": ("-c:v", "wmv2", "-c:a", "wmav2"),
    "plain.mxf": ("-c:v", "mpeg2video", "-c:a", "pcm_s16le", "-ar", "48000"),
    "plain.dv": ("-target", "pal-dv"),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], bytes]:
    """The plain footage in a container, whole."""
    folder, plain = tmp_path_factory.mktemp("containers"), Corpus.open().obtain("faststart.mp4")

    def make(name: str) -> bytes:
        path = folder / name
        if not path.exists():
            subprocess.run(["ffmpeg", "-v", "error", "-i", plain, *KINDS[name], path], check=True)
        return path.read_bytes()

    return make


def judged(path: Path, content: bytes) -> Finding | None:
    """Why a file is cut short, or None."""
    path.write_bytes(content)
    try:
        return examine(Children(), path).damage
    except ImportFailure as failure:
        return Finding(failure.reason, failure.message)


@pytest.mark.parametrize("name", KINDS)
def test_a_whole_file_is_whole(made: Callable[[str], bytes], tmp_path: Path, name: str) -> None:
    assert judged(tmp_path / name, made(name)) is None


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("share", [0.45, 0.6, 0.8])
def test_a_cut_file_is_cut(made: Callable[[str], bytes], tmp_path: Path, name: str, share: float) -> None:
    content = made(name)
    found = judged(tmp_path / name, content[: int(len(content) * share) // 2 * 2 + 1])
    assert found is not None
    assert found.reason is Reason.SOURCE_TRUNCATED
    assert "cut short" in found.message


def patched(content: bytes, mark: bytes, distance: int, value: bytes) -> bytes:
    """``content`` with other bytes at ``distance`` after the first ``mark``."""
    place = content.index(mark) + distance
    return content[:place] + value + content[place + len(value) :]


def longer_mdat(content: bytes) -> bytes:
    size = int.from_bytes(content[content.index(b"mdat") - 4 :][:4], "big")
    return patched(content, b"mdat", -4, (size + 8).to_bytes(4, "big"))


def longer_segment(content: bytes) -> bytes:
    place = content.index(b"\x18\x53\x80\x67") + 4
    return content[:place] + (0x01 << 56 | len(content)).to_bytes(8, "big") + content[place + 8 :]


def longer_duration(content: bytes) -> bytes:
    """An hour more, in the element Duration of Matroska (a double)."""
    return patched(content, b"\x44\x89\x88", 3, b"\x41\x4b\x77\x40\x00\x00\x00\x00")


PROMISES: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "a duration in mvhd": ("faststart.mp4", lambda content: patched(content, b"mvhd", 20, b"\x08\x89\x00\x00")),
    "a duration in tkhd": ("faststart.mp4", lambda content: patched(content, b"tkhd", 24, b"\x08\x89\x00\x00")),
    "a duration in mdhd": ("faststart.mp4", lambda content: patched(content, b"mdhd", 20, b"\x08\x89\x00\x00")),
    "an edit that is too long": ("faststart.mp4", lambda content: patched(content, b"elst", 12, b"\x00\x89\x00\x00")),
    "a duration of fragments": ("fragments.mp4", lambda content: patched(content, b"mvhd", 20, b"\x08\x89\x00\x00")),
    "a media box": ("faststart.mp4", longer_mdat),
    "a duration in Matroska": ("plain.mkv", longer_duration),
    "a duration in WebM": ("plain.webm", longer_duration),
    "a segment": ("plain.mkv", longer_segment),
    "a duration in FLV": ("plain.flv", lambda content: patched(content, b"duration\x00", 9, b"\x40\xac\x20\x00")),
    "a size in FLV": ("plain.flv", lambda content: patched(content, b"filesize\x00", 9, b"\x41\x7c\x20\x00")),
    "pictures in AVI": ("plain.avi", lambda content: patched(content, b"vids", 32, b"\x00\x80\x00\x00")),
    "sound in AVI": ("plain.avi", lambda content: patched(content, b"auds", 32, b"\x00\x80\x00\x00")),
}  # fmt: skip


@pytest.mark.parametrize("promise", PROMISES)
def test_a_header_that_promises_more_is_no_evidence(made: Callable[[str], bytes], tmp_path: Path, promise: str) -> None:
    name, change = PROMISES[promise]
    content = change(made(name))
    assert content != made(name)
    assert judged(tmp_path / name, content) is None


def test_an_index_that_was_lost_is_no_lost_media(made: Callable[[str], bytes], tmp_path: Path) -> None:
    content = made("plain.mkv")
    assert judged(tmp_path / "v.mkv", content[: content.rindex(b"\x1c\x53\xbb\x6b") + 6]) is None


def test_media_that_is_missing_before_an_index_is_missed(made: Callable[[str], bytes], tmp_path: Path) -> None:
    """Cut at the start of its last cluster: nothing is half there, but the index would have come later."""
    content = made("plain.mkv")
    found = judged(tmp_path / "v.mkv", content[: content.rindex(b"\x1f\x43\xb6\x75")])
    assert found is not None
    assert "its index names content" in found.message
