"""Parser for cookies.txt in the format of browser add-ons and curl: seven fields per line, separated by tabs."""

import math
from collections.abc import Sequence
from http.cookiejar import Cookie

from videoimport.api.reasons import Reason
from videoimport.worker.runtime.errors import ImportFailure

_HTTP_ONLY = "#HttpOnly_"
_FIELDS = 7


def cookies(lines: Sequence[str], secret: str, now: int) -> tuple[Cookie, ...]:
    """Return the cookies that have not expired. Raises ImportFailure CREDENTIALS_NOT_FOUND for an invalid line. The
    message names the line."""
    found = []
    for number, line in enumerate(lines, 1):
        text = line.removeprefix(_HTTP_ONLY)
        if not text.strip() or text.startswith("#"):
            continue
        fields = text.rstrip("\r\n").split("\t")
        if len(fields) != _FIELDS:
            what = f"{len(fields)} fields separated by tabs, not {_FIELDS}"
            raise _failure(secret, number, what)
        if not all(word in ("TRUE", "FALSE") for word in (fields[1], fields[3])):
            raise _failure(secret, number, "a second or fourth field that is neither TRUE nor FALSE")
        if not _is_number(fields[4]):
            raise _failure(secret, number, "a fifth field that is not a time in seconds")
        found.append(_cookie(fields))
    return tuple(cookie for cookie in found if not cookie.is_expired(now))


def _failure(secret: str, number: int, what: str) -> ImportFailure:
    message = f"Line {number} of cookies.txt in the Secret {secret!r} of source.credentialsSecretRef has {what}."
    advice = "Export cookies.txt in Netscape format, then change retryToken."
    return ImportFailure(Reason.CREDENTIALS_NOT_FOUND, message, advice=advice)


def _is_number(text: str) -> bool:
    try:
        return math.isfinite(float(text or "0"))
    except ValueError:
        return False


def _cookie(fields: Sequence[str]) -> Cookie:
    named, subdomains, path, secure, expires, name, value = fields
    domain = named.lower()
    is_wide = subdomains == "TRUE" or domain.startswith(".")
    seconds = int(float(expires or "0")) or None
    return Cookie(
        version=0, name=name, value=value, port=None, port_specified=False,
        domain=domain, domain_specified=is_wide, domain_initial_dot=domain.startswith("."),
        path=path or "/", path_specified=bool(path), secure=secure == "TRUE", expires=seconds, discard=seconds is None,
        comment=None, comment_url=None, rest={},
    )  # fmt: skip
