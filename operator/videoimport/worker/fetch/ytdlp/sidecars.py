"""Additional files of a web page: chapters, captions and a thumbnail. These files are optional. If a file cannot be
fetched, the worker only logs the failure."""

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from yt_dlp.utils import YoutubeDLError

from videoimport.media.source import file_signature as sniff
from videoimport.worker.fetch.context import Surroundings
from videoimport.worker.fetch.http.client import Browser
from videoimport.worker.fetch.http.response import Interrupted
from videoimport.worker.fetch.process_messages import Caption, Chapter, Extras
from videoimport.worker.fetch.ytdlp.client import Ydl
from videoimport.worker.fetch.ytdlp.info import bounded
from videoimport.worker.runtime.errors import ImportFailure
from videoimport.worker.runtime.logging import log

MOST_CHAPTERS = 500
MOST_CAPTIONS = 16
MOST_CAPTION_BYTES = 4 * 2**20
MOST_THUMBNAIL_BYTES = 8 * 2**20
_LONGEST_SECONDS = 60.0
"""Maximum number of seconds for all additional files. The video is complete, and the import waits."""
_CAPTION_FORMATS = ("vtt", "srt", "ttml", "ass")
_PICTURES = ((b"\xff\xd8\xff", "jpg"), (b"\x89PNG", "png"), (b"RIFF", "webp"))
_TEXT_PROTOCOLS = ("m3u8", "m3u8_native")
_MOST_TITLE = 256
_MOST_SECONDS = 1_000_000_000


def fetched(ydl: Ydl, info: dict[str, Any], browser: Browser, around: Surroundings) -> Extras:
    """Fetch all additional files, within limits of size, number and time."""
    until = time.monotonic() + _LONGEST_SECONDS
    getter = _Getter(ydl, browser, around, until)
    captions: list[Caption] = []
    for language, chosen in _chosen(info.get("subtitles")):
        path = around.folder / f"caption-{len(captions)}-{language}.{chosen['ext']}"
        if getter.try_to(f"captions in {language}", lambda p=path, c=chosen: getter.caption(c, p)):  # type: ignore[misc]
            captions.append(Caption(language=language, path=str(path)))
    picture = next(iter(_thumbnails(info)), None)
    thumbnail: list[Path] = []
    if picture:
        getter.try_to("the thumbnail", lambda: thumbnail.append(getter.thumbnail(picture)))
    return Extras(
        chapters=tuple(chapters(info.get("chapters"))),
        captions=tuple(captions),
        thumbnail=str(thumbnail[0]) if thumbnail else None,
    )


def chapters(told: Any) -> Iterator[Chapter]:
    """Yield the valid chapters, at most ``MOST_CHAPTERS``."""
    for one in told[:MOST_CHAPTERS] if isinstance(told, list) else ():
        start, end = (_moment(one, name) for name in ("start_time", "end_time"))
        if start is not None and end is not None and start < end:
            yield Chapter(start_ms=start, end_ms=end, title=bounded(one.get("title"), _MOST_TITLE) or "")


def _moment(one: Any, name: str) -> int | None:
    """Return a time in the video in milliseconds, or None if it is missing or invalid."""
    told = one.get(name) if isinstance(one, dict) else None
    return round(told * 1000) if isinstance(told, int | float) and 0 <= told < _MOST_SECONDS else None


def _chosen(told: Any) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield one caption format for each language, for at most ``MOST_CAPTIONS`` languages. ``told`` contains no
    automatic captions."""
    languages = told if isinstance(told, dict) else {}
    taken: set[str] = set()
    for language, formats in languages.items():
        usable = [one for one in formats or () if _is_usable(one)]
        name = re.sub(r"[^A-Za-z0-9-]+", "-", str(language)).strip("-")[:35]
        if usable and name and len(taken) < MOST_CAPTIONS:
            name = _unlike(name, taken)
            taken.add(name.lower())
            yield name, min(usable, key=lambda one: _CAPTION_FORMATS.index(one["ext"]))


def _unlike(name: str, taken: set[str]) -> str:
    """Return the name, with a number if another language has the same name. Case is ignored, as on some volumes."""
    numbered = (f"{name}-{number}" for number in range(2, MOST_CAPTIONS + 2))
    return next(one for one in (name, *numbered) if one.lower() not in taken)


def _is_usable(one: Any) -> bool:
    return isinstance(one, dict) and one.get("ext") in _CAPTION_FORMATS and ("url" in one or "data" in one)


def _thumbnails(info: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield the thumbnails, the best first. yt-dlp lists the best last."""
    told = info.get("thumbnails")
    yield from (one for one in reversed(told if isinstance(told, list) else []) if one.get("url"))
    if info.get("thumbnail"):
        yield {"url": info["thumbnail"]}


class _Getter:
    """Fetches small files, with the pauses that the task requires."""

    def __init__(self, ydl: Ydl, browser: Browser, around: Surroundings, until: float) -> None:
        self._ydl, self._browser, self._around, self._until = ydl, browser, around, until

    def try_to(self, what: str, do: Callable[[], object]) -> bool:
        """Call ``do``, and return whether it succeeded. A failure is logged."""
        try:
            self._check_time()
            time.sleep(self._around.request.sleep_seconds)
            do()
        except (ImportFailure, Interrupted, YoutubeDLError, OSError) as error:
            log().warning("an additional file of the page is left out", what=what, why=str(error))
            self._around.guard.forgive()
            return False
        return True

    def _check_time(self) -> None:
        if time.monotonic() > self._until:
            raise Interrupted("there is no time left for it")

    def caption(self, chosen: dict[str, Any], path: Path) -> None:
        """Fetch captions into the file ``path``."""
        if chosen.get("data") is not None:
            content = str(chosen["data"]).encode("utf-8", "replace")
        elif chosen.get("protocol") in _TEXT_PROTOCOLS:
            self._ydl.dl(str(path), {"id": "caption", "title": "caption", **chosen}, subtitle=True)
            with path.open("rb") as file:
                content = file.read(MOST_CAPTION_BYTES + 1)
            path.unlink()
        else:
            content = self._get(chosen, MOST_CAPTION_BYTES)
        if not content or len(content) > MOST_CAPTION_BYTES:
            raise Interrupted(f"it has {len(content)} bytes")
        path.write_bytes(content)

    def thumbnail(self, chosen: dict[str, Any]) -> Path:
        """Fetch a thumbnail, and return the path of the file, whose extension shows the image format."""
        content = self._get(chosen, MOST_THUMBNAIL_BYTES)
        if sniff.kind(content[: sniff.ENOUGH], "") is not sniff.FileKind.PICTURE:
            raise Interrupted("it is not a picture")
        kind = next((kind for start, kind in _PICTURES if content.startswith(start)), None)
        if kind is None:
            raise Interrupted("few programs support its image format")
        path = self._around.folder / f"thumbnail.{kind}"
        path.write_bytes(content)
        return path

    def _get(self, chosen: dict[str, Any], most: int) -> bytes:
        answer = self._browser.get(chosen["url"], chosen.get("http_headers") or {})
        try:
            if answer.status != 200:
                raise Interrupted(f"it answers {answer.status}")
            content = b""
            while chunk := answer.read(self._around.throttle.chunk):
                content += chunk
                self._around.throttle.took(len(chunk))
                self._check_time()
                if len(content) > most:
                    raise Interrupted(f"it has more than {most} bytes")
            return content
        finally:
            answer.response.close()
