"""HTTP as the Range client needs it: one request, its redirects followed by us, each hop judged anew."""

import ssl
from collections.abc import Mapping
from http.cookiejar import CookieJar
from urllib.parse import unquote, urljoin, urlsplit

import urllib3
from urllib3.exceptions import HTTPError, NameResolutionError, ProxyError, SSLError
from urllib3.response import BaseHTTPResponse

from videoimport.api.reasons import Reason
from videoimport.worker.errors import ImportFailure
from videoimport.worker.fetch.answers import Answer, Interrupted
from videoimport.worker.fetch.guard import ForbiddenError
from videoimport.worker.fetch.routes import Route
from videoimport.worker.fetch.secrets import WebSecrets, cookie_header

CONNECT_SECONDS = 15.0
MOST_REDIRECTS = 10
_REDIRECTS = (301, 302, 303, 307, 308)
_AS_IT_IS = {"Accept-Encoding": "identity"}
_AGENT = "videoimport (+https://videoimport.io)"


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
