"""yt-dlp with the worker's options. Only the code that sends requests adds the source's Secret."""

import subprocess
from collections.abc import Callable
from typing import Any

import requests
from yt_dlp import YoutubeDL
from yt_dlp.extractor import gen_extractor_classes
from yt_dlp.networking._requests import RequestsHTTPAdapter, RequestsResponseAdapter, RequestsRH
from yt_dlp.networking.exceptions import HTTPError
from yt_dlp.utils import Popen

from videoimport.worker.fetch import document_limits
from videoimport.worker.fetch import memory_limit as memory
from videoimport.worker.fetch.context import Surroundings
from videoimport.worker.fetch.credentials import WebSecrets
from videoimport.worker.fetch.http import header_text as letters
from videoimport.worker.fetch.http.cookies import Policy
from videoimport.worker.fetch.limits import YTDLP_SECONDS
from videoimport.worker.fetch.ytdlp import encrypted_hls as protected
from videoimport.worker.fetch.ytdlp import format_preference, segment_download
from videoimport.worker.runtime.logging import log
from videoimport.worker.sandbox.interim_responses import POOLS

_RETRIES = 3
_HTTP = ("Requests", "Urllib", "CurlCFFI")
"""yt-dlp's handlers for http and https. Only the Requests handler is used, because it sends each redirect as a separate
request."""


def claims(url: str) -> bool:
    """Return whether yt-dlp has an extractor for the site of this URL. The call takes about a second, because it loads
    all extractors."""
    return any(ie.suitable(url) for ie in gen_extractor_classes() if ie.ie_key() != "Generic")


class _Log:
    """Logger that passes yt-dlp's warnings and errors to the worker's log, and drops its output for a terminal."""

    def debug(self, message: str) -> None:
        """Drop the message."""

    def info(self, message: str) -> None:
        """Drop the message."""

    def warning(self, message: str) -> None:
        log().warning("yt-dlp", says=message)

    def error(self, message: str) -> None:
        log().warning("yt-dlp failed", says=message)


Answered = Callable[[int, str], object]
"""Callback for each answer, called with the status and the Retry-After header."""


class _Adapter(RequestsHTTPAdapter):  # type: ignore[misc]
    """Sends one request without following redirects.

    The Secret is added to a copy of the request, so that the request after a redirect does not inherit it.
    """

    def __init__(self, secrets: WebSecrets, answered: Answered, **options: Any) -> None:
        self._secrets, self._answered = secrets, answered
        super().__init__(**options)

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """Create the connection pools for requests without a proxy."""
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = POOLS

    def proxy_manager_for(self, proxy: str, **options: Any) -> Any:
        """Return the connection pools for requests through an http or https proxy."""
        manager = super().proxy_manager_for(proxy, **options)
        manager.pool_classes_by_scheme = POOLS
        return manager

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        """Send one request with the Secret's headers, and return the response."""
        own = request.copy()
        own.headers.update(self._secrets.headers_for(own.url or ""))
        answer: requests.Response = super().send(own, *args, **options)
        self._answered(answer.status_code, answer.headers.get("Retry-After", ""))
        if answer.is_redirect:
            # requests decodes this header as UTF-8 and fails on other bytes.
            location = letters.of_address(answer.headers["Location"])
            answer.headers["Location"] = location.encode().decode("latin-1")
            answer.close()  # requests would read the whole body, which is not needed
            answer._content = b""
        return answer


def _limit(answer: RequestsResponseAdapter) -> RequestsResponseAdapter:
    """Make an answer that is read as a whole obey the limits of ``document_limits``.

    Media is read in pieces, to which these limits do not apply.
    """
    read_piece, head = answer._real_read, bytearray()

    def read(amt: int | None = None) -> bytes:
        if amt is not None:
            piece = bytes(read_piece(amt))
            # Extractors read the first bytes, then the rest.
            head.extend(piece[: document_limits.HEAD_BYTES - len(head)])
            return piece
        return document_limits.read_whole(
            lambda size: bytes(answer.fp.read1(size, decode_content=True)), answer.url, bytes(head)
        )

    answer._real_read = read
    return answer


def _start_unlimited(child: Popen, *args: Any, **options: Any) -> None:
    """Start a child process of yt-dlp without the memory limit. The guard lets only deno start."""
    with memory.lifted():
        subprocess.Popen._execute_child(child, *args, **options)  # type: ignore[attr-defined]


Popen._execute_child = _start_unlimited
format_preference.install()
segment_download.check_ranges()
protected.recognise_encrypted_samples()


class Ydl(YoutubeDL):  # type: ignore[misc]
    """yt-dlp for one source."""

    def __init__(
        self, around: Surroundings, secrets: WebSecrets, answered: Answered = lambda *_: None, /, **more: Any
    ) -> None:
        self._secrets, self._answered = secrets, answered
        super().__init__(_options(around, secrets) | more)
        self.cookiejar.set_policy(Policy())
        for cookie in secrets.cookies:
            self.cookiejar.set_cookie(cookie)

    def build_request_director(self, handlers: Any, preferences: Any = None) -> Any:
        """Return yt-dlp's request director. Its only handler for http is OwnRH."""
        secrets, answered = self._secrets, self._answered

        class OwnRH(RequestsRH):  # type: ignore[misc]
            """Request handler that sends with ``_Adapter``."""

            def _create_instance(self, *args: Any, **options: Any) -> Any:
                session = super()._create_instance(*args, **options)
                adapter = _Adapter(
                    secrets,
                    answered,
                    ssl_context=self._make_sslcontext(legacy_ssl_support=options.get("legacy_ssl_support")),
                    max_retries=0,
                )
                session.mount("https://", adapter)
                session.mount("http://", adapter)
                return session

            def _send(self, request: Any) -> Any:
                try:
                    return _limit(super()._send(request))
                except HTTPError as error:
                    _limit(error.response)
                    raise

        others = [handler for handler in handlers if handler.RH_KEY not in _HTTP]
        return super().build_request_director([OwnRH, *others], preferences)


def pauses(refused: Callable[[], object]) -> Callable[[int], float]:
    """Return a function for the number of seconds before try ``n``: half a second, doubled for each try.

    The function first calls ``refused``, which raises an error if no further try can succeed.
    """

    def pause(n: int) -> float:
        refused()
        return float(0.5 * 2.0**n)

    return pause


def _options(around: Surroundings, secrets: WebSecrets) -> dict[str, Any]:
    request = around.request
    return {
        "quiet": True, "noprogress": True, "logger": _Log(), "color": "never",
        "retries": _RETRIES, "fragment_retries": _RETRIES, "extractor_retries": 3,
        "socket_timeout": YTDLP_SECONDS, "ignoreerrors": False, "skip_unavailable_fragments": False,
        "noplaylist": True, "playlist_items": "1:2", "extract_flat": "in_playlist",
        "format": "bv*+ba/b",
        "format_sort": [f"res:{request.max_height}", "vcodec:h264", "acodec:aac"],
        "external_downloader": {"default": "native"}, "hls_prefer_native": True, "fixup": "never",
        "nopart": True, "cachedir": False, "js_runtimes": {"deno": {}}, "updatetime": False,
        "proxy": around.route.proxy or "",
        "compat_opts": {"no-certifi"} if around.route.ca_bundle else set(),
        "ratelimit": request.bytes_per_second, "sleep_interval_requests": request.sleep_seconds,
        "usenetrc": secrets.netrc_path is not None, "netrc_location": secrets.netrc_path,
        "paths": {"home": request.folder, "temp": request.folder},
    }  # fmt: skip
