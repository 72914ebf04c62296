"""Cookies: which are kept of an answer, and which a request carries. The rules are RFC 6265's, by http.cookiejar."""

import re
from http.cookiejar import Cookie, CookieJar, DefaultCookiePolicy
from typing import Protocol
from urllib.parse import urlsplit
from urllib.request import Request

from urllib3 import HTTPHeaderDict

MOST_COOKIES = 180
"""That a request may carry: what browsers keep of a site (Chrome)."""
MOST_LETTERS = 4096
"""Of a cookie's name and value together, as in browsers (RFC 6265bis, section 5.6)."""
_NUMBERS = re.compile(r"[0-9.]+|.*:.*")
"""An IPv4 or IPv6 address: no name ends in a label of digits."""


class Policy(DefaultCookiePolicy):
    """A cookie without a domain goes to no other host than the one that set it. None is set for a suffix such as co.uk,
    or for a part of an address in numbers. http.cookiejar allows all of it by default."""

    def __init__(self) -> None:
        super().__init__(strict_domain=True, strict_ns_domain=DefaultCookiePolicy.DomainStrictNonDomain)

    def set_ok(self, cookie: Cookie, request: Request) -> bool:
        """Whether a cookie of an answer is kept."""
        letters = len(cookie.name) + len(cookie.value or "")
        return letters <= MOST_LETTERS and _is_of(cookie, request.host) and bool(super().set_ok(cookie, request))


def _is_of(cookie: Cookie, host: str) -> bool:
    """Whether a cookie names no domain, or one that the host can be in. The address 10.1.2.3 is in no domain 2.3, but
    http.cookiejar takes a name without dots for one in the domain local."""
    name = urlsplit(f"//{host}").hostname or ""
    is_alone = "." not in name or _NUMBERS.fullmatch(name)
    return not (cookie.domain_specified and is_alone) or cookie.domain.lstrip(".") == name


class _Headed(Protocol):
    def info(self) -> HTTPHeaderDict: ...


def keep(jar: CookieJar, url: str, answer: _Headed) -> None:
    """Keep the cookies that an answer from this address sets; expired ones are deleted."""
    request = Request(url)  # noqa: S310 — opens nothing: it is how a jar takes an address
    host = f".{urlsplit(url).hostname}"
    if sum(host.endswith(f".{cookie.domain.lstrip('.')}") for cookie in jar) < MOST_COOKIES:
        jar.extract_cookies(answer, request)  # type: ignore[arg-type]


def header(jar: CookieJar, url: str) -> dict[str, str]:
    """Return the header of a request for this address that carries what a jar has for it."""
    request = Request(url)  # noqa: S310 — opens nothing
    jar.add_cookie_header(request)
    value = request.get_header("Cookie")
    return {"Cookie": value} if value else {}
