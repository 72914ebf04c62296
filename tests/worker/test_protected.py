"""Encrypted media and codecs that ffmpeg does not decode are told as what they are, not as damage."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from support.fake_source_site import FakeSourceSite, file, fixed
from support.worker.refusals import assert_refused
from support.worker.worker_harness import WorkerHarness
from videoimport.api.reasons import Reason

KEYS = ("-encryption_scheme", "cenc-aes-ctr", "-encryption_key", "76a6c65c5ea762046bd749a2e632ccbb",
        "-encryption_kid", "a7e61c373e219033c21091fa607bf3b8")  # fmt: skip
SHOWN = ("-f", "lavfi", "-i", "testsrc2=size=640x360:rate=25:duration=2")
SOUND = ("-f", "lavfi", "-i", "sine=duration=2")
H264 = ("-pix_fmt", "yuv420p", "-c:v", "libx264", "-preset", "ultrafast")


def clip(path: Path, *words: str) -> Path:
    subprocess.run(("ffmpeg", "-v", "error", "-y", *SHOWN, *SOUND, *H264, *words, path), check=True)
    return path


def renamed(path: Path, old: bytes, new: bytes) -> Path:
    """Another name of a codec in the sample entries."""
    path.write_bytes(path.read_bytes().replace(old, new))
    return path


def encrypted(folder: Path, *words: str) -> Path:
    return clip(folder / "v.mp4", "-c:a", "aac", *KEYS, *words)


def scrambled(folder: Path) -> Path:
    """A transport stream whose packets but for the tables say that they are scrambled, and are."""
    path = clip(folder / "v.ts", "-c:a", "aac")
    content = bytearray(path.read_bytes())
    for start in range(0, len(content), 188):
        if int.from_bytes(content[start + 1 : start + 3], "big") & 0x1FFF >= 0x100:
            content[start + 3] |= 0x80
            content[start + 20 : start + 188] = bytes(255 - each for each in content[start + 20 : start + 188])
    path.write_bytes(content)
    return path


def element(name: bytes, content: bytes) -> bytes:
    """One of EBML, its length in four bytes."""
    return name + (0x10000000 | len(content)).to_bytes(4, "big") + content


def opened(content: bytes, at: int) -> tuple[int, int]:
    """Where the content of the element begins whose length stands at ``at``, and where it ends."""
    width = 9 - content[at].bit_length()
    length = int.from_bytes(content[at : at + width], "big") & ((1 << 7 * width) - 1)
    return at + width, at + width + length


def matroska(folder: Path, key: bytes) -> Path:
    """With ContentEncryption (AES) in the description of the video."""
    path = clip(folder / "v.mkv", "-c:a", "aac", "-live", "1")
    content, tracks = path.read_bytes(), b"\x16\x54\xae\x6b"
    place = content.index(tracks, content.index(tracks) + 4)  # the first is where the table of contents names it
    start, end = opened(content, place + 4)
    entry, rest = opened(content, content.index(b"\xae\1\0\0", start) + 1)
    named = element(b"\x47\xe2", key) if key else b""
    encryption = element(b"\x50\x35", element(b"\x47\xe1", b"\5") + named)
    encodings = element(b"\x6d\x80", element(b"\x62\x40", element(b"\x50\x33", b"\1") + encryption))
    described = element(b"\xae", content[entry:rest] + encodings) + content[rest:end]
    path.write_bytes(content[:place] + element(tracks, described) + content[end:])
    return path


ENCRYPTED = {
    "Matroska": lambda folder: matroska(folder, b"0123456789abcdef"),
    "Matroska without the name of a key": lambda folder: matroska(folder, b""),
    "an MP4": lambda folder: encrypted(folder),
    "fragments": lambda folder: encrypted(folder, "-movflags", "+frag_keyframe+empty_moov"),
    "FairPlay": lambda folder: renamed(clip(folder / "v.mp4", "-c:a", "aac"), b"avc1", b"drmi"),
    "a transport stream": scrambled,
}


@pytest.mark.full(
    but=["Matroska-Auto", "an MP4-Encode", "fragments-Auto", "FairPlay-Encode", "a transport stream-Auto"]
)
@pytest.mark.parametrize("mode", ["Auto", "Encode"])
@pytest.mark.parametrize("name", ENCRYPTED)
def test_encrypted_media_are_protected(
    desk: WorkerHarness, site: FakeSourceSite, tmp_path: Path, name: str, mode: str
) -> None:
    path = ENCRYPTED[name](tmp_path)
    ended = desk.bring(site.add(f"/{path.name}", file(path)), output={"mode": mode})
    assert_refused(ended, desk, Reason.DRM_PROTECTED, "")


HLS = "application/vnd.apple.mpegurl"
WIDEVINE = 'METHOD=SAMPLE-AES-CTR,URI="key",KEYFORMAT="urn:uuid:edef8ba9-79d6-4ace-a3c8-27dcd51d21ed"'


@pytest.mark.full(but=['METHOD=SAMPLE-AES,URI="key"'])
@pytest.mark.parametrize("key", ['METHOD=SAMPLE-AES,URI="key"', WIDEVINE, 'URI="skd://key",METHOD=SAMPLE-AES'])
def test_playlists_of_encrypted_samples_are_protected(desk: WorkerHarness, site: FakeSourceSite, key: str) -> None:
    playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-KEY:{key}\n#EXTINF:2,\na.ts\n#EXT-X-ENDLIST\n"
    ended = desk.bring(site.add("/v.m3u8", fixed(playlist.encode(), HLS)))
    assert_refused(ended, desk, Reason.DRM_PROTECTED, "")


UNKNOWN = {
    "video": (("-c:a", "aac"), b"avc1", b"vvc1", "vvc1"),
    "audio": (("-c:a", "pcm_f32le"), b"fl32", b"fpcm", "fpcm"),
}


@pytest.mark.parametrize("kind", UNKNOWN)
def test_a_codec_that_cannot_be_decoded_is_named(
    desk: WorkerHarness, site: FakeSourceSite, tmp_path: Path, kind: str
) -> None:
    words, old, new, told = UNKNOWN[kind]
    path = renamed(clip(tmp_path / "v.mov", *words), old, new)
    ended = desk.bring(site.add("/v.mov", file(path)))
    assert_refused(ended, desk, Reason.UNSUPPORTED_FORMAT, f"{kind} codec is {told}")


@pytest.mark.full(but=["True-output0", "False-output1"])
@pytest.mark.parametrize("output", [{"mode": "Encode"}, {"mode": "Auto"}, {"mode": "Original"}])
@pytest.mark.parametrize("first", [True, False])
def test_an_extra_track_that_cannot_be_decoded_does_no_harm(
    desk: WorkerHarness, site: FakeSourceSite, tmp_path: Path, output: dict[str, Any], first: bool
) -> None:
    maps = ("-map", "0:v", "-map", "1:a", "-map", "1:a")
    codecs = ("pcm_f32le", "aac") if first else ("aac", "pcm_f32le")
    words = (*maps, "-c:a:0", codecs[0], "-c:a:1", codecs[1], "-disposition:a:0", "default", "-disposition:a:1", "0")
    path = renamed(clip(tmp_path / "v.mov", *words), b"fl32", b"fpcm")
    ended = desk.bring(site.add("/v.mov", file(path)), output=output)
    assert ended.code == 0, ended.everything
    assert ended.report.metadata.audio_codec == "aac"
