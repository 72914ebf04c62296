"""Limits of content that is read into memory as a whole: web pages, API responses, manifests, captions and encryption
keys.

Each limit applies to decoded content, since a few kilobytes of gzip, brotli or zstd can expand to gigabytes. Media
files and segments are streamed to disk and have other limits (``limits.FetchLimits``).
"""

import itertools
import re
from collections.abc import Callable
from urllib.parse import urlsplit
from xml.parsers import expat

from videoimport.api.reasons import Reason
from videoimport.worker.fetch.limits import CHUNK
from videoimport.worker.runtime.errors import ImportFailure

MOST_BYTES = 32 * 2**20
"""Maximum number of bytes in one answer. The limit is above the largest answers of real sites.

An HLS playlist of 24 hours in 2-second segments with signed URLs has 22 MB. The feed of a podcast with all its years
has 20 MB. The web page of a video has 2 MB.
"""
MOST_TAGS = 1_000_000
"""Maximum number of tags in XML or HTML, including end tags. A parsed element takes 100 to 400 bytes."""
MOST_VALUES = 2_000_000
"""Maximum number of JSON values, estimated from commas and brackets. A parsed value takes up to 100 bytes on
average."""
MOST_SEGMENTS = 100_000
"""Maximum number of segments in an HLS playlist. A day in 2-second segments has 43,200. yt-dlp keeps 1 KB for each
segment."""
HEAD_BYTES = 4096
_REPEATED = re.compile(rb"<(?:[\w.-]{1,64}:)?(?:MPD|SmoothStreamingMedia)[\s>/]", re.IGNORECASE)
_REPEAT = re.compile(rb"""\sr\s*=\s*["']\s*\+?([\d_]{1,18})""")
"""The number of repetitions of a segment in a DASH or Smooth Streaming manifest. yt-dlp creates an entry for each
repetition."""
_BEGIN = re.compile(rb"[^\xef\xbb\xbf\xff\xfe\s\x00]")
"""The first character after a byte order mark and white space, which may be as long as the content."""
_SEGMENT = re.compile(rb"^[^#\s]", re.M)
_PIECE = 64 * 1024
_MOST_ENTITY = 16
"""Maximum number of characters in an XML entity's value."""
_ADVICE = "Give the address of the video itself, or of a smaller page or list."


def failure(found: str, url: str = "") -> ImportFailure:
    """Return a PAGE_TOO_LARGE failure. ``found`` completes the sentence "The response of <host> ..."."""
    host = urlsplit(url).hostname if url else None
    return ImportFailure(Reason.PAGE_TOO_LARGE, f"The response of {host or 'the source'} {found}.", advice=_ADVICE)


def read_whole(read: Callable[[int], bytes], url: str, head: bytes = b"") -> bytes:
    """Return ``head`` and all bytes that ``read`` returns. The total is checked against the limits of this module.

    ``read(n)`` returns at most n decoded bytes, and no bytes at the end. ``head`` contains the bytes that were read
    before.

    Raises ImportFailure PAGE_TOO_LARGE.
    """
    content = bytearray()
    while chunk := read(CHUNK):
        content += chunk
        if len(content) > MOST_BYTES:
            raise failure(f"has more than {MOST_BYTES // 2**20} MiB ({len(content)} bytes were read)", url)
    whole = bytes(content)
    if found := excess(head + whole):
        raise failure(found, url)
    return whole


def excess(content: bytes) -> str | None:
    """Return a phrase with the limit that the content exceeds. Return None if the content exceeds no limit. Content
    beyond such a limit takes too much memory to parse."""
    first = _BEGIN.search(content)
    start = content[first.start() : first.start() + 8] if first else b""
    if start.startswith(b"#EXTM3U") and _count_segments(content) > MOST_SEGMENTS:
        return f"is a playlist of more than {MOST_SEGMENTS} segments"
    if start.startswith((b"{", b"[")) and sum(map(content.count, (b",", b"[", b"{"))) > MOST_VALUES:
        return f"has more than {MOST_VALUES} JSON values"
    if (named := _count_repeats(content)) > MOST_SEGMENTS:
        return f"names {named} segments, more than {MOST_SEGMENTS}"
    if (tags := content.count(b"<")) > MOST_TAGS:
        return f"has {tags} tags, more than {MOST_TAGS}"
    if start.startswith(b"<") and _expands(content):
        return "is XML that declares entities, which can expand it to many times its size"
    return None


def _count_segments(content: bytes) -> int:
    return sum(1 for _ in itertools.islice(_SEGMENT.finditer(content), MOST_SEGMENTS + 1))


def _count_repeats(content: bytes) -> int:
    if not _REPEATED.search(content):
        return 0
    return sum(int(found[1].replace(b"_", b"") or 0) for found in _REPEAT.finditer(content))


class _LimitReached(Exception):  # noqa: N818 — control flow out of a C parser
    pass


def _expands(content: bytes) -> bool:
    """Return whether XML declares entities that make the document larger.

    expat lets entities expand a document to a hundred times its size. Only the part before the first element is parsed.
    Entities for single characters, as XHTML declares them, are allowed.
    """
    parser, found = expat.ParserCreate(), []

    def note(name: str, _: bool, value: str | None, *__: object) -> None:
        if value is not None and (len(value) > _MOST_ENTITY or "&" in value):
            found.append(name)
            raise _LimitReached

    def stop(*_: object) -> None:
        raise _LimitReached

    parser.EntityDeclHandler, parser.StartElementHandler = note, stop
    try:
        for start in range(0, len(content), _PIECE):
            parser.Parse(content[start : start + _PIECE])
    except (_LimitReached, expat.ExpatError, ValueError, LookupError):
        pass
    return bool(found)
