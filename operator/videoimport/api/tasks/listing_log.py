"""The encoding of a page in the container's log, in which the controller reads it from the worker's stdout.

Addresses may have secret parts, such as a signature, and logs are often copied to log servers. So a page is printed
packed: no log has an address, or any part of one, as text. ``grep ^page: | cut -c6- | base64 -d | zcat`` decodes it.
"""

import base64
import binascii
import zlib

from videoimport.api.tasks.listing_task import MAX_PAGE_BYTES

PREFIX = "page:"
"""How a line of a log begins that holds a part of a page; all others are JSON."""
_LETTERS = 8000
"""Of a part; runtimes keep lines of up to 16 KiB whole."""
_GZIP = 31
"""zlib's word for it."""


def packed(text: str) -> str:
    """The lines that are to be printed for a page with this text."""
    packer = zlib.compressobj(9, zlib.DEFLATED, _GZIP)
    letters = base64.b64encode(packer.compress(text.encode()) + packer.flush()).decode()
    parts = (letters[start : start + _LETTERS] for start in range(0, len(letters), _LETTERS))
    return "".join(f"{PREFIX}{part}\n" for part in parts)


def unpacked(log: str) -> str:
    """The text of the page that was printed in this log; nothing where none was. Raises ValueError for a text that is
    no page, is not whole, or unpacks to more than MAX_PAGE_BYTES. A worker that handles untrusted lists printed it."""
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
