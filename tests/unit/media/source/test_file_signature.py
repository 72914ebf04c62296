"""What bytes are, whatever they are called."""

import pytest

from support.every_case import every_case
from videoimport.media.source.file_signature import FileKind, container, is_manifest, kind

MP4 = b"\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom"
MKV = b"\x1a\x45\xdf\xa3\xa3\x42\x86\x81\x01\x42\xf7\x81\x01\x42\xf2\x81\x04\x42\xf3\x81\x08\x42\x82\x88matroska"
WEBM = b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\xf7\x81\x01\x42\xf2\x81\x04\x42\xf3\x81\x08\x42\x82\x84webm"
DV = b"\x1f\x07\x00\xbf" + b"\xff" * 76 + b"\x3f\x07\x00" + b"\xff" * 77
TS = (b"\x47" + b"\x00" * 187) * 3
BLU_RAY = (bytes(4) + b"\x47" + b"\xff" * 187) * 8
CUT = TS[50:188] + TS * 4
"""A recording that begins within a packet."""
MXF = b"\x06\x0e+4\x02\x05\x01\x01\r\x01\x02\x01\x01\x02\x04\x00"
"""A container that only ffprobe knows."""


@every_case(
    ("head", "declared", "expected"),
    [
        (MP4, "text/html", FileKind.FILE),
        (MKV, "", FileKind.FILE),
        (TS, "application/octet-stream", FileKind.FILE),
        (DV, "text/plain", FileKind.FILE),
        (b"RIFF\x00\x00\x00\x00AVI LIST", "", FileKind.FILE),
        (b"\x00\x00\x00\x08wide\x00\x00\x00\x00mdat", "", FileKind.FILE),
        (b"ID3\x04", "audio/mpeg", FileKind.FILE),
        (b"whatever", "application/octet-stream", FileKind.FILE),
        (b"", "video/mp4", FileKind.FILE),
        (b"\n <!DOCTYPE HTML><html>", "application/octet-stream", FileKind.PAGE),
        (b"<!-- hi --><html lang=en>", "", FileKind.PAGE),
        (b"just words", "text/html; charset=utf-8", FileKind.PAGE),
        (b"#EXTM3U\n#EXT-X-VERSION:3", "text/plain", FileKind.PLAYLIST),
        (b"\xef\xbb\xbf#EXTM3U", "", FileKind.PLAYLIST),
        (b'<?xml version="1.0"?>\n<MPD xmlns="urn:mpeg:dash">', "", FileKind.PLAYLIST),
        (b"", "application/vnd.apple.mpegurl", FileKind.PLAYLIST),
        (b"#EXTM3U\n", "video/mpegurl", FileKind.PLAYLIST),
        (b"#EXTM3U\n", "Video/X-MpegURL; charset=utf-8", FileKind.PLAYLIST),
        (b"<MPD>", "video/vnd.mpeg.dash.mpd", FileKind.PLAYLIST),
        (b"", "video/x-mpegurl", FileKind.PLAYLIST),
        (MP4, "video/mpegurl", FileKind.FILE),
        (b"#EXTM3U\n/etc/passwd", "video/mp4", FileKind.DISGUISED),
        (b"\x89PNG\r\n\x1a\n", "video/mp4", FileKind.PICTURE),
        (b"\x00\x00\x00\x1cftypavif", "", FileKind.PICTURE),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "", FileKind.PICTURE),
        (b"%PDF-1.7", "application/pdf", FileKind.TEXT),
        (b"hello", "text/plain", FileKind.TEXT),
        *((TS, declared, FileKind.FILE) for declared in ("text/plain", "text/html", "image/jpeg", "application/json")),
        *((BLU_RAY, declared, FileKind.FILE) for declared in ("text/plain", "image/png")),
        *((CUT, declared, FileKind.FILE) for declared in ("text/plain", "text/vnd.trolltech.linguist", "image/gif")),
        *((MXF, declared, FileKind.FILE) for declared in ("text/plain", "text/html", "audio/x-mpegurl", "")),
        (MXF, "image/x-unknown", FileKind.PICTURE),
        (b"\xef\xbb\xbf<!doctype html><html>", "video/mp4", FileKind.PAGE),
        (b"\xef\xbb\xbf<MPD>", "", FileKind.PLAYLIST),
        ("just wörds".encode("utf-16"), "text/html", FileKind.PAGE),
        ("just wörds".encode("utf-16"), "text/plain", FileKind.TEXT),
        ("just wörds\x1b[0m\r\n\f".encode("latin-1"), "text/plain", FileKind.TEXT),
        (b"", "text/plain", FileKind.TEXT),
        (b"PK\x03\x04\x14\x00", "text/plain", FileKind.TEXT),
    ],
)
def test_bytes_win_over_the_declared_type(head: bytes, declared: str, expected: FileKind) -> None:
    assert kind(head, declared) is expected


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (MP4, "mp4"),
        (b"\x00\x00\x00\x14ftypqt  ", "mov"),
        (b"\x00\x00\x00\x08wide\x00\x00\x00\x00mdat", "mov"),
        (MKV, "mkv"),
        (WEBM, "webm"),
        (TS, None),
        (b"RIFF\x00\x00\x00\x00AVI ", None),
        (b"", None),
    ],
)
def test_containers_are_told_by_brand_and_doctype(head: bytes, expected: str | None) -> None:
    assert container(head) == expected


def test_a_fetched_playlist_is_seen_whatever_its_name() -> None:
    assert is_manifest(b"#EXTM3U\n")
    assert not is_manifest(MP4)


@pytest.mark.parametrize("comment", [b"<!---->", b"<!-- a -->\n", b"<!--->-->"])
@pytest.mark.parametrize(("end", "wanted"), [(b"x", FileKind.FILE), (b"<html>", FileKind.PAGE)])
def test_many_comments_take_no_longer_than_others(comment: bytes, end: bytes, wanted: FileKind) -> None:
    """Four hundred would take longer than the universe has existed where a comment might end at a later mark."""
    assert kind(comment * (4000 // len(comment)) + end, "video/mp4") is wanted
