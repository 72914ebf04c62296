"""The files in a video's folder: their names, content types, public addresses and user metadata."""

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

VIDEO, RESULT = "video.mp4", "result.json"
THUMBNAILS, ORIGINAL = "thumbnails/", "original."
_NAMES = re.compile(
    r"video\.mp4|result\.json|audio\.(m4a|mp3)|original(-audio)?\.[^/]+|renditions/[^/]+\.mp4"
    r"|thumbnails/[^/]+|captions/[^/]+"
)
"""Names that the functions below return, and names of earlier versions of the importer."""
_TYPES = {
    "mp4": "video/mp4", "m4v": "video/x-m4v", "mov": "video/quicktime", "mkv": "video/x-matroska", "webm": "video/webm",
    "avi": "video/x-msvideo", "ts": "video/mp2t", "mpg": "video/mpeg", "mpeg": "video/mpeg", "flv": "video/x-flv",
    "wmv": "video/x-ms-wmv", "ogv": "video/ogg", "3gp": "video/3gpp", "mxf": "application/mxf",
    "m4a": "audio/mp4", "mp3": "audio/mpeg", "jpg": "image/jpeg", "jpeg": "image/jpeg", "png": "image/png",
    "webp": "image/webp", "vtt": "text/vtt", "srt": "application/x-subrip", "ttml": "application/ttml+xml",
    "json": "application/json",
}  # fmt: skip
METADATA = "videoimport-metadata"
MOST_METADATA_BYTES = 1536
"""Maximum number of bytes of the user's metadata. S3 allows 2 KB of user metadata in total, as ASCII; the importer's
marks need the other bytes."""


def audio(extension: str) -> str:
    """Return the name of the audio file. ``extension`` is m4a or mp3."""
    return f"audio.{extension}"


def rendition(name: str) -> str:
    """Return the name of a rendition's file. ``name`` is the rendition's name in the spec."""
    return f"renditions/{name}.mp4"


def thumbnail(number: int) -> str:
    """Return the file name of a thumbnail. The first thumbnail has the number 1."""
    return f"{THUMBNAILS}{number:03}.jpg"


def source_thumbnail(suffix: str) -> str:
    """Return the name of the thumbnail that the source offers. ``suffix`` includes the dot."""
    return f"{THUMBNAILS}source{suffix}"


def captions(language: str, suffix: str) -> str:
    """Return the name of a captions file. ``suffix`` includes the dot."""
    return f"captions/{language}{suffix}"


def original(extension: str) -> str:
    """Return the name of the original file. If the source has two files, it is the name of the original video."""
    return f"{ORIGINAL}{extension}"


def original_audio(extension: str) -> str:
    """Return the name of the original audio for a source that has two files."""
    return f"original-audio.{extension}"


def key(folder: str, name: str) -> str:
    """Return the object key of a file in a video's folder."""
    return f"{folder}/{name}"


def is_of(folder: str, key: str) -> bool:
    """Return whether the key can be a file that an import writes in this folder."""
    return key.startswith(folder + "/") and _NAMES.fullmatch(key.removeprefix(folder + "/")) is not None


def content_type(name: str) -> str:
    """Return the content type for a file name's extension."""
    return _TYPES.get(name.rpartition(".")[2].lower(), "application/octet-stream")


def url(base: str | None, key: str) -> str | None:
    """Return the public address of an object, or None if the destination has no ``publicBaseURL``."""
    return f"{base.rstrip('/')}/{quote(key, safe='/')}" if base else None


def user_metadata(wish: Mapping[str, Any] | None) -> dict[str, str]:
    """Return the user's metadata in the form of object metadata: percent-encoded JSON. The result is empty if the JSON
    is too long."""
    if not wish:
        return {}
    encoded = quote(json.dumps(wish, ensure_ascii=False, sort_keys=True, separators=(",", ":")), safe="{}[]:,")
    return {METADATA: encoded} if len(encoded) <= MOST_METADATA_BYTES else {}
