"""Checks that reject an item before any download, by the item's name and by its entry in a list.

An item is rejected by its name only if no video file has such a name. The first bytes of a file decide its container
format. The URL of a web page may have nearly any ending, such as intro-to-node.js. So only a few endings of a URL
reject an item.
"""

from collections.abc import Callable
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import unquote, urlsplit

from videoimport.api.quantity import bytes_of
from videoimport.api.reasons import Reason
from videoimport.api.requirements import Requirements

Objection = tuple[Reason, str]
_NO_VIDEO = {
    "a picture": "jpg jpeg png gif bmp tif tiff webp heic heif avif svg ico psd raw cr2 nef dng",
    "audio": "mp3 m4a m4b aac flac wav wma opus oga aif aiff mid midi amr",
    "a document": "pdf doc docx xls xlsx ppt pptx odt ods odp rtf epub mobi txt md csv tsv json jsonl yaml yml log tex",
    "an archive": "zip gz tgz bz2 xz zst 7z rar tar jar iso dmg",
    "a program": "exe msi apk deb rpm pkg sh bat py js css",
    "subtitles": "srt vtt ass ssa sub sbv ttml",
    "a checksum or signature": "md5 sha1 sha256 sha512 asc sig",
    "a half-finished download": "part crdownload ytdl",
}
_BY_EXTENSION = MappingProxyType({extension: what for what, all_ in _NO_VIDEO.items() for extension in all_.split()})
_FILES = (
    "jpg jpeg png gif bmp tif tiff webp heic heif avif svg mp3 m4a m4b aac flac wav wma oga aiff pdf docx xls xlsx ppt "
    "pptx odt ods odp epub zip gz tgz bz2 xz zst 7z rar srt vtt md5 sha1 sha256 sha512 crdownload ytdl"
)
_NO_PAGE = frozenset(_FILES.split())
"""Endings that the name of a web page has only if the page is about such a file."""


@dataclass(frozen=True, slots=True)
class _EntryFacts:
    requirements: Requirements
    size_bytes: int | None
    duration_ms: int | None
    width: int | None
    height: int | None

    @property
    def size(self) -> str:
        return f"{self.width}x{self.height}" if self.width and self.height else f"{self.height} pixels high"

    @property
    def short_side(self) -> int | None:
        """The displayed short side in pixels, or None without both sides.

        A height alone may be the long side of a portrait video. So a height only proves that a video is too low.
        """
        return min(self.width, self.height) if self.width and self.height else None


def cheap(
    url_or_key: str,
    *,
    is_named_by_site: bool = False,
    size_bytes: int | None = None,
    duration_ms: int | None = None,
    width: int | None = None,
    height: int | None = None,
    requirements: Requirements | None = None,
) -> Objection | None:
    """Return the reason to reject this item and a sentence for the user, or None if no reason is known.

    A value that is not known is None. ``width`` and ``height`` are the displayed size of the video in pixels.
    ``is_named_by_site`` means that a site lists the item as a video. In this case the ending of the URL is not
    checked.
    """
    if not is_named_by_site and (objection := _by_name(url_or_key)):
        return objection
    if requirements is None:
        return None
    known = _EntryFacts(requirements, size_bytes, duration_ms, width, height)
    return next((found for check in _CHECKS if (found := check(known))), None)


def _by_name(url_or_key: str) -> Objection | None:
    name = _file_name(url_or_key)
    extension = name.rpartition(".")[2].lower() if "." in name else ""
    what = _BY_EXTENSION.get(extension) if "://" not in url_or_key or extension in _NO_PAGE else None
    return (Reason.NOT_VIDEO, f"Its file name is the name of {what}. Give a video.") if what else None


def _file_name(url_or_key: str) -> str:
    """Return the last part of the path.

    A web page may show a video under the name of an image or audio file. The path of such a page does not end in a
    file, and the name is in the query.
    """
    path = url_or_key
    if "://" in url_or_key:
        try:
            path = unquote(urlsplit(url_or_key).path)
        except ValueError:
            return ""
    return path.rpartition("/")[2]


def _tall_enough(known: _EntryFacts) -> Objection | None:
    found, wanted = known.short_side or known.height, known.requirements.min_height
    if not found or found >= wanted:
        return None
    message = f"It is {known.size}; requirements.minHeight is {wanted}. Use a larger source, or lower minHeight."
    return Reason.UNSUPPORTED_RESOLUTION, message


def _low_enough(known: _EntryFacts) -> Objection | None:
    found, wanted = known.short_side, known.requirements.max_height
    if not found or found <= wanted:
        return None
    message = f"It is {known.size}; requirements.maxHeight is {wanted}. Use a smaller source, or raise maxHeight."
    return Reason.UNSUPPORTED_RESOLUTION, message


def _short_enough(known: _EntryFacts) -> Objection | None:
    found, wanted = known.duration_ms, known.requirements.max_duration_seconds
    if found is None or found <= wanted * 1000:
        return None
    message = f"It lasts {found / 1000:.1f} s; requirements.maxDurationSeconds is {wanted}."
    return Reason.UNSUPPORTED_DURATION, f"{message} Use a shorter source, or raise maxDurationSeconds."


def _small_enough(known: _EntryFacts) -> Objection | None:
    found, wanted = known.size_bytes, known.requirements.max_size
    if found is None or wanted is None or found <= bytes_of(wanted):
        return None
    message = f"It has {found} bytes; requirements.maxSize is {wanted}. Use a smaller source, or raise maxSize."
    return Reason.SOURCE_TOO_LARGE, message


_CHECKS: tuple[Callable[[_EntryFacts], Objection | None], ...] = (
    _tall_enough,
    _low_enough,
    _short_enough,
    _small_enough,
)
