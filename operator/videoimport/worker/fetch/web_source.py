"""A source with a URL: the file at the URL, or the video that yt-dlp finds on the web page at the URL."""

from urllib.parse import urlsplit

from videoimport.api.reasons import Reason
from videoimport.media.source import file_signature as sniff
from videoimport.worker.fetch import credentials as secrets
from videoimport.worker.fetch.content_check import refuse_empty, refuse_unfit
from videoimport.worker.fetch.context import Surroundings
from videoimport.worker.fetch.credentials import WebSecrets
from videoimport.worker.fetch.http.client import Browser
from videoimport.worker.fetch.http.download import Download, Opening
from videoimport.worker.fetch.partial_file import Landing
from videoimport.worker.fetch.process_messages import Fetched, Found, identity
from videoimport.worker.runtime.errors import ImportFailure

_PERHAPS_KNOWN = (Reason.SOURCE_AUTH_REQUIRED, Reason.SOURCE_NOT_FOUND, Reason.RATE_LIMITED)


def fetch(around: Surroundings, url: str) -> Fetched:
    """Fetch the source. Raises ImportFailure."""
    request = around.request
    secret = secrets.read_web(url, request.secret, around.secret_folder, request.header_origins)
    try:
        return _fetched(around, url, secret)
    except ImportFailure as failure:
        raise secret.advised(failure) from None


def _fetched(around: Surroundings, url: str, secret: WebSecrets) -> Fetched:
    browser = Browser(around.limits.read_seconds, route=around.route, secrets=secret)
    landing = Landing(around.folder, outlives=around.request.outlives)
    download = Download(browser, url, landing, around.limits, around.teller, throttle=around.throttle)
    try:
        opening = download.open()
    except ImportFailure as failure:
        if failure.reason in _PERHAPS_KNOWN and _is_known(url):
            return _page(around, url, secret)
        raise
    refuse_empty(opening.head)
    kind = sniff.kind(opening.head, opening.answer.header("Content-Type"))
    refuse_unfit(kind)
    if kind is sniff.FileKind.FILE:
        around.teller.found(_found(url, opening))
        return Fetched(video=download.finish())
    download.close()
    return _page(around, url, secret)


def _is_known(url: str) -> bool:
    """Return whether yt-dlp has an extractor for the site. Such a site may refuse plain requests and still accept
    yt-dlp's."""
    from videoimport.worker.fetch.ytdlp.client import claims

    return claims(url)


def _page(around: Surroundings, url: str, secret: WebSecrets) -> Fetched:
    # Imported inside the function, because the import takes longer than the first byte of a plain file.
    from videoimport.worker.fetch.ytdlp.source import VideoPage

    return VideoPage(around, url, secret).fetch()


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
