"""Content-Disposition: the name that a server gives a file (RFC 6266), as browsers understand it. Pure.

``email.message.Message.get_filename`` reads the headers of mail: it prefers ``filename`` to ``filename*`` where both
are sent, and keeps the quote of a value that is cut off and the backslash of a quoted pair. So the parser is ours.
"""

import codecs
import re
from email.errors import HeaderParseError
from email.header import decode_header, make_header
from urllib.parse import unquote_to_bytes

from videoimport.api.untrusted_text import clean_text
from videoimport.worker.fetch.http import header_text as letters

_PARAMETER = re.compile(r'(?:^|;)\s*([^\s;=",]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;]*))', re.DOTALL)
"""Its name, and its value: a quoted string or all up to the next semicolon."""
_EXTENDED = re.compile(r"([^']*)'[^']*'(.*)", re.DOTALL)
"""RFC 8187: charset, language, and bytes that are percent-encoded."""
_QUOTED_PAIR = re.compile(r"\\(.)", re.DOTALL)
_CHARSETS = (
    "utf-8", "ascii", "iso8859-1", "cp1251", "cp1252", "koi8-r", "gbk", "gb18030", "big5", "shift_jis", "euc_jp",
    "euc_kr",
)  # fmt: skip
"""As ``codecs`` calls them. RFC 8187 has UTF-8 alone; others are what servers send."""


def filename(header: str) -> str | None:
    """Return the name of a file in a header's value, without folders and control characters; None where it has none.

    ``filename*`` counts before ``filename``, whatever their order (RFC 6266, section 4.3).
    """
    found: dict[str, str] = {}
    for name, quoted, plain in _PARAMETER.findall(header):
        found.setdefault(name.lower(), _QUOTED_PAIR.sub(r"\1", quoted) if quoted else plain.strip().strip('"'))
    return last_part(_extended(found.get("filename*", ""))) or last_part(_plain(found.get("filename", "")))


def last_part(name: str) -> str | None:
    """Return a name without the folders before it; None for one that names no file."""
    clean = clean_text(re.split(r"[/\\]", name)[-1]).strip()
    return clean if clean.strip(".") else None


def _extended(value: str) -> str:
    parts = _EXTENDED.fullmatch(value)
    if parts is None:
        return ""
    try:
        charset = codecs.lookup(parts[1].strip() or "utf-8").name
        return unquote_to_bytes(parts[2]).decode(charset) if charset in _CHARSETS else ""
    except (LookupError, ValueError):
        return ""


def _plain(value: str) -> str:
    """Letters beyond ASCII are UTF-8 or ISO-8859-1, or written as in mail (RFC 2047)."""
    text = letters.of_header(value)
    if "=?" not in text:
        return text
    try:
        return str(make_header(decode_header(text)))
    except (HeaderParseError, LookupError, ValueError):
        return text
