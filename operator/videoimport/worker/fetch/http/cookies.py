"""Rules for cookies: which cookies of a response are stored, and which cookies a request contains.

The rules are from RFC 6265, and http.cookiejar implements them.
"""

import re
from http.cookiejar import Cookie, CookieJar, DefaultCookiePolicy
from typing import Protocol
from urllib.parse import urlsplit
from urllib.request import Request

from urllib3 import HTTPHeaderDict

MOST_COOKIES = 180
"""Maximum number of cookies for one host. Chrome keeps the same number for a site."""
MOST_LETTERS = 4096
"""Maximum number of characters of a cookie's name and value together, as in browsers (RFC 6265bis, section 5.6)."""
_NUMBERS = re.compile(r"[0-9.]+|.*:.*")
"""An IPv4 or IPv6 address. A host name cannot end in a label of digits."""


class Policy(DefaultCookiePolicy):
    """Cookie policy that is stricter than the default of http.cookiejar.

    A cookie without a domain goes only to the host that set it. A cookie for a suffix such as co.uk, or for a part of
    an IP address, is refused.
    """

    def __init__(self) -> None:
        super().__init__(strict_domain=True, strict_ns_domain=DefaultCookiePolicy.DomainStrictNonDomain)

    def set_ok(self, cookie: Cookie, request: Request) -> bool:
        """Return whether a cookie of a response is stored."""
        letters = len(cookie.name) + len(cookie.value or "")
        return letters <= MOST_LETTERS and _is_of(cookie, request.host) and bool(super().set_ok(cookie, request))


def _is_of(cookie: Cookie, host: str) -> bool:
    """Return whether a cookie has no domain, or a domain that contains the host.

    The address 10.1.2.3 is not in the domain 2.3. http.cookiejar treats a host name without dots as a name in the
    domain local.
    """
    name = urlsplit(f"//{host}").hostname or ""
    is_alone = "." not in name or _NUMBERS.fullmatch(name)
    return not (cookie.domain_specified and is_alone) or cookie.domain.lstrip(".") == name


class _Headed(Protocol):
    def info(self) -> HTTPHeaderDict: ...


def keep(jar: CookieJar, url: str, answer: _Headed) -> None:
    """Add the cookies of a response from ``url`` to the jar, and delete expired cookies."""
    request = Request(url)  # noqa: S310 — sends nothing: CookieJar takes URLs in this form
    host = f".{urlsplit(url).hostname}"
    if sum(host.endswith(f".{cookie.domain.lstrip('.')}") for cookie in jar) < MOST_COOKIES:
        jar.extract_cookies(answer, request)  # type: ignore[arg-type]


def header(jar: CookieJar, url: str) -> dict[str, str]:
    """Return the Cookie header for a request to ``url``, or an empty dict if the jar has no cookie for ``url``."""
    request = Request(url)  # noqa: S310 — sends nothing
    jar.add_cookie_header(request)
    value = request.get_header("Cookie")
    return {"Cookie": value} if value else {}
