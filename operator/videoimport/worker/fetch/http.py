"""HTTP as the Range client needs it: one request, its redirects followed by us, its answer's headers understood."""

import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from http.cookiejar import CookieJar
from urllib.parse import unquote, urljoin, urlsplit

import urllib3
from urllib3.exceptions import HTTPError, IncompleteRead, NameResolutionError, ProtocolError, ProxyError, SSLError
from urllib3.response import BaseHTTPResponse

from videoimport.api.reasons import Reason
from videoimport.worker.errors import ImportFailure
from videoimport.worker.fetch.guard import ForbiddenError
from videoimport.worker.fetch.routes import Route
from videoimport.worker.fetch.secrets import WebSecrets, cookie_header

CONNECT_SECONDS = 15.0
MOST_REDIRECTS = 10
_REDIRECTS = (301, 302, 303, 307, 308)
_AS_IT_IS = {"Accept-Encoding": "identity"}
_AGENT = "videoimport (+https://videoimport.io)"


class Interrupted(Exception):  # noqa: N818 — an event of the network, not of our code
    """The network failed in the middle; worth another try."""

    def __init__(
        self, why: str, *, reason: Reason = Reason.SOURCE_UNAVAILABLE, retry_after: float | None = None
    ) -> None:
        super().__init__(why)
        self.why = why
        self.reason = reason
        """What the import ends with when no further try mends it."""
        self.retry_after = retry_after
        """Seconds the server asked us to wait."""


@dataclass(frozen=True, slots=True)
class Validator:
    """What tells one version of a source from another."""

    etag: str | None = None
    """Strong only."""
    modified: str | None = None

    @property
    def if_range(self) -> str | None:
        """The value of If-Range; None when a resumed download could not be told from a mixed one."""
        return self.etag or self.modified

    @property
    def text(self) -> str | None:
        """Both in one line, for ``parse``; None when no later run could tell a changed source."""
        return f"{self.etag or ''}\n{self.modified or ''}" if self.if_range else None

    @classmethod
    def parse(cls, text: str) -> "Validator":
        """From ``text``."""
        etag, _, modified = text.partition("\n")
        return cls(etag or None, modified or None)

    def differs(self, other: "Validator") -> bool:
        """Whether the two are certainly of different versions."""
        pairs = ((self.etag, other.etag), (self.modified, other.modified))
        return any(ours and theirs and ours != theirs for ours, theirs in pairs)


@dataclass(frozen=True, slots=True)
class ContentRange:
    """What a 206 says it holds: bytes ``first`` to ``last``, of ``total`` in all."""

    first: int
    last: int
    total: int | None


@dataclass(frozen=True, slots=True)
class Answer:
    """A response whose body is still to be read, and where it came from in the end."""

    response: BaseHTTPResponse
    url: str

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.response.status

    def header(self, name: str) -> str:
        """A header's value, or an empty string."""
        return self.response.headers.get(name, "").strip()

    @property
    def validator(self) -> Validator:
        """ETag when it is strong, and Last-Modified."""
        etag = self.header("ETag")
        return Validator(None if etag.startswith("W/") else etag or None, self.header("Last-Modified") or None)

    @property
    def is_encoded(self) -> bool:
        """Whether the body is compressed although we asked for it as it is: then its length says nothing."""
        return self.header("Content-Encoding").lower() not in ("", "identity")

    @property
    def length(self) -> int | None:
        """Bytes of this body, where they can be trusted."""
        text = self.header("Content-Length")
        return int(text) if text.isdigit() and not self.is_encoded else None

    @property
    def content_range(self) -> ContentRange | None:
        """Of a 206; None when it is absent or makes no sense."""
        found = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+|\*)", self.header("Content-Range"))
        if not found:
            return None
        return ContentRange(int(found[1]), int(found[2]), None if found[3] == "*" else int(found[3]))

    @property
    def is_whole(self) -> bool:
        """Of a 206: whether it holds all that there is."""
        span = self.content_range
        return span is not None and span.total is not None and (span.first, span.last) == (0, span.total - 1)

    @property
    def total(self) -> int | None:
        """Bytes of the source in all, where this body is all of it and they can be trusted."""
        span = self.content_range if self.status == 206 else None
        return span.total if span and not self.is_encoded else self.length

    def read(self, length: int) -> bytes:
        """Some bytes of the body, at most so many, decoded; none at its end. Raises Interrupted."""
        try:
            return self.response.read1(length, decode_content=True)
        except IncompleteRead as error:
            raise Interrupted("it ended too early", reason=Reason.SOURCE_TRUNCATED) from error
        except (HTTPError, ProtocolError) as error:
            early = isinstance(error.__cause__ or error.__context__, IncompleteRead) or "IncompleteRead" in repr(error)
            reason = Reason.SOURCE_TRUNCATED if early else Reason.SOURCE_UNAVAILABLE
            raise Interrupted(f"the connection broke ({type(error).__name__})", reason=reason) from None

    @property
    def retry_after(self) -> float | None:
        """Seconds, where the server gives them as a number."""
        text = self.header("Retry-After")
        return float(text) if text.isdigit() else None

    @property
    def filename(self) -> str | None:
        """The name that the server gives the file, else the last part of its address."""
        disposition = self.header("Content-Disposition")
        if found := re.search(r"filename\*=(?:UTF-8|utf-8)''([^;\s]+)", disposition):
            return unquote(found[1])
        if found := re.search(r'filename="?([^";]+)"?', disposition):
            return found[1]
        return unquote(urlsplit(self.url).path.rpartition("/")[2]) or None


class Browser:
    """Sends requests. No proxies of the environment, no retries of its own.

    ``secrets`` go where they belong at each hop. ``cookies`` are kept for a page's session, whose media may want them.
    """

    def __init__(
        self,
        read_seconds: float,
        *,
        route: Route | None = None,
        secrets: WebSecrets | None = None,
        cookies: CookieJar | None = None,
    ) -> None:
        self._pool = (route or Route()).pool(urllib3.Timeout(connect=CONNECT_SECONDS, read=read_seconds))
        self._secrets = secrets or WebSecrets()
        self._cookies = self._secrets.jar() if cookies is None else cookies

    def get(self, url: str, extra: Mapping[str, str]) -> Answer:
        """The answer of the last hop. Raises ImportFailure, or Interrupted for what another try may mend."""
        _check_address(url, Reason.INVALID_SPEC, "spec.source.url is no address; correct it.")
        origin = urlsplit(url)[:2]
        for _ in range(MOST_REDIRECTS):
            response = self._once(url, extra, with_login=urlsplit(url)[:2] == origin)
            target = response.headers.get("Location")
            if response.status not in _REDIRECTS or not target:
                return Answer(response, url)
            response.release_conn()
            url = _redirected(url, target)
            if urlsplit(url).scheme not in ("http", "https"):
                message = f"The source redirects to {urlsplit(url).scheme}:, which is neither http nor https."
                raise ImportFailure(Reason.UNSUPPORTED_SOURCE, message)
        raise ImportFailure(Reason.SOURCE_UNAVAILABLE, f"The source redirects more than {MOST_REDIRECTS} times.")

    def _once(self, url: str, extra: Mapping[str, str], *, with_login: bool) -> BaseHTTPResponse:
        parts = urlsplit(url)
        bare = parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment="").geturl()
        login = f"{unquote(parts.username)}:{unquote(parts.password or '')}" if parts.username and with_login else None
        own = urllib3.make_headers(basic_auth=login) if login else {}
        headers = urllib3.HTTPHeaderDict({"User-Agent": _AGENT, "Accept": "*/*"})
        for more in (cookie_header(self._cookies, bare), own, self._secrets.headers_for(bare), extra, _AS_IT_IS):
            for name, value in more.items():
                headers[name] = value
        try:
            return self._pool.request("GET", bare, headers=headers, preload_content=False, redirect=False)
        except HTTPError as error:
            raise _failure(error, parts.hostname or "") from None


def _check_address(url: str, reason: Reason, message: str) -> None:
    """Raises ImportFailure for a URL whose host or port is none; urllib3 would fail again at every try."""
    try:
        parts = urlsplit(url)
        urllib3.util.parse_url(parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl())
        parts.port  # noqa: B018 — read for the error it raises
        host = parts.hostname or ""
        host.encode("ascii" if ":" in host else "idna")
    except ValueError:
        raise ImportFailure(reason, message) from None


def _redirected(url: str, target: str) -> str:
    message = "The source redirects to something that is no address."
    try:
        joined = urljoin(url, target)
    except ValueError:
        raise ImportFailure(Reason.UNSUPPORTED_SOURCE, message) from None
    _check_address(joined, Reason.UNSUPPORTED_SOURCE, message)
    return joined


def _failure(error: HTTPError, host: str) -> Exception:
    """Ours for urllib3's. Its own words may hold the whole address, so they are not passed on."""
    cause = error.__cause__ or error.__context__ or error
    if isinstance(cause, ForbiddenError):
        return ImportFailure(Reason.ADDRESS_FORBIDDEN, f"{host}: {cause}")
    if isinstance(error, SSLError) or isinstance(cause, ssl.SSLError):
        told = next((arg for arg in (*error.args, cause) if isinstance(arg, ssl.SSLCertVerificationError)), None)
        if told is not None:
            message = f"The certificate of {host} is not valid: {told.verify_message}"
            return ImportFailure(Reason.CERTIFICATE_INVALID, message)
        return Interrupted(f"{host} broke off the TLS handshake")
    if isinstance(error, ProxyError):
        return Interrupted(f"the proxy of spec.worker.proxy does not let us reach {host}")
    if isinstance(error, NameResolutionError):
        return Interrupted(f"the name {host} does not resolve")
    return Interrupted(f"{host} did not answer ({type(error).__name__})")
