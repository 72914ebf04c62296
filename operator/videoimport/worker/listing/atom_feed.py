"""Parser for Atom feeds. yt-dlp does not read Atom feeds. The result of the parser has the form of yt-dlp's results.
Pure functions.

The XML is untrusted. The parser opens no file or URL that a document names, and ``fetch.document_limits`` has refused
entities.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Any, cast
from urllib.parse import SplitResult, parse_qs, urlsplit
from xml.etree import ElementTree as Tree

from videoimport.api.bulkimport_source import MAX_LISTED
from videoimport.worker.listing import feed_dates as dates

_MOST_ELEMENTS = 10_000
"""Maximum number of elements in one entry."""
_CHUNK, _MOST_SILENT = 64 * 1024, 2**20
_ATOM = "{http://www.w3.org/2005/Atom}"
_FEED, _ENTRY = f"{_ATOM}feed", f"{_ATOM}entry"
_YOUTUBE_ID = "{http://www.youtube.com/xml/schemas/2015}videoId"
_YOUTUBE = ("www.youtube.com", "youtube.com")


def playlist(content: bytes, url: str) -> dict[str, Any] | None:
    """Return the entries of a feed as a flat list, or None if ``content`` is not an Atom feed."""
    try:
        entries = list(islice(_entries(content), MAX_LISTED + 1))  # one more entry proves that the list is longer
    except (Tree.ParseError, ValueError, LookupError):  # LookupError: the encoding is unknown
        return None
    return {"_type": "playlist", "webpage_url": url, "entries": entries}


def _entries(content: bytes) -> Iterator[dict[str, Any]]:
    """Yield the entries one by one, and free each after use. Raises ValueError if ``content`` is not an Atom feed."""
    depth = elements = 0
    feed: Tree.Element | None = None
    for event, element in _events(content):
        if event == "start":
            feed = element if feed is None else feed
            depth, elements = depth + 1, elements + 1
            if feed.tag != _FEED or elements > _MOST_ELEMENTS:
                raise ValueError("not an Atom feed, or a feed with too many elements in one entry")
            continue
        depth -= 1
        if depth == 1 and feed is not None:
            elements = 0
            if element.tag == _ENTRY:
                yield _entry(element)
            feed.clear()


def _events(content: bytes) -> Iterator[tuple[str, Tree.Element]]:
    """Yield the start and end of each element.

    Raises ValueError if ``_MOST_SILENT`` bytes contain no complete tag. A tag may have a million attributes, which take
    hundreds of MiB.
    """
    parser: Tree.XMLPullParser[Any] = Tree.XMLPullParser(("start", "end"))
    silent = 0
    for start in range(0, len(content) + 1, _CHUNK):
        parser.feed(content[start : start + _CHUNK])
        if start + _CHUNK > len(content):
            parser.close()
        silent += _CHUNK
        for told in cast("Iterator[tuple[str, Tree.Element]]", parser.read_events()):
            silent = 0
            yield told
        if silent > _MOST_SILENT:
            raise ValueError("a tag is larger than the parser's limit")


def _entry(entry: Tree.Element) -> dict[str, Any]:
    """Return an entry in yt-dlp's form. The URL of its media has priority over the URL of its web page, as in other
    feeds."""
    links = [link for link in entry.findall(f"{_ATOM}link") if link.get("href")]
    enclosed = [link for link in links if link.get("rel") == "enclosure"]
    media = [link for link in enclosed if (link.get("type") or "").startswith("video/")] or enclosed
    pages = [link for link in links if link.get("rel", "alternate") == "alternate"]
    url = next((link.get("href") for link in (*media, *pages)), None)
    date = entry.findtext(f"{_ATOM}published") or entry.findtext(f"{_ATOM}updated")
    told = {"_type": "url", "url": url, "title": entry.findtext(f"{_ATOM}title"), "timestamp": dates.timestamp(date)}
    name = entry.findtext(_YOUTUBE_ID)
    is_its = name and url and name in _named(urlsplit(url))
    return {**told, "ie_key": "Youtube", "id": name} if is_its else told


def _named(address: SplitResult) -> list[str]:
    """Return the video id in a YouTube URL, as a list of at most one.

    The id in a feed may be wrong, and the import uses the URL. So the id is only used if the URL has the same id.
    """
    if address.netloc not in _YOUTUBE:
        return []
    if address.path == "/watch":
        named = parse_qs(address.query).get("v", [])
        return named if len(named) == 1 else []
    folder, _, name = address.path.removeprefix("/").partition("/")
    return [name] if folder in ("shorts", "live", "embed") else []
