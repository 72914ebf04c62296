"""Pictures lose what is written beside their pixels, and show the same as before."""

import subprocess
import zlib
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from videoimport.media.transcode.image_metadata import stripped

SECRET = b"52.1234,13.4321"


@cache
def picture(kind: str, *options: str) -> bytes:
    shown = ("-f", "lavfi", "-i", "testsrc2=size=64x48:rate=1:duration=1", "-frames:v", "1")
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"p.{kind}"
        subprocess.run(("ffmpeg", "-v", "error", "-y", *shown, *options, path), check=True)
        return path.read_bytes()


def pixels(folder: Path, kind: str, *contents: bytes) -> list[bytes]:
    """The pixels of each picture, from one process: its start takes longer than to decode them."""
    words, outputs = ["ffmpeg", "-v", "error", "-y"], []
    for number, content in enumerate(contents):
        (folder / f"{number}.{kind}").write_bytes(content)
        words += ["-i", f"{folder}/{number}.{kind}"]
        outputs += ["-map", str(number), "-f", "rawvideo", "-pix_fmt", "rgba", f"{folder}/{number}.raw"]
    subprocess.run([*words, *outputs], check=True, capture_output=True)
    return [(folder / f"{number}.raw").read_bytes() for number in range(len(contents))]


def jpeg() -> bytes:
    plain = picture("jpg")

    def segment(marker: int, content: bytes) -> bytes:
        return bytes([0xFF, marker]) + (2 + len(content)).to_bytes(2, "big") + content

    secrets = segment(0xE1, b"Exif\0\0" + SECRET) + segment(0xED, b"Photoshop" + SECRET) + segment(0xFE, SECRET)
    filled = b"\xff\xff" + segment(0xE1, b"Exif\0\0" + SECRET)
    return plain[:2] + secrets + filled + segment(0xE2, b"MPF\0" + SECRET) + plain[2:] + b"ftyp a film" + SECRET


def png() -> bytes:
    plain = picture("png")

    def chunk(name: bytes, content: bytes) -> bytes:
        return len(content).to_bytes(4, "big") + name + content + zlib.crc32(name + content).to_bytes(4, "big")

    at = 8 + 25
    secrets = (
        chunk(b"eXIf", b"II*\0" + SECRET) + chunk(b"tEXt", b"Comment\0" + SECRET) + chunk(b"iTXt", b"XML" + SECRET)
    )
    return plain[:at] + secrets + plain[at:] + SECRET


def webp() -> bytes:
    plain = picture("webp", "-c:v", "libwebp", "-lossless", "1")
    head = (
        b"VP8X"
        + (10).to_bytes(4, "little")
        + bytes([0x0C, 0, 0, 0])
        + (63).to_bytes(3, "little")
        + (47).to_bytes(3, "little")
    )
    exif = b"EXIF" + len(SECRET).to_bytes(4, "little") + SECRET + b"\0"
    chunks = b"WEBP" + head + plain[12:] + exif
    return b"RIFF" + len(chunks).to_bytes(4, "little") + chunks


@pytest.mark.parametrize(("kind", "make"), [("jpg", jpeg), ("png", png), ("webp", webp)])
def test_nothing_but_the_picture_stays(tmp_path: Path, kind: str, make: object) -> None:
    private = make()  # type: ignore[operator]
    assert SECRET in private
    public = stripped(private)
    assert SECRET not in public
    shown, before = pixels(tmp_path, kind, public, private)
    assert len(shown) == 64 * 48 * 4
    assert shown == before
    assert stripped(public) == public


@pytest.mark.parametrize("make", [jpeg, png, webp])
def test_whatever_breaks_off_does_no_harm(make: object) -> None:
    content = make()  # type: ignore[operator]
    for length in range(0, len(content), 7):
        assert len(stripped(content[:length])) <= length + 12


def test_progressive_scans_and_profiles_stay() -> None:
    profile = b"\xff\xe2\x00\x10ICC_PROFILE\x00\x01\x01"
    scans = b"\xff\xda\x00\x04\x01\x02ab\xff\x00c\xff\xd0d\xff\xc4\x00\x03x\xff\xda\x00\x04\x01\x02ef"
    content = b"\xff\xd8" + profile + scans + b"\xff\xd9"
    assert stripped(content + SECRET) == content
