"""Letters of header values and addresses: http.client reads bytes as ISO-8859-1, and servers mostly write UTF-8."""

import re
import string
from urllib.parse import quote, unquote_to_bytes

_STRAY = re.compile(r"%(?![0-9A-Fa-f]{2})")


def of_header(value: str) -> str:
    """Return a header's value as UTF-8 where it is that, else as ISO-8859-1."""
    return decoded(value.encode("latin-1", "replace"))


def decoded(content: bytes) -> str:
    """Return bytes as UTF-8 where they are that, else as ISO-8859-1, which all bytes are."""
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content.decode("latin-1")


def unescaped(text: str) -> str:
    """Return a part of an address without its escapes."""
    return decoded(unquote_to_bytes(text))


def of_address(value: str) -> str:
    """Return the address in a header's value. Bytes that are no UTF-8 are escaped one by one, so that the server gets
    back what it sent."""
    content = value.strip().encode("latin-1", "replace")
    try:
        return content.decode()
    except UnicodeDecodeError:
        return quote(content, safe=string.punctuation + " ")


def escape_stray_percents(url: str) -> str:
    """Escape percent signs that begin no escape. urllib3 escapes all of them where one does not: it would change the
    address."""
    return _STRAY.sub("%25", url)
