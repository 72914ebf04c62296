"""Atom feeds, which yt-dlp does not read, as it would tell of them. Pure.

XML of strangers: the parser opens nothing that a document names, and expat refuses entities that grow.
"""

from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree as Tree

from yt_dlp.utils import unified_timestamp

MOST_BYTES = 32 * 2**20
_ATOM = "{http://www.w3.org/2005/Atom}"
_YOUTUBE_ID = "{http://www.youtube.com/xml/schemas/2015}videoId"
_YOUTUBE = ("www.youtube.com", "youtube.com")


def playlist(content: bytes, url: str) -> dict[str, Any] | None:
    """A flat list of the feed's entries; None for what is no Atom feed."""
    try:
        feed = Tree.fromstring(content)  # noqa: S314 — see above
    except (Tree.ParseError, ValueError):
        return None
    if feed.tag != f"{_ATOM}feed":
        return None
    entries = [_entry(entry) for entry in feed.findall(f"{_ATOM}entry")]
    return {"_type": "playlist", "webpage_url": url, "entries": entries}


def _entry(entry: Tree.Element) -> dict[str, Any]:
    """What it encloses comes before the page that it is about, as in other feeds."""
    links = [link for link in entry.findall(f"{_ATOM}link") if link.get("href")]
    enclosed = [link for link in links if link.get("rel") == "enclosure"]
    media = [link for link in enclosed if (link.get("type") or "").startswith("video/")] or enclosed
    pages = [link for link in links if link.get("rel", "alternate") == "alternate"]
    url = next((link.get("href") for link in (*media, *pages)), None)
    date = entry.findtext(f"{_ATOM}published") or entry.findtext(f"{_ATOM}updated")
    told = {"_type": "url", "url": url, "title": entry.findtext(f"{_ATOM}title"), "timestamp": unified_timestamp(date)}
    name = entry.findtext(_YOUTUBE_ID)
    is_youtube = name and url and urlsplit(url).netloc in _YOUTUBE
    return {**told, "ie_key": "Youtube", "id": name} if is_youtube else told
