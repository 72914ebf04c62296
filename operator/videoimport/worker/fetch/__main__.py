"""The fetching process: request and go-ahead on stdin, events on stdout, the source's bytes into a folder; no more."""

import os
import signal
import sys
from pathlib import Path
from types import FrameType
from urllib.parse import urlsplit

from videoimport.api.reasons import Reason
from videoimport.media import sniff
from videoimport.worker import logs
from videoimport.worker.errors import ImportFailure
from videoimport.worker.fetch.download import Download, Opening
from videoimport.worker.fetch.guard import Guard
from videoimport.worker.fetch.http import Browser
from videoimport.worker.fetch.landing import Landing
from videoimport.worker.fetch.limits import Limits
from videoimport.worker.fetch.protocol import Failed, Fetched, Found, Request, identity
from videoimport.worker.fetch.teller import Teller
from videoimport.worker.processes import end_with_parent

_UNFIT = {
    sniff.Kind.PICTURE: (Reason.NOT_VIDEO, "The address holds a picture; give one that holds a video."),
    sniff.Kind.TEXT: (Reason.NOT_VIDEO, "The address holds text or a document; give one that holds a video."),
    sniff.Kind.DISGUISED: (
        Reason.UNSUPPORTED_SOURCE,
        "The address says that it holds a video file, but it holds a playlist; give the address of the video itself.",
    ),
}


def fetch(request: Request, teller: Teller, guard: Guard) -> Fetched:
    """The file if the address holds one, else what yt-dlp finds there. Raises ImportFailure."""
    limits = Limits(room_bytes=request.room_bytes, max_bytes=request.max_bytes)
    browser = Browser(limits.read_seconds)
    download = Download(browser, request.url, Landing(Path(request.folder)), limits, teller)
    try:
        opening = download.open()
    except ImportFailure as failure:
        return _page_despite(failure, request, teller, guard)
    kind = sniff.kind(opening.head, opening.answer.header("Content-Type"))
    if kind in _UNFIT:
        raise ImportFailure(*_UNFIT[kind])
    if kind is sniff.Kind.FILE:
        teller.found(_found(request.url, opening))
        return Fetched(video=download.finish())
    download.close()
    return _page(request, teller, guard)


def _page_despite(failure: ImportFailure, request: Request, teller: Teller, guard: Guard) -> Fetched:
    """A site that refuses plain requests may still be one that yt-dlp knows how to ask."""
    refused = failure.reason in (Reason.SOURCE_AUTH_REQUIRED, Reason.SOURCE_NOT_FOUND, Reason.RATE_LIMITED)
    if refused:
        from videoimport.worker.fetch.page import claims

        if claims(request.url):
            return _page(request, teller, guard)
    raise failure


def _page(request: Request, teller: Teller, guard: Guard) -> Fetched:
    # Imported only here: it takes longer than a plain file's first byte.
    from videoimport.worker.fetch.page import Page

    return Page(request, teller, teller.found, guard).fetch()


def _found(url: str, opening: Opening) -> Found:
    name, etag = opening.answer.filename, opening.answer.validator.etag
    return Found(
        type="Url",
        filename=name[:512] if name else None,
        title=(name.rpartition(".")[0] or name)[:512] if name else None,
        source_id=(urlsplit(opening.answer.url).path.strip("/") or None),
        size=opening.answer.total,
        identity=identity("url", url, etag) if etag else None,
    )


def _outcome(request: Request, teller: Teller, guard: Guard) -> Fetched | Failed:
    try:
        return fetch(request, teller, guard)
    except ImportFailure as failure:
        return _explained(Failed(reason=failure.reason, message=failure.message[:1000]), guard)
    except Exception as error:  # noqa: BLE001 — the border of this process: a bug here is told, not shown as a crash
        logs.log().error("unexpected", error=type(error).__name__, at=logs.frames(error.__traceback__))
        message = f"Unexpected {type(error).__name__} while fetching; the worker's log has more."
        return _explained(Failed(reason=Reason.INTERNAL, message=message), guard)


def _explained(failed: Failed, guard: Guard) -> Failed:
    """What the guard refused is the cause, whatever a library made of it."""
    if guard.refused:
        message = f"The source leads to {guard.refused}, which is not a public address; allow its network in the "
        return Failed(reason=Reason.ADDRESS_FORBIDDEN, message=message + "controller's setting worker.allowedNetworks.")
    if guard.refused_command and failed.reason is not Reason.DRM_PROTECTED:
        message = f"The source can only be fetched by {guard.refused_command}, which is not allowed to use the network."
        return Failed(reason=Reason.UNSUPPORTED_SOURCE, message=message)
    return failed


def _end_with_children(_number: int, _frame: FrameType | None) -> None:
    os.killpg(0, signal.SIGKILL)


def main() -> None:
    """Read the request, put up the guard, fetch, tell how it ended."""
    signal.signal(signal.SIGTERM, _end_with_children)
    end_with_parent(signal.SIGTERM)
    logs.configure()
    text = sys.stdin.readline()
    if not text.strip():
        return  # nothing is to be fetched after all
    request = Request.model_validate_json(text)
    guard = Guard(request.allowed_networks, request.shut_paths)
    guard.install()
    teller = Teller()
    teller.tell(_outcome(request, teller, guard))


if __name__ == "__main__":
    main()
