"""Origins: scheme, host and port of a URL, in the form in which the HTTP client connects to it. Pure functions.

Secrets are sent by origin. If two parsers could read a URL in two ways, the URL has no origin.
"""

import re
from dataclasses import dataclass

from urllib3.exceptions import LocationParseError
from urllib3.util import parse_url

_PORTS = {"http": 80, "https": 443}
_AUTHORITY = re.compile(
    r"https?://(?:[^/?#\\\x00-\x20\x7f]*@)?(?P<bare>(?:\[[0-9a-f:.]+\]|[^/?#\\\x00-\x20\x7f@:\[\]%]+)(?::[0-9]{0,5})?)(?=[/?#]|\Z)",
    re.IGNORECASE,
)
"""Pattern of an unambiguous authority. Clients disagree about a backslash, a control character, a percent sign and a
zone."""

_HOST = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?|\[[0-9a-f:.]+\]")


@dataclass(frozen=True, slots=True)
class Origin:
    """Scheme, host and port. The host is in ASCII and lowercase.

    A host with a trailing dot is a different host, because the resolver then skips its search list.
    """

    scheme: str
    host: str
    port: int

    @classmethod
    def parse(cls, url: str) -> "Origin | None":
        """Return the origin of an http or https URL. Return None for any other URL. Also return None if two parsers
        could read the origin of the URL in two ways."""
        found = _AUTHORITY.match(url)
        if found is None:
            return None
        scheme = url.partition(":")[0].lower()
        try:
            parts = parse_url(f"{scheme}://{found['bare']}/")  # the HTTP client's parser encodes IDN hosts
        except LocationParseError:
            return None
        port = _PORTS[scheme] if parts.port is None else parts.port
        return cls(scheme, parts.host, port) if parts.host and 0 < port < 2**16 else None

    @classmethod
    def named(cls, text: str) -> "Origin | None":
        """Return the origin in a line of a Secret. The line is a host, host:port or an origin.

        The scheme is https if the line has none. The result is None for any other line, such as a line with a path, a
        login or a wildcard.
        """
        url = text if "://" in text else f"https://{text}"
        is_bare = re.fullmatch(r"https?://[^/?#@]+/?", url, re.IGNORECASE)
        found = cls.parse(url) if is_bare else None
        return found if found and _HOST.fullmatch(found.host) else None

    def covers(self, other: "Origin") -> bool:
        """Return whether a header for this origin may be sent to ``other``.

        ``other`` must be the same origin. If this origin uses http, the same host with https is also allowed, when both
        use their default ports.
        """
        upgraded = (self.scheme, self.port, other.scheme, other.port) == ("http", 80, "https", 443)
        return self == other or (upgraded and self.host == other.host)

    def __str__(self) -> str:
        port = "" if self.port == _PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{self.host}{port}"
