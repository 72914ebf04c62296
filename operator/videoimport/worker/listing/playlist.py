"""A playlist, a channel or a feed, read entry by entry from yt-dlp's flat lists. The entries of a nested list replace
the nested list.

yt-dlp can read most lists only from their start. Only lists with numbered pages can be read from another page. So
the cursor has a number and an identifier of the last entry. If earlier entries were removed from the list meanwhile,
reading continues after that entry.
"""

import hashlib
import itertools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from yt_dlp.utils import PagedList, UnsupportedError, YoutubeDLError

from videoimport.api.bulkimport_source import MAX_LISTED
from videoimport.api.reasons import Reason
from videoimport.worker.fetch import credentials as secrets
from videoimport.worker.fetch.context import Surroundings
from videoimport.worker.fetch.credentials import WebSecrets
from videoimport.worker.fetch.ytdlp import errors as classify
from videoimport.worker.fetch.ytdlp.client import Ydl
from videoimport.worker.listing import atom_feed as atom
from videoimport.worker.listing import feed_dates as dates
from videoimport.worker.listing import playlist_entries as flat
from videoimport.worker.listing.playlist_entries import Raw
from videoimport.worker.listing.process_messages import ListEntry, ListRequest
from videoimport.worker.runtime.errors import ImportFailure

OVERLAP = 100
"""Number of entries before the cursor that are read again. As many entries may have left the list meanwhile."""
MOST_DEPTH = 4
_NAMELESS = ""
_MOST_HOPS = 5
_SAMPLE = 20
"""Number of entries that are checked for dates. If the first entries have no dates, the whole list has none."""
_LISTS = ("YoutubeTab",)
"""Extractors of lists for which yt-dlp cannot decide whether a URL is a single video."""
_NESTED_FAULTS = (
    Reason.SOURCE_NOT_FOUND, Reason.UNSUPPORTED_SOURCE, Reason.SOURCE_AUTH_REQUIRED, Reason.GEO_BLOCKED,
    Reason.DRM_PROTECTED, Reason.SOURCE_NOT_YET_AVAILABLE, Reason.PAGE_TOO_LARGE,
)  # fmt: skip
"""Failures of a nested list that only affect one entry. Other failures end the whole list."""


@dataclass(frozen=True, slots=True)
class _PlaylistPosition:
    """A position in a list, which is the cursor."""

    number: int = 0
    """Number of entries before the position."""
    top: int | None = 0
    """The same number in the outermost list. The value is None if the list has nested lists."""
    name: str = ""
    """Identifier of the last entry."""

    @classmethod
    def parse(cls, text: str | None) -> "_PlaylistPosition":
        try:
            number, top, name = json.loads(text or '[0, 0, ""]')
            return cls(int(number), None if top is None else int(top), str(name))
        except (ValueError, TypeError):
            return cls()

    def __str__(self) -> str:
        return json.dumps([self.number, self.top, self.name])


@dataclass(frozen=True, slots=True)
class _Seen:
    raw: Raw | None
    page: str
    """URL of the list that contains the entry."""
    top: int | None


def entries(around: Surroundings, request: ListRequest) -> Iterator[ListEntry]:
    """Yield the entries after the request's cursor. Raises ImportFailure."""
    wish = request.source.playlist
    assert wish is not None  # noqa: S101
    secret = secrets.read_web(wish.url, around.request.secret, around.secret_folder)
    dates.use_for_feeds()
    with _ydl(around, secret, newest=wish.newest) as ydl:
        try:
            yield from PlaylistWalk(ydl, request).entries()
        except YoutubeDLError as error:
            raise secret.advised(classify.failure(error)) from None


def _ydl(around: Surroundings, secret: WebSecrets, *, newest: bool) -> Ydl:
    dates = {"extractor_args": {"youtubetab": {"approximate_date": [""]}}} if newest else {}
    return Ydl(around, secret, noplaylist=False, playlist_items=None, lazy_playlist=True, extract_flat=True, **dates)


class PlaylistWalk:
    """Reads a list once."""

    def __init__(self, ydl: Ydl, request: ListRequest) -> None:
        assert request.source.playlist is not None  # noqa: S101
        self._ydl, self._wish = ydl, request.source.playlist
        self._has_secret = request.fetch.secret is not None
        self._after = _PlaylistPosition.parse(request.cursor)
        self._lists: set[str] = set()
        self._is_nested = False

    def entries(self) -> Iterator[ListEntry]:
        """Yield the entries after the cursor. Raises ImportFailure or YoutubeDLError."""
        info = self._list()
        if not _is_list(info):
            if self._after.number == 0:
                yield self._single(info)
            return
        start, seen = self._from_near(info)
        held: list[tuple[int, _Seen]] = []
        for number, one in enumerate(seen, start):
            if number < self._after.number:
                held.append((number, one))
                continue
            yield from self._told(self._behind(held))
            held = []
            yield self._entry(number, one)
        yield from self._told(self._behind(held))

    def _list(self) -> Raw:
        try:
            return self._resolved(self._wish.url, None)
        except YoutubeDLError as error:
            cause = (getattr(error, "exc_info", None) or (None, error))[1]
            if not isinstance(cause, UnsupportedError) or (feed := self._atom()) is None:
                raise
            return feed

    def _atom(self) -> Raw | None:
        with self._ydl.urlopen(self._wish.url) as answer:
            return atom.playlist(answer.read(), answer.url)

    def _told(self, some: list[tuple[int, _Seen]]) -> Iterator[ListEntry]:
        return (self._entry(number, one) for number, one in some)

    def _behind(self, held: list[tuple[int, _Seen]]) -> list[tuple[int, _Seen]]:
        """Return the entries of ``held`` that come after the cursor's last entry. Usually there are none.

        ``held`` has the entries just before the cursor's number. If the last entry is not identified uniquely, all
        entries that still exist are returned, because it is unknown whether they were reported.
        """
        names = [_name(one.raw) for _, one in held]
        if self._after.name != _NAMELESS and names.count(self._after.name) == 1:
            return held[names.index(self._after.name) + 1 :]
        return [(number, one) for number, one in held if one.raw is not None]

    def _from_near(self, info: Raw) -> tuple[int, Iterator[_Seen]]:
        """Return the entries from ``OVERLAP`` entries before the cursor, and the number of the first of them."""
        near, top = max(0, self._after.number - OVERLAP), self._after.top
        if not self._wish.newest and top and top == self._after.number and isinstance(info["entries"], PagedList):
            return near, self._flattened(info, near)
        walked = self._flattened(info)
        walked = self._newest_first(walked) if self._wish.newest else walked
        return near, itertools.islice(walked, near, None)

    def _newest_first(self, walked: Iterator[_Seen]) -> Iterator[_Seen]:
        """Sort the entries by date, if the list has dates. The whole list is read for that."""
        sample = list(itertools.islice(walked, _SAMPLE))
        if all(flat.moment(one.raw) is None for one in sample):
            return itertools.chain(sample, walked)
        every = list(itertools.islice(itertools.chain(sample, walked), MAX_LISTED))
        dated = ((flat.moment(one.raw), one) for one in every)
        return (one for _, one in sorted(dated, key=lambda pair: (pair[0] is None, -(pair[0] or 0.0))))

    def _flattened(self, info: Raw, start: int = 0, depth: int = 0) -> Iterator[_Seen]:
        """Yield the entries of a list. The entries of nested lists replace the nested lists."""
        page = str(info.get("webpage_url") or self._wish.url)
        for top, raw in enumerate(_some(info["entries"], start), start):
            within = self._within(raw, depth)
            if within is None:
                yield _Seen(raw, page, None if depth or self._is_nested else top + 1)
            else:
                self._is_nested = True
                yield from within

    def _within(self, raw: Raw | None, depth: int) -> Iterator[_Seen] | None:
        """Return the entries of a nested list, or None if the entry is a video."""
        if raw is None:
            return None
        if _is_list(raw):
            return self._flattened(raw, depth=depth + 1) if depth < MOST_DEPTH else self._too_deep(raw)
        url, key = str(raw.get("url") or ""), raw.get("ie_key")
        if raw.get("_type") not in ("url", "url_transparent") or not self._leads_to_list(key, url):
            return None
        if url in self._lists:
            return iter(())
        if depth >= MOST_DEPTH:
            return self._too_deep(raw)
        self._lists.add(url)
        return self._nested(raw, url, key, depth)

    def _nested(self, raw: Raw, url: str, key: str | None, depth: int) -> Iterator[_Seen]:
        try:
            info = self._resolved(url, key)
            if _is_list(info):
                yield from self._flattened(info, depth=depth + 1)
            else:
                yield _Seen(raw, self._wish.url, None)
        except (YoutubeDLError, ImportFailure) as error:
            failure = error if isinstance(error, ImportFailure) else classify.failure(error)
            if failure.reason not in _NESTED_FAULTS:
                raise failure from error
            yield _Seen({**raw, "_fault": (failure.reason, failure.text)}, self._wish.url, None)

    def _too_deep(self, raw: Raw) -> Iterator[_Seen]:
        message = f"It is a list nested in more than {MOST_DEPTH} lists. Give its address as source.playlist.url."
        yield _Seen({**raw, "_fault": (Reason.UNSUPPORTED_SOURCE, message)}, self._wish.url, None)

    def _leads_to_list(self, key: str | None, url: str) -> bool:
        if not key:
            return False
        try:
            extractor = self._ydl.get_info_extractor(key)
        except KeyError:
            return False
        return key in _LISTS or extractor.is_single_video(url) is False

    def _resolved(self, url: str, key: str | None) -> Raw:
        """Return yt-dlp's result for a URL, after following its references."""
        for _ in range(_MOST_HOPS):
            info = self._ydl.extract_info(url, download=False, process=False, ie_key=key)
            if info is None:
                break
            if info.get("_type") not in ("url", "url_transparent"):
                return dict(info)
            url, key = str(info["url"]), info.get("ie_key")
        raise ImportFailure(Reason.UNSUPPORTED_SOURCE, "yt-dlp finds neither a list nor a video at this address.")

    def _single(self, info: Raw) -> ListEntry:
        """Return the entry for a web page with one video, which is a list of one entry. Its URL is the given URL."""
        own = {**info, "_type": "url", "url": self._wish.url, "ie_key": info.get("extractor_key")}
        return flat.entry(own, str(_PlaylistPosition(1, 1)), self._wish.url, has_secret=self._has_secret)

    def _entry(self, number: int, one: _Seen) -> ListEntry:
        cursor = str(_PlaylistPosition(number + 1, one.top, _name(one.raw)))
        told = flat.entry(one.raw, cursor, one.page, has_secret=self._has_secret)
        fault = (one.raw or {}).get("_fault")
        return told.model_copy(update={"reason": fault[0], "message": fault[1]}) if fault else told


def _is_list(info: Raw) -> bool:
    return info.get("_type") in ("playlist", "multi_video") and info.get("entries") is not None


def _some(entries: Any, start: int) -> Iterator[Raw | None]:
    if start and isinstance(entries, PagedList):
        return iter(entries._getslice(start, None))  # getslice would fetch the whole list at once
    every = entries._getslice(0, None) if isinstance(entries, PagedList) else entries
    return itertools.islice(iter(every), start, None)


def _name(raw: Raw | None) -> str:
    """Return the identifier that distinguishes an entry from its neighbours, or ``_NAMELESS``."""
    told = raw and (raw.get("url") or raw.get("id") or raw.get("title"))
    return hashlib.sha256(repr(told).encode("utf-8", "replace")).hexdigest()[:16] if told else _NAMELESS
