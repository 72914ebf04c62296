"""Sources that are web pages. yt-dlp finds the video of a page.

The worker's own client fetches plain files, and yt-dlp's native downloaders fetch segments. If a page offers video and
audio as two files, the worker does not merge them.
"""

from dataclasses import replace
from http import HTTPStatus
from typing import Any

from yt_dlp.utils import YoutubeDLError

from videoimport.api.container_formats import ContainerFormat
from videoimport.api.reasons import Reason
from videoimport.media.source import file_signature as sniff
from videoimport.worker.fetch.content_check import refuse_empty, refuse_unfit
from videoimport.worker.fetch.context import Surroundings
from videoimport.worker.fetch.credentials import WebSecrets
from videoimport.worker.fetch.http.client import Browser
from videoimport.worker.fetch.http.download import Download
from videoimport.worker.fetch.partial_file import Landing
from videoimport.worker.fetch.process_messages import Arrived, Extras, Fetched, File, FileGrowing, Part, Restarted
from videoimport.worker.fetch.ytdlp import errors as classify
from videoimport.worker.fetch.ytdlp import info as finding
from videoimport.worker.fetch.ytdlp import sidecars as extras
from videoimport.worker.fetch.ytdlp.client import Ydl, pauses
from videoimport.worker.fetch.ytdlp.segment_download import Segments, size_of
from videoimport.worker.runtime import disk_space as disks
from videoimport.worker.runtime.errors import ImportFailure
from videoimport.worker.sandbox.http_errors import parse_retry_after

_SEGMENTED = ("m3u8", "m3u8_native", "http_dash_segments", "http_dash_segments_generator", "ism")
_PLAIN = ("http", "https")
_CONTAINERS: dict[str, ContainerFormat] = {"mp4": "mp4", "m4a": "mp4", "mov": "mov", "mkv": "mkv", "webm": "webm"}


class VideoPage:
    """One web page. Call ``fetch`` only once. If it fails, it raises ImportFailure."""

    def __init__(self, around: Surroundings, url: str, secrets: WebSecrets) -> None:
        self._around, self._url, self._secrets = around, url, secrets
        self._tries = 0
        self._before = 0
        """Total size in bytes of the files that are complete."""
        self._begun: set[Part] = set()
        self._in_segments = False
        self._segments: Segments | None = None
        """The file that yt-dlp is fetching now."""
        self._rate_limited: ImportFailure | None = None

    def fetch(self) -> Fetched:
        """Extract the video's data and download the video.

        After a response with status 403, the data is extracted once more, because signed URLs expire.
        """
        try:
            return self._try()
        except YoutubeDLError as error:
            if classify.status_of(error) != 403:
                raise self._failure(error) from error
        except ImportFailure as failure:
            if failure.reason is not Reason.SOURCE_AUTH_REQUIRED or self._tries > 1:
                raise
        self._void()
        try:
            return self._try()
        except YoutubeDLError as error:
            raise self._failure(error) from error

    def _void(self) -> None:
        """Delete all reported files and report that. Later files have other names."""
        for path in self._around.folder.glob(f"page-{self._tries}-*"):
            path.unlink()
        for part in self._begun:
            self._around.teller.tell(Restarted(part=part))
        self._begun.clear()

    def _failure(self, error: YoutubeDLError) -> ImportFailure:
        failure = self._rate_limited or classify.failure(error, in_segments=self._in_segments)
        if failure.reason is Reason.SCRATCH_FULL:
            return disks.scratch_full(self._around.folder, "and the files of the page were to be written")
        return failure

    def _try(self) -> Fetched:
        self._tries += 1
        self._before, self._in_segments, self._segments = 0, False, None
        pause = dict.fromkeys(("http", "fragment", "extractor"), pauses(self._refuse_hopeless))
        options = {"progress_hooks": [self._hook], "retry_sleep_functions": pause}
        with Ydl(self._around, self._secrets, self._answered, **options) as ydl:
            info = finding.only_video(ydl.extract_info(self._url, download=False))
            finding.refuse_live(info)
            # Audio first, because it is small. With complete audio, the video can be processed while it grows.
            apart = sorted(info.get("requested_formats") or [info], key=lambda chosen: chosen.get("vcodec") != "none")
            self._around.limits.check(sum(size_of(chosen.get("filesize")) or 0 for chosen in apart))
            self._in_segments = any(chosen.get("protocol") in _SEGMENTED for chosen in apart)
            self._refuse_checksum(len(apart))
            if self._tries == 1:
                self._around.teller.found(finding.found(info))
            files = [self._download(ydl, info, chosen, number) for number, chosen in enumerate(apart)]
            audio = files[0] if len(files) > 1 else None
            return Fetched(video=files[-1], audio=audio, is_segmented=self._in_segments, extras=self._extras(ydl, info))

    def _refuse_checksum(self, files: int) -> None:
        if self._around.request.checksum and (self._in_segments or files > 1):
            how = "in segments" if self._in_segments else "as separate video and audio files"
            message = f"source.checksum is for one file, but the source gives the video {how}."
            advice = "Remove source.checksum, or give the address of a file."
            raise ImportFailure(Reason.INVALID_SPEC, message, advice=advice)

    def _download(self, ydl: Ydl, info: dict[str, Any], chosen: dict[str, Any], number: int) -> File:
        part: Part = "audio" if chosen.get("vcodec") == "none" else "video"
        self._begun.add(part)
        name = f"page-{self._tries}-{number}-{part}"
        one = {key: value for key, value in info.items() if key != "requested_formats"} | chosen
        file = self._plain(ydl, one, name, part) if _is_plain(one) else self._by_segments(ydl, one, name, part)
        self._before += file.size
        self._around.teller.tell(Arrived(part=part, file=file))
        return file

    def _plain(self, ydl: Ydl, one: dict[str, Any], name: str, part: Part) -> File:
        around, limits = self._around, replace(self._around.limits, before=self._before)
        browser = Browser(around.limits.read_seconds, route=around.route, secrets=self._secrets, cookies=ydl.cookiejar)
        download = Download(
            browser, one["url"], Landing(around.folder, name), limits, _After(around.teller, self._before),
            part=part, extra=one.get("http_headers"), throttle=around.throttle,
        )  # fmt: skip
        opening = download.open()
        refuse_empty(opening.head)
        refuse_unfit(sniff.kind(opening.head, opening.answer.header("Content-Type")))
        return download.finish()

    def _by_segments(self, ydl: Ydl, one: dict[str, Any], name: str, part: Part) -> File:
        growing = FileGrowing(
            part=part, path=str(self._around.folder / name), size=size_of(one.get("filesize")),
            container=_CONTAINERS.get(str(one.get("ext"))), is_segmented=self._in_segments,
        )  # fmt: skip
        self._segments = Segments(growing, self._before, self._around.limits, self._around.teller)
        return self._segments.fetch(lambda path: ydl.dl(path, one))

    def _extras(self, ydl: Ydl, info: dict[str, Any]) -> Extras:
        self._segments = None
        around = self._around
        browser = Browser(around.limits.read_seconds, route=around.route, secrets=self._secrets, cookies=ydl.cookiejar)
        return extras.fetched(ydl, info, browser, around)

    def _hook(self, event: dict[str, Any]) -> None:
        if self._segments:
            self._segments.hook(event)

    def _answered(self, status: int, retry_after: str) -> None:
        """Record a 429 answer until a better answer follows, because yt-dlp may read a page in several ways."""
        message, seconds = "The site asks for fewer requests (429).", parse_retry_after(retry_after)
        limited = status == HTTPStatus.TOO_MANY_REQUESTS
        self._rate_limited = ImportFailure(Reason.RATE_LIMITED, message, seconds) if limited else None

    def _refuse_hopeless(self) -> None:
        """Raise ImportFailure if the site answered 429 or the guard refused an address, so that yt-dlp does not
        retry."""
        if self._rate_limited:
            raise self._rate_limited
        if refusal := self._around.refusal():
            raise refusal


class _After:
    """Reports the progress of a file that is fetched after other files. The reported numbers include the sizes of the
    other files."""

    def __init__(self, teller: Any, before: int) -> None:
        self._teller, self._before = teller, before

    def tell(self, event: Any) -> None:
        """Send the event unchanged."""
        self._teller.tell(event)

    def moved(self, done: int, total: int | None) -> None:
        """Report the bytes of this file and the files before it together."""
        self._teller.moved(self._before + done, self._before + total if total else None)


def _is_plain(one: dict[str, Any]) -> bool:
    """Return whether the worker's own client fetches the format, as a plain file.

    Some sites slow down large requests. yt-dlp sets a chunk size for such a site, and yt-dlp's downloader fetches the
    file.
    """
    return one.get("protocol") in _PLAIN and not (one.get("downloader_options") or {}).get("http_chunk_size")
