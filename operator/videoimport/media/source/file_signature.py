"""Detection of a file's type from its first bytes.

File names and Content-Type headers are only hints and may be wrong.
"""

import re
from enum import Enum

from videoimport.api.container_formats import ContainerFormat

ENOUGH = 4096
"""Number of bytes from the start of a file that are enough for every function in this module."""

_EBML = b"\x1a\x45\xdf\xa3"
_PICTURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a", b"BM", b"II*\x00", b"MM\x00*")
_OTHER_MEDIA = (b"FLV\x01", b"OggS", b"\x30\x26\xb2\x75", b"\x00\x00\x01\xba", b"\x00\x00\x01\xb3")
_SOUND = (b"ID3", b"fLaC", b"\xff\xfb", b"\xff\xf3", b"\xff\xf1", b"\xff\xf9", b"#!AMR")
_BOXES = (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"pnot")
_PICTURE_BRANDS = (b"avif", b"avis", b"heic", b"heix", b"mif1", b"msf1")
_COMMENTS = rb"(?:<!--(?:[^-]|-(?!->))*-->\s*)*"
"""Pattern of HTML comments. A comment ends at the first ``-->``.

If the pattern let a comment end later, many comments would take exponential time.
"""
_PAGE = re.compile(
    rb"\s*" + _COMMENTS + rb"<(!doctype\s+html|html|head|body|title|script|meta|div|video)\b", re.I | re.S
)
_MANIFEST = re.compile(rb"\s*(<\?xml[^>]*>\s*)?" + _COMMENTS + rb"<MPD\b", re.S)
_BOM = b"\xef\xbb\xbf"
_WIDE = (b"\xff\xfe", b"\xfe\xff")
"""Byte order marks of UTF-16 and UTF-32. Text in these encodings contains many zero bytes."""
_BINARY = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]")
"""Pattern of bytes that never occur in text (MIME Sniffing Standard, "binary data byte")."""
_PACKETS = (188, 192, 204)
"""Bytes from one packet of a transport stream to the next packet.

A plain packet has 188 bytes, a packet with a time code (Blu-ray, AVCHD) 192, and a packet with parity 204.
"""
_SYNCS = 5
"""Maximum number of packets that are checked. Three packets are enough if there are no more bytes."""
_PAGE_TYPES = ("text/html", "application/xhtml+xml")
_PLAYLIST_TYPES = (
    "application/vnd.apple.mpegurl",
    "application/x-mpegurl",
    "audio/mpegurl",
    "audio/x-mpegurl",
    "video/mpegurl",
    "video/x-mpegurl",
    "application/dash+xml",
    "video/vnd.mpeg.dash.mpd",
)


class FileKind(Enum):
    """The kind of content that a server sent. The kind determines how the worker handles the content."""

    FILE = "file"
    """A file that is fetched unchanged. ffprobe detects its type."""
    PAGE = "page"
    PLAYLIST = "playlist"
    """An HLS or DASH playlist."""
    DISGUISED = "disguised"
    """A playlist that a server sends as a media file.

    Its author expects a video player to open the playlist's entries.
    """
    PICTURE = "picture"
    TEXT = "text"
    """Text, an archive or a document, which certainly contains no video."""


def kind(head: bytes, content_type: str) -> FileKind:
    """Return the kind of content that a server sent. The bytes have priority over the Content-Type.

    The Content-Type is used only if the bytes are not conclusive. Many servers send text/plain or text/html for
    every file name extension that they do not know. So binary data with these types is treated as a file.
    """
    declared = content_type.partition(";")[0].strip().lower()
    text = head.removeprefix(_BOM)
    if text.startswith(b"#EXTM3U") or _MANIFEST.match(text):
        is_disguised = declared not in _PLAYLIST_TYPES and declared.startswith("video/")
        return FileKind.DISGUISED if is_disguised else FileKind.PLAYLIST
    if _is_media(head):
        return FileKind.FILE
    if _is_picture(head):
        return FileKind.PICTURE
    if _PAGE.match(text):
        return FileKind.PAGE
    if head.startswith((b"%PDF", b"PK\x03\x04")):
        return FileKind.TEXT
    return _by_type(declared, is_binary=_is_binary(head))


def _by_type(declared: str, *, is_binary: bool) -> FileKind:
    if declared.startswith("image/"):
        return FileKind.PICTURE
    if is_binary:
        return FileKind.FILE
    if declared in _PAGE_TYPES:
        return FileKind.PAGE
    if declared in _PLAYLIST_TYPES:
        return FileKind.PLAYLIST
    return FileKind.TEXT if declared.startswith(("text/", "application/json")) else FileKind.FILE


def _is_binary(head: bytes) -> bool:
    return _BINARY.search(head) is not None and not head.startswith(_WIDE)


def is_manifest(head: bytes) -> bool:
    """Return whether a file is a playlist. The file name has no effect.

    The worker must never give a playlist to a video player.
    """
    return kind(head, "video/mp4") is FileKind.DISGUISED


def container(head: bytes) -> ContainerFormat | None:
    """Return the container format if the first bytes identify the format more exactly than ffprobe's demuxer. Return
    None otherwise.

    ffprobe has one demuxer for mov and mp4, and one demuxer for mkv and webm. A file is mov if its brand is ``qt  ``.
    An old QuickTime file without a brand is also mov. A file is webm if its EBML DocType is webm.
    """
    if head.startswith(_EBML):
        return _doctype(head)
    if head[4:8] == b"ftyp":
        return "mov" if head[8:12] == b"qt  " else "mp4"
    if head[4:8] in _BOXES:
        return "mov"
    return None


def _doctype(head: bytes) -> ContainerFormat | None:
    # EBML element 0x4282 (DocType), then its size in one byte with the marker bit 0x80.
    found = re.search(rb"\x42\x82[\x80-\x9f]([a-z]+)", head[:256])
    return {b"webm": "webm", b"matroska": "mkv"}.get(found[1]) if found else None  # type: ignore[return-value]


def _is_media(head: bytes) -> bool:
    if head[4:8] == b"ftyp":
        return head[8:12] not in _PICTURE_BRANDS
    return (
        head[4:8] in _BOXES
        or head.startswith((_EBML, *_OTHER_MEDIA, *_SOUND))
        or (head[:4] == b"RIFF" and head[8:12] in (b"AVI ", b"WAVE"))
        or _is_transport_stream(head)
        or _is_raw_dv(head)
    )


def _is_transport_stream(head: bytes) -> bool:
    """Return whether transport stream packets follow each other. The first packet may be incomplete in a recording."""
    return any(
        len(head) > first + 2 * size and not head[first::size][:_SYNCS].strip(b"G")
        for size in _PACKETS
        for first in range(size)
    )


def _is_raw_dv(head: bytes) -> bool:
    """Return whether a file begins with a header block and a subcode block (SMPTE 314M). Raw DV has no magic number."""
    return len(head) > 80 and head[:3] == b"\x1f\x07\x00" and head[3] & 0x7F == 0x3F and head[80] >> 5 == 1


def _is_picture(head: bytes) -> bool:
    return head.startswith(_PICTURES) or (head[4:8] == b"ftyp") or (head[:4] == b"RIFF" and head[8:12] == b"WEBP")
