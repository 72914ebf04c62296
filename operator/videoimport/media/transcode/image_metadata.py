"""Removal of metadata from images: EXIF, XMP, IPTC, comments and appended files.

Colour profiles, sizes and transparency stay. The formats are JPEG (ITU-T T.81 B.1), PNG (ISO/IEC 15948 5.3) and WebP
(RFC 9649).
"""

from collections.abc import Iterator

_PNG = b"\x89PNG\r\n\x1a\n"
_PNG_TEXT = (b"eXIf", b"tEXt", b"zTXt", b"iTXt", b"tIME")
_WEBP_TEXT = (b"EXIF", b"XMP ")
_EXIF_OR_XMP = 0x08 | 0x04
"""Flags of a WebP's VP8X chunk."""
_JPEG_KEPT_APPS = (0xE0, 0xE2, 0xEE)
"""JPEG application segments that stay: JFIF, colour profiles and Adobe's transform.

Without these segments, an image has other colours.
"""
_COMMENT, _SCAN, _END = 0xFE, 0xDA, 0xD9
_PROFILE = b"ICC_PROFILE\0"


def stripped(content: bytes) -> bytes:
    """Return the image without metadata. Other image formats are returned unchanged.

    For an incomplete image, the function returns the segments that it can parse.
    """
    if content.startswith(b"\xff\xd8"):
        return b"\xff\xd8" + b"".join(_jpeg_parts(content))
    if content.startswith(_PNG):
        return _PNG + b"".join(_png_chunks(content))
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        chunks = b"".join(_webp_chunks(content))
        return b"RIFF" + (4 + len(chunks)).to_bytes(4, "little") + b"WEBP" + chunks
    return content


def _jpeg_parts(content: bytes) -> Iterator[bytes]:
    """Yield segments and scans up to the end of the image. Phones append videos after the end."""
    at = 2
    while at + 4 <= len(content) and content[at] == 0xFF:
        marker = content[at + 1]
        if marker == 0xFF:  # a fill byte (T.81, B.1.1.2)
            at += 1
            continue
        if marker == _END:
            yield content[at : at + 2]
            return
        end = at + 2 + int.from_bytes(content[at + 2 : at + 4], "big")
        if marker == _SCAN:
            end = _scan_end(content, end)
        if _is_kept(marker, content[at + 4 : end]):
            yield content[at:end]
        at = end
    yield b"\xff\xd9"


def _is_kept(marker: int, segment: bytes) -> bool:
    if marker == 0xE2:
        return segment.startswith(_PROFILE)
    return marker != _COMMENT and (not 0xE0 <= marker <= 0xEF or marker in _JPEG_KEPT_APPS)


def _scan_end(content: bytes, start: int) -> int:
    """Return the offset of the next marker.

    In a scan, 0xFF occurs only before 0 and before restart markers (0xD0 to 0xD7).
    """
    at = content.find(b"\xff", start)
    while at >= 0 and at + 1 < len(content) and (content[at + 1] == 0 or 0xD0 <= content[at + 1] <= 0xD7):
        at = content.find(b"\xff", at + 2)
    return at if at >= 0 else len(content)


def _png_chunks(content: bytes) -> Iterator[bytes]:
    at = len(_PNG)
    while at + 12 <= len(content):
        name, end = content[at + 4 : at + 8], at + 12 + int.from_bytes(content[at : at + 4], "big")
        if name not in _PNG_TEXT:
            yield content[at:end]
        if name == b"IEND":
            return
        at = end


def _webp_chunks(content: bytes) -> Iterator[bytes]:
    at, whole = 12, min(len(content), 8 + int.from_bytes(content[4:8], "little"))
    while at + 8 <= whole:
        name, length = content[at : at + 4], int.from_bytes(content[at + 4 : at + 8], "little")
        chunk = content[at : at + 8 + length + length % 2]
        if name == b"VP8X" and length:
            chunk = chunk[:8] + bytes([chunk[8] & ~_EXIF_OR_XMP]) + chunk[9:]
        if name not in _WEBP_TEXT:
            yield chunk
        at += len(chunk)
