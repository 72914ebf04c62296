"""The file name in a Content-Disposition header (RFC 6266), read in the same way as browsers do. Pure functions.

This module has its own parser because ``email.message.Message.get_filename`` parses mail headers. If a server sends
``filename`` and ``filename*``, that method prefers ``filename``. That method also keeps the quote of a value that is
cut off, and the backslash of a quoted pair.
"""

import codecs
import re
from collections.abc import Mapping
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from urllib.parse import unquote_to_bytes

from videoimport.api.untrusted_text import clean_text
from videoimport.worker.fetch.http import header_text as letters

_PARAMETER = re.compile(r'(?:^|;)\s*([^\s;=",]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;]*))', re.DOTALL)
"""Name and value of a parameter. The value is a quoted string, or all characters up to the next semicolon."""
_EXTENDED = re.compile(r"([^']*)'[^']*'(.*)", re.DOTALL)
"""Charset, language and percent-encoded bytes (RFC 8187)."""
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)
_CHARSETS = (
    "utf-8", "ascii", "iso8859-1", "cp1251", "cp1252", "koi8-r", "gbk", "gb18030", "big5", "shift_jis", "euc_jp",
    "euc_kr",
)  # fmt: skip
"""Supported charsets, with their names in ``codecs``. RFC 8187 only allows UTF-8, but servers send the others too."""
_MOST_SECTIONS = 100
"""Maximum number of sections of a file name. Later sections are ignored."""


def filename(header: str) -> str | None:
    """Return the file name in a header's value, without folders and control characters. Return None if there is no
    name.

    ``filename*`` has priority over ``filename`` in any order (RFC 6266, section 4.3). Some servers send a name in
    sections, as in mail (RFC 2231, section 3). Such a name comes after ``filename*`` and before ``filename``.
    """
    found: dict[str, str] = {}
    for name, quoted, plain in _PARAMETER.findall(header):
        found.setdefault(name.lower(), _QUOTED_PAIR.sub(r"\1", quoted) if quoted else plain.strip().strip('"'))
    names = (_extended(found.get("filename*", "")), _joined(found), _plain(found.get("filename", "")))
    return next((part for name in names if (part := last_part(name))), None)


def last_part(name: str) -> str | None:
    """Return a name without the folders before it, or None if no file name is left."""
    clean = clean_text(re.split(r"[/\\]", name)[-1]).strip()
    return clean if clean.strip(".") else None


def _extended(value: str) -> str:
    parts = _EXTENDED.fullmatch(value)
    return _decoded(unquote_to_bytes(parts[2]), parts[1]) if parts else ""


def _decoded(content: bytes, charset: str) -> str:
    try:
        known = codecs.lookup(charset.strip() or "utf-8").name
        return content.decode(known) if known in _CHARSETS else ""
    except (LookupError, ValueError):
        return ""


def _joined(found: Mapping[str, str]) -> str:
    """Return the name in the sections ``filename*0``, ``filename*1`` and so on, up to the first missing section.

    Sections whose names end with an asterisk are percent-encoded. Only the first section has the charset.
    """
    charset, content = None, b""
    for number in range(_MOST_SECTIONS):
        if (encoded := found.get(f"filename*{number}*")) is not None:
            if number == 0:
                if (parts := _EXTENDED.fullmatch(encoded)) is None:
                    return ""
                charset, encoded = parts[1], parts[2]
            content += unquote_to_bytes(encoded)
        elif (plain := found.get(f"filename*{number}")) is not None:
            content += plain.encode("latin-1", "replace")
        else:
            break
    return _plain(content.decode("latin-1")) if charset is None else _decoded(content, charset)


def _plain(value: str) -> str:
    """Return a plain value as text. Characters beyond ASCII are UTF-8, ISO-8859-1, or in mail encoding (RFC 2047)."""
    text = letters.of_header(value)
    if "=?" not in text:
        return text
    try:
        return str(make_header(decode_header(text)))
    except (HeaderParseError, LookupError, ValueError):
        return text
