"""The encoding of a page in the log of a container. The worker writes the page to stdout, and the controller reads the
log.

Addresses may contain secrets, such as a signature, and logs are often copied to log servers. So the worker prints
pages in compressed form, and no log contains an address as text. ``grep ^page: | cut -c6- | base64 -d | zcat``
decodes a page.
"""

import base64
import binascii
import zlib

from videoimport.api.tasks.listing_task import MAX_PAGE_BYTES

PREFIX = "page:"
"""Beginning of each log line with a part of a page. All other lines are JSON."""
_LETTERS = 8000
"""Number of base64 characters in one line. Container runtimes do not split lines of up to 16 KiB."""
_GZIP = 31
"""Value of wbits for the gzip format in zlib."""


def packed(text: str) -> str:
    """Return the log lines that encode a page with this text."""
    packer = zlib.compressobj(9, zlib.DEFLATED, _GZIP)
    letters = base64.b64encode(packer.compress(text.encode()) + packer.flush()).decode()
    parts = (letters[start : start + _LETTERS] for start in range(0, len(letters), _LETTERS))
    return "".join(f"{PREFIX}{part}\n" for part in parts)


def unpacked(log: str) -> str:
    """Return the text of the page in this log, or an empty string without a page.

    Raises ValueError if the page is damaged, incomplete, or larger than MAX_PAGE_BYTES. The log is not trusted, because
    the worker handles untrusted lists.
    """
    letters = "".join(line.removeprefix(PREFIX) for line in log.split("\n") if line.startswith(PREFIX))
    if not letters:
        return ""
    unpacker = zlib.decompressobj(_GZIP)
    try:
        content = unpacker.decompress(base64.b64decode(letters, validate=True), MAX_PAGE_BYTES + 1)
    except (binascii.Error, zlib.error) as error:
        raise ValueError(f"the page in the log cannot be unpacked: {error}") from None
    if len(content) > MAX_PAGE_BYTES or not unpacker.eof or unpacker.unused_data:
        raise ValueError("the page in the log is too large, or not whole")
    return content.decode()
