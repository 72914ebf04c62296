"""The HTTP client for downloads. The client sends one request and follows the redirects. It checks each redirect
target again."""

from collections.abc import Mapping
from http.client import RemoteDisconnected
from http.cookiejar import CookieJar

import urllib3
from urllib3.exceptions import HTTPError, ProtocolError
from urllib3.response import BaseHTTPResponse

from videoimport.api.reasons import Reason
from videoimport.worker.fetch.credentials import WebSecrets, is_own
from videoimport.worker.fetch.http import cookies as jars
from videoimport.worker.fetch.http import header_text as letters
from videoimport.worker.fetch.http import redirects
from videoimport.worker.fetch.http.response import HttpResponse, Interrupted
from videoimport.worker.fetch.limits import CONNECT_SECONDS
from videoimport.worker.runtime.errors import ImportFailure
from videoimport.worker.sandbox.http_errors import explain_error
from videoimport.worker.sandbox.http_urls import AGENT, parse_address
from videoimport.worker.sandbox.proxy import Route

_AS_IT_IS = {"Accept-Encoding": "identity"}
_HUNG_UP = (RemoteDisconnected, ConnectionResetError, BrokenPipeError)


class Browser:
    """Sends GET requests, without the proxies of the environment and without retries.

    A request carries only the ``secrets`` for its own host, also after a redirect. ``cookies`` are the cookies of a web
    page's session, which its media files may need. Cookies in responses are added to ``cookies``.
    """

    def __init__(
        self,
        read_seconds: float,
        *,
        route: Route | None = None,
        secrets: WebSecrets | None = None,
        cookies: CookieJar | None = None,
        url_field: str = "spec.source.url",
    ) -> None:
        """Set the options. ``url_field`` names the field in which the user wrote the first URL, for messages."""
        self._route, self._url_field = route or Route(), url_field
        self._pool = self._route.pool(urllib3.Timeout(connect=CONNECT_SECONDS, read=read_seconds))
        self._secrets = secrets or WebSecrets()
        self._cookies = self._secrets.jar() if cookies is None else cookies

    def get(self, url: str, extra: Mapping[str, str], *, first: str | None = None) -> HttpResponse:
        """Send a request, follow redirects, and return the last response.

        ``extra`` headers, and a login in the URL, are sent only to the host of ``first``. If ``url`` is the target of
        an earlier redirect, ``first`` is the original URL.

        Raises ImportFailure. Raises Interrupted for an error that may not occur again at another try.
        """
        redirects.check_well_formed(url, Reason.INVALID_SPEC, f"{self._url_field} is not an address; correct it.")
        first = first or url
        for _ in range(redirects.MOST_REDIRECTS + 1):
            response = self._once(url, dict(extra) if is_own(first, url) else redirects.without_own(dict(extra)))
            location = redirects.location_of(response.status, response.headers)
            if location is None:
                return HttpResponse(response, url)
            _discard(response)
            url = redirects.target(url, location, first)
        message = f"The source redirects more than {redirects.MOST_REDIRECTS} times."
        raise ImportFailure(Reason.SOURCE_UNAVAILABLE, message)

    def _once(self, url: str, extra: Mapping[str, str]) -> BaseHTTPResponse:
        address = parse_address(url)
        bare = urllib3.util.parse_url(letters.escape_stray_percents(address.url)).url
        own = urllib3.make_headers(basic_auth=address.login) if address.login else {}
        headers = urllib3.HTTPHeaderDict({"User-Agent": AGENT, "Accept": "*/*"})
        for more in (own, extra, self._secrets.headers_for(bare), _AS_IT_IS):
            for name, value in more.items():
                headers[name] = value
        for name, value in jars.header(self._cookies, bare).items():
            headers[name] = "; ".join(filter(None, (value, headers.get(name))))
        try:
            response = self._send(bare, headers)
        except HTTPError as error:
            raise _failure(error, address.host, self._route.proxy_field) from None
        jars.keep(self._cookies, bare, response)
        return response

    def _send(self, url: str, headers: Mapping[str, str]) -> BaseHTTPResponse:
        """Send a request.

        If the server closed a kept connection before it read the request, send the request again.
        """
        pool = self._pool.connection_from_url(url)
        made = pool.num_connections
        try:
            return self._request(url, headers)
        except ProtocolError as error:
            is_kept = pool.num_connections == made
            if not (is_kept and isinstance(error.__cause__ or error.__context__, _HUNG_UP)):
                raise
        return self._request(url, headers)

    def _request(self, url: str, headers: Mapping[str, str]) -> BaseHTTPResponse:
        return self._pool.request("GET", url, headers=headers, preload_content=False, redirect=False)


def _discard(response: BaseHTTPResponse) -> None:
    """Keep the connection of a response whose body is read, and close any other connection.

    Unread bytes would be read as the next response, and their number is unknown.
    """
    if response.length_remaining == 0:
        response.drain_conn()  # reads nothing, but tells http.client that the response has ended
        response.release_conn()
    else:
        response.close()


def _failure(error: HTTPError, host: str, proxy_field: str) -> Exception:
    problem = explain_error(error, host, proxy_field)
    return ImportFailure(problem.reason, problem.sentence) if problem.reason else Interrupted(problem.text)
