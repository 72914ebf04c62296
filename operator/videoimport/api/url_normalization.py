"""The one spelling of an http or https address. Pure.

Scheme and host mean the same in any case (RFC 3986, section 6.2.2.1). The models keep the one spelling, so identities,
hosts and origins compare equal, and yt-dlp, which knows sites in lower case only, knows them.
"""

import re

_START = re.compile(r"https?://([^/?#]*@)?[^/?#]*", re.IGNORECASE | re.ASCII)
_CAPITALS = re.compile("[A-Z]+")


def canonical_url(url: str) -> str:
    """Return ``url`` with its scheme and host in lower case; a login and all behind the host stay, and so does whatever
    is no http or https address. Only ASCII letters change, so the length stays. Idempotent."""
    found = _START.match(url)
    if found is None or not _CAPITALS.search(found[0]):
        return url
    login, scheme_end = found[1] or "", found[0].index("//") + 2
    host = found[0][scheme_end + len(login) :]
    return _lowered(url[:scheme_end]) + login + _lowered(host) + url[found.end() :]


def _lowered(text: str) -> str:
    return _CAPITALS.sub(lambda capitals: capitals[0].lower(), text)
