"""Pages: yt-dlp finds the video and its native downloaders fetch it. Video and audio apart stay apart."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from yt_dlp import YoutubeDL
from yt_dlp.extractor import gen_extractor_classes
from yt_dlp.utils import YoutubeDLError

from videoimport.api.reasons import Reason
from videoimport.api.requirements import ContainerFormat
from videoimport.worker.errors import ImportFailure
from videoimport.worker.fetch import classify
from videoimport.worker.fetch.guard import Guard
from videoimport.worker.fetch.limits import Limits
from videoimport.worker.fetch.protocol import (
    Arrived,
    Fetched,
    File,
    Found,
    Growing,
    Hashed,
    Part,
    Request,
    Restarted,
    identity,
    sayable,
)  # fmt: skip
from videoimport.worker.fetch.teller import Telling
from videoimport.worker.logs import log

_SEGMENTED = ("m3u8", "m3u8_native", "http_dash_segments", "http_dash_segments_generator", "ism")
_LIVE = {"is_live": "is live now", "is_upcoming": "has not started", "post_live": "has just ended and is being made"}
_RETRIES = 3
_HASHED_BYTES = 16 * 2**20
"""At once, and then it is told."""
_MOST_BYTES = 2**63 - 1
"""No total beyond it is meant."""

MOST_SECONDS = 1_000_000_000
_CONTAINERS: dict[str, ContainerFormat] = {"mp4": "mp4", "m4a": "mp4", "mov": "mov", "mkv": "mkv", "webm": "webm"}
_WITHOUT_IDENTITY = ("Generic", "HTML5MediaEmbed")
"""Their ids are made from the address, so they say nothing of the bytes."""


def claims(url: str) -> bool:
    """Whether yt-dlp has an extractor made for this very site. Loads them all: about a second."""
    return any(ie.suitable(url) for ie in gen_extractor_classes() if ie.ie_key() != "Generic")


class _Log:
    """yt-dlp's words in our log; what it would say to a terminal is dropped."""

    def debug(self, message: str) -> None:
        """Dropped."""

    def info(self, message: str) -> None:
        """Dropped."""

    def warning(self, message: str) -> None:
        log().warning("yt-dlp", says=message)

    def error(self, message: str) -> None:
        log().warning("yt-dlp failed", says=message)


class Page:
    """One page. ``fetch`` is all there is to do with it; raises ImportFailure."""

    def __init__(self, request: Request, teller: Telling, found: Callable[[Found], None], guard: Guard) -> None:
        self._request, self._teller, self._tell_found, self._guard = request, teller, found, guard
        self._limits = Limits(room_bytes=request.room_bytes, max_bytes=request.max_bytes)
        self._tries = 0
        self._before = 0
        self._in_segments = False
        self._growing: Growing | None = None
        """What is told of the file that is fetched, once it has bytes."""
        self._is_told = False
        self._done = 0

    def fetch(self) -> Fetched:
        """Extract and download; a 403 gets one fresh extraction, since signed addresses run out."""
        try:
            return self._try()
        except YoutubeDLError as error:
            if classify.status_of(error) != 403:
                raise classify.failure(error, in_segments=self._in_segments) from error
        try:
            return self._try()
        except YoutubeDLError as error:
            raise classify.failure(error, in_segments=self._in_segments) from error

    def _try(self) -> Fetched:
        self._tries += 1
        self._before, self._in_segments = 0, False
        self._start_over()
        with YoutubeDL(self._options()) as ydl:
            info = _only_video(ydl.extract_info(self._request.url, download=False))
            _refuse_live(info)
            # Audio first: it is small, and with it there the video can be worked on while it grows.
            apart = sorted(info.get("requested_formats") or [info], key=lambda chosen: chosen.get("vcodec") != "none")
            self._limits.check(sum(_size(chosen) for chosen in apart))
            self._in_segments = any(chosen.get("protocol") in _SEGMENTED for chosen in apart)
            if self._tries == 1:
                self._tell_found(_found(info))
            files = [self._download(ydl, info, chosen, number) for number, chosen in enumerate(apart)]
        return Fetched(video=files[-1], audio=files[0] if len(files) > 1 else None, is_segmented=self._in_segments)

    def _download(self, ydl: YoutubeDL, info: dict[str, Any], chosen: dict[str, Any], number: int) -> File:
        part: Part = "audio" if chosen.get("vcodec") == "none" else "video"
        path = Path(self._request.folder) / f"page-{self._tries}-{number}.{part}"
        path.unlink(missing_ok=True)
        self._growing = Growing(
            part=part,
            path=str(path),
            size=_size(chosen) or None,
            container=_CONTAINERS.get(str(chosen.get("ext"))),
            is_segmented=self._in_segments,
        )
        self._is_told, self._done = False, 0
        one = {key: value for key, value in info.items() if key != "requested_formats"} | chosen
        ydl.dl(str(path), one)
        if not path.is_file() or path.stat().st_size == 0:
            raise ImportFailure(Reason.SOURCE_UNAVAILABLE, "yt-dlp ended without an error and without a file.")
        self._look(path)
        self._before += path.stat().st_size
        file = _hashed(path, self._teller)
        self._teller.tell(Arrived(part=part, file=file))
        return file

    def _look(self, path: Path) -> None:
        """Tell of a file once it has bytes."""
        if self._growing and not self._is_told and path.is_file() and path.stat().st_size:
            self._is_told = True
            self._teller.tell(self._growing)

    def _start_over(self) -> None:
        """What was told of a file is void."""
        if self._growing and self._is_told:
            self._is_told = False
            self._teller.tell(Restarted(part=self._growing.part))

    def _hook(self, event: dict[str, Any]) -> None:
        here = int(event.get("downloaded_bytes") or 0)
        if here < self._done:
            self._start_over()
        elif self._growing:
            self._look(Path(self._growing.path))
        self._done = here
        done = self._before + here
        total = self._total(event.get("total_bytes"))
        self._limits.check(max(done, total or 0))
        total = total or self._total(event.get("total_bytes_estimate"))
        self._teller.moved(done, max(done, total) if total else None)

    def _total(self, told: Any) -> int | None:
        """Bytes in all with those of the files before, or None for a number that means nothing."""
        if not isinstance(told, int | float) or not 0 < told <= _MOST_BYTES:
            return None
        total = self._before + int(told)
        return total if total <= _MOST_BYTES else None

    def _pause(self, n: int) -> float:
        """Seconds before the next try: half a second, doubled each time. What the guard refused is not tried again."""
        if self._guard.refused:
            raise ImportFailure(Reason.ADDRESS_FORBIDDEN, self._guard.refused)
        return 0.5 * 2.0**n

    def _options(self) -> dict[str, Any]:
        return {
            "quiet": True, "noprogress": True, "logger": _Log(), "color": "never",
            "progress_hooks": [self._hook],
            "retries": _RETRIES, "fragment_retries": _RETRIES, "extractor_retries": 3,
            "retry_sleep_functions": dict.fromkeys(("http", "fragment", "extractor"), self._pause),
            "socket_timeout": 20, "ignoreerrors": False, "skip_unavailable_fragments": False,
            "noplaylist": True, "playlist_items": "1:2", "extract_flat": "in_playlist",
            "format": "bv*+ba/b",
            "format_sort": [f"res:{self._request.max_height}", "vcodec:h264", "acodec:aac"],
            "external_downloader": {"default": "native"}, "hls_prefer_native": True, "fixup": "never",
            "nopart": True, "cachedir": False, "proxy": "", "js_runtimes": {"deno": {}}, "updatetime": False,
            "paths": {"home": self._request.folder, "temp": self._request.folder},
        }  # fmt: skip


def _only_video(info: dict[str, Any] | None) -> dict[str, Any]:
    if info is None:
        raise ImportFailure(Reason.UNSUPPORTED_SOURCE, "yt-dlp finds nothing at this address.")
    if info.get("_type", "video") == "video":
        return _with_own_name(info)
    entries = [entry for entry in info.get("entries") or [] if entry]
    if len(entries) == 1 and entries[0].get("_type", "video") == "video":
        return _with_own_name(dict(entries[0]))
    what = "is a list of videos" if entries else "has no video"
    raise ImportFailure(Reason.UNSUPPORTED_SOURCE, f"The page {what}; give the address of one video.")


def _with_own_name(info: dict[str, Any]) -> dict[str, Any]:
    """The page's own title and id: yt-dlp numbers those of a video tag, even of the only one."""
    if info.get("extractor_key") != "HTML5MediaEmbed":
        return info
    own = {"title": str(info.get("title", "")).removesuffix(" (1)"), "id": str(info.get("id", "")).removesuffix("-1")}
    return {**info, **own}


def _refuse_live(info: dict[str, Any]) -> None:
    status = info.get("live_status") or ("is_live" if info.get("is_live") else "")
    if status in _LIVE:
        message = f"The source {_LIVE[status]}; it is imported once its recording is there."
        raise ImportFailure(Reason.SOURCE_NOT_YET_AVAILABLE, message)


def _found(info: dict[str, Any]) -> Found:
    extractor = str(info.get("extractor_key") or "Generic")[:64]
    has_identity = bool(info.get("id")) and extractor not in _WITHOUT_IDENTITY
    return Found(
        type=extractor,
        identity=identity("page", extractor, str(info["id"])) if has_identity else None,
        source_id=_bounded(info.get("id"), 256),
        title=_bounded(info.get("title"), 512),
        duration_seconds=_seconds(info.get("duration")),
    )


def _size(chosen: dict[str, Any]) -> int:
    """Bytes of a format as the site tells them exactly, else 0."""
    told = chosen.get("filesize")
    return int(told) if isinstance(told, int | float) and 0 < told <= _MOST_BYTES else 0


def _seconds(told: Any) -> float | None:
    """A duration that a video can have, else None."""
    return float(told) if isinstance(told, int | float) and 0 < told < MOST_SECONDS else None


def _bounded(text: Any, limit: int) -> str | None:
    return sayable(str(text))[:limit] if text else None


def _hashed(path: Path, teller: Telling) -> File:
    digest, done = hashlib.sha256(), 0
    with path.open("rb") as file:
        while chunk := file.read(_HASHED_BYTES):
            digest.update(chunk)
            done += len(chunk)
            teller.tell(Hashed(done=done))
    return File(path=str(path), size=done, sha256=digest.hexdigest(), seekable=False)
