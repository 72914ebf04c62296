"""Decoding of header values and URLs. http.client decodes headers as ISO-8859-1, but most servers send UTF-8."""

import re
import string
from urllib.parse import quote, unquote_to_bytes

_STRAY = re.compile(r"%(?![0-9A-Fa-f]{2})")


def of_header(value: str) -> str:
    """Return a header's value, decoded as UTF-8 if it is valid UTF-8, else as ISO-8859-1."""
    return decoded(value.encode("latin-1", "replace"))


def decoded(content: bytes) -> str:
    """Return bytes decoded as UTF-8 if they are valid UTF-8, else as ISO-8859-1, which accepts all bytes."""
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content.decode("latin-1")


def unescaped(text: str) -> str:
    """Return a segment of a URL with its percent-escapes decoded."""
    return decoded(unquote_to_bytes(text))


def of_address(value: str) -> str:
    """Return the URL in a header's value.

    If the value is not valid UTF-8, its bytes are percent-escaped. So the next request sends the server exactly those
    bytes.
    """
    content = value.strip().encode("latin-1", "replace")
    try:
        return content.decode()
    except UnicodeDecodeError:
        return quote(content, safe=string.punctuation + " ")


def escape_stray_percents(url: str) -> str:
    """Escape each percent sign that is not the start of an escape.

    If one such sign remains, urllib3 escapes all percent signs, which changes the URL.
    """
    return _STRAY.sub("%25", url)
