"""HLS and DASH, fetched by yt-dlp's native downloaders. The file grows by whole segments. A missing segment is an
error."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from yt_dlp.downloader.fragment import FragmentFD
from yt_dlp.utils import parse_http_range

from videoimport.api.reasons import Reason
from videoimport.worker.fetch.limits import FetchLimits
from videoimport.worker.fetch.process_messages import File, FileGrowing, Hashed, Restarted, Telling
from videoimport.worker.runtime.errors import ImportFailure

_HASHED_BYTES = 16 * 2**20
"""Number of bytes to hash between two progress reports."""
_MOST_BYTES = 2**63 - 1
"""Maximum of a size that is accepted as valid."""


def size_of(told: Any) -> int | None:
    """Return the size in bytes that a site or yt-dlp reports, or None if the value is not a valid size."""
    return int(told) if isinstance(told, int | float) and 0 < told <= _MOST_BYTES else None


class Segments:
    """One file that is fetched in segments. ``hook`` is the progress hook that yt-dlp calls for this file."""

    def __init__(self, growing: FileGrowing, before: int, limits: FetchLimits, teller: Telling) -> None:
        self._growing, self._before, self._limits, self._teller = growing, before, limits, teller
        self._path = Path(growing.path)
        self._is_told = False
        self._done = 0

    def fetch(self, download: Callable[[str], object]) -> File:
        """Fetch the complete file.

        ``download`` gets the path of the file and calls yt-dlp. Raises ImportFailure and the exceptions of yt-dlp.
        """
        self._path.unlink(missing_ok=True)
        download(str(self._path))
        if not self._path.is_file() or self._path.stat().st_size == 0:
            raise ImportFailure(Reason.SOURCE_UNAVAILABLE, "yt-dlp ended without an error and without a file.")
        self._look()
        return hashed(self._path, self._teller)

    def void(self) -> None:
        """If this object has reported the file as growing, report that the bytes of the file must not be used any
        more."""
        if self._is_told:
            self._is_told = False
            self._teller.tell(Restarted(part=self._growing.part))

    def hook(self, event: dict[str, Any]) -> None:
        """Report the progress that an event of yt-dlp contains, and check the size limits."""
        here = int(event.get("downloaded_bytes") or 0)
        if here < self._done:
            self.void()
        else:
            self._look()
        self._done = here
        done, total = self._before + here, self._total(event.get("total_bytes"))
        self._limits.check(max(done, total or 0))
        total = total or self._total(event.get("total_bytes_estimate"))
        self._teller.moved(done, max(done, total) if total else None)

    def _total(self, told: Any) -> int | None:
        size = size_of(told)
        return size_of(self._before + size) if size else None

    def _look(self) -> None:
        """Report the file once it has bytes."""
        if not self._is_told and self._path.is_file() and self._path.stat().st_size:
            self._is_told = True
            self._teller.tell(self._growing)


def check_ranges() -> None:
    """Change yt-dlp's downloader so that the download fails if a server ignores the range of a segment.

    Otherwise the downloader would append the whole file for each segment. A second call changes nothing.
    """
    FragmentFD._download_fragment = _download_fragment


_download_any = FragmentFD._download_fragment


def _download_fragment(
    self: Any, ctx: dict[str, Any], url: str, info: Any, headers: Any = None, *args: Any, **named: Any
) -> Any:
    """Fetch a segment with yt-dlp, and check its size.

    Raises ImportFailure UNSUPPORTED_SOURCE if it has more bytes than the range, and SOURCE_TRUNCATED if it has fewer.
    """
    success = _download_any(self, ctx, url, info, headers, *args, **named)
    start, end, _ = parse_http_range((headers or {}).get("Range"))
    if not success or end is None:
        return success
    wanted, found = end - start + 1, Path(ctx["fragment_filename_sanitized"]).stat().st_size
    if found > wanted:
        message = f"The server sent {found} bytes for a segment of {wanted}: it does not answer Range requests."
        advice = "Give the address of a server that answers Range requests, or of a file with the whole video."
        raise ImportFailure(Reason.UNSUPPORTED_SOURCE, message, advice=advice)
    if found < wanted:
        raise ImportFailure(Reason.SOURCE_TRUNCATED, f"A segment has {found} bytes, but its playlist states {wanted}.")
    return success


def hashed(path: Path, teller: Telling) -> File:
    """Hash an existing file and return its description."""
    digest, done = hashlib.sha256(), 0
    with path.open("rb") as file:
        while chunk := file.read(_HASHED_BYTES):
            digest.update(chunk)
            done += len(chunk)
            teller.tell(Hashed(done=done))
    return File(path=str(path), size=done, sha256=digest.hexdigest(), seekable=False)
